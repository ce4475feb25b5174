package dev.stator.sim.trace;

import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Requests that are all of the same length and have no text in common, at random times (Poisson).
 * The same seed gives the same times at every rate, but for the scale.
 */
public record Alike(int promptTokens, int answerTokens, int blockTokens) implements Trace {
    @Override
    public String name() {
        return "prompts of %d tokens, answers of %d".formatted(promptTokens, answerTokens);
    }

    @Override
    public double requestsPerSecond() {
        return 1;
    }

    /** The blocks of the request of that number, from 0, in every run. */
    public long[] keys(long number) {
        long[] keys = new long[(promptTokens + answerTokens) / blockTokens];
        for (int block = 0; block < keys.length; block++) {
            keys[block] = Fingerprint.mix(number, block);
        }
        return keys;
    }

    @Override
    public Arrivals arrivals(long seed, double requestsPerSecond, long requests) {
        var random = new SplittableRandom(seed);
        return new Arrivals() {
            private double nanos;
            private long number;

            @Override
            public Optional<TraceRequest> next() {
                if (number == requests) {
                    return Optional.empty();
                }
                nanos += random.nextExponential() * 1e9 / requestsPerSecond;
                long[] keys = keys(number);
                return Optional.of(
                        new TraceRequest((long) nanos, promptTokens, answerTokens, keys, number++));
            }

            @Override
            public Optional<TraceRequest> followUp(TraceRequest answered, long end) {
                return Optional.empty();
            }
        };
    }
}
