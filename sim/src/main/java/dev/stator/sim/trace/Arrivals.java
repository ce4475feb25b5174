package dev.stator.sim.trace;

import java.util.Optional;

/** The requests of one run, in the order in which they arrive. */
public interface Arrivals {
    /** The next request that does not wait for another's answer; empty after the last. */
    Optional<TraceRequest> next();

    /** What its sender asks after an answer that ended at {@code nanos}, and when. */
    Optional<TraceRequest> followUp(TraceRequest answered, long nanos);
}
