package dev.stator.sim.trace;

/**
 * One request of a trace.
 *
 * @param arrivalNanos after the trace's first request
 * @param promptTokens at least 1
 * @param outputTokens of the answer, at least 1
 * @param keys fingerprints of the complete blocks of the prompt and of the answer that follows it:
 *     equal keys are equal text after equal text. Not copied: nobody may change them
 * @param session requests of one conversation share it
 */
public record TraceRequest(
        long arrivalNanos, int promptTokens, int outputTokens, long[] keys, long session) {
    TraceRequest at(long nanos) {
        return new TraceRequest(nanos, promptTokens, outputTokens, keys, session);
    }

    /** The same lengths with other text. */
    TraceRequest salted(long salt) {
        long[] other = new long[keys.length];
        for (int i = 0; i < keys.length; i++) {
            other[i] = Fingerprint.mix(keys[i], salt);
        }
        return new TraceRequest(
                arrivalNanos, promptTokens, outputTokens, other, Fingerprint.mix(session, salt));
    }
}
