package dev.stator.serving;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.Tokenizer;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/**
 * What is left of an answer whose first tokens the client has, when whoever generated them is gone.
 * Under greedy decoding the whole is what it would have been; a random draw goes on from another
 * seed, and a prompt that was spliced under a guard goes on exactly.
 */
public sealed interface Continuation {
    /**
     * The client has all tokens; only the end was lost.
     *
     * @param tail text that was held back
     */
    record Over(FinishReason reason, String tail) implements Continuation {}

    /** To be asked of somebody else. */
    record Rest(GenerationRequest request) implements Continuation {}

    /**
     * @param sent the tokens that the client has, in order
     */
    static Continuation of(GenerationRequest asked, int[] sent, Tokenizer tokenizer) {
        if (sent.length == 0) {
            return new Rest(asked);
        }
        var text = new AnswerText(asked.stops());
        boolean ended = false;
        for (int token : asked.begun()) {
            text.accept(tokenizer.bytes(token, true));
        }
        for (int token : sent) {
            ended = asked.endsWith(token, tokenizer);
            if (!ended) {
                text.accept(tokenizer.bytes(token, true));
            }
        }
        if (ended || text.stopped()) {
            return new Over(FinishReason.STOP, text.tail());
        }
        if (sent.length >= asked.maxTokens()) {
            return new Over(FinishReason.LENGTH, text.tail());
        }
        return new Rest(rest(asked, sent));
    }

    private static GenerationRequest rest(GenerationRequest asked, int[] sent) {
        int had = asked.prompt().length;
        int[] prompt = Arrays.copyOf(asked.prompt(), had + sent.length);
        System.arraycopy(sent, 0, prompt, had, sent.length);
        var standing = asked.standing();
        return new GenerationRequest(
                asked.id(),
                prompt,
                asked.maxTokens() - sent.length,
                reseeded(asked.sampling(), sent.length),
                asked.stops(),
                asked.stopTokens(),
                asked.ignoreEnd(),
                asked.salt(),
                // Its first token was in time.
                standing.unhurried(standing.serviceClass()),
                asked.retentions(),
                // Whether the guard let it pass is not known here: exact is right in any case.
                asked.splice().filter(its -> its.guard().isEmpty()),
                asked.answered() + sent.length);
    }

    /** The same seed would draw the numbers again that the answer began with. */
    static SamplingOptions reseeded(SamplingOptions options, int sent) {
        if (sent == 0 || options.seed().isEmpty() || options.temperature() <= 0) {
            return options;
        }
        long seed = new SplittableRandom(options.seed().getAsLong() + sent).nextLong();
        return options.withSeed(OptionalLong.of(seed));
    }
}
