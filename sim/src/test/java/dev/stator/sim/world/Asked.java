package dev.stator.sim.world;

import dev.stator.sim.trace.Arrivals;
import dev.stator.sim.trace.TraceRequest;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;

/** Requests that a test writes down. */
final class Asked implements Arrivals {
    static final int BLOCK_TOKENS = 10;

    private final Queue<TraceRequest> requests;

    Asked(List<TraceRequest> requests) {
        this.requests = new ArrayDeque<>(requests);
    }

    static TraceRequest request(double millis, int prompt, int output, long text) {
        return request(millis, prompt, output, text, prompt);
    }

    /**
     * @param text what it begins with
     * @param shared tokens that are the same in all requests of this text
     */
    static TraceRequest request(double millis, int prompt, int output, long text, int shared) {
        long[] keys = new long[(prompt + output) / BLOCK_TOKENS];
        for (int block = 0; block < keys.length; block++) {
            boolean same = (block + 1) * BLOCK_TOKENS <= shared;
            long own = same ? 0 : (long) (millis * 1000) + 1;
            keys[block] = (text * 1_000_003 + block) * 0x9E3779B97F4A7C15L ^ own << 20;
        }
        return new TraceRequest((long) (millis * 1e6), prompt, output, keys, text);
    }

    @Override
    public Optional<TraceRequest> next() {
        return Optional.ofNullable(requests.poll());
    }

    @Override
    public Optional<TraceRequest> followUp(TraceRequest answered, long nanos) {
        return Optional.empty();
    }
}
