package dev.stator.api;

/** Logprobs in JSON, which has no infinity. */
final class Logprob {
    /** What OpenAI writes for a token that is as good as impossible. */
    private static final float LEAST = -9999;

    private Logprob() {}

    static float finite(float logprob) {
        return Float.isFinite(logprob) ? Math.max(LEAST, logprob) : LEAST;
    }
}
