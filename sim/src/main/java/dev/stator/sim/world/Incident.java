package dev.stator.sim.world;

import java.time.Duration;

/** Something that befalls a worker, so long after the beginning. */
public sealed interface Incident {
    String worker();

    Duration at();

    /** It does nothing for a while. */
    record Stall(String worker, Duration at, Duration length) implements Incident {}

    /** It is gone with all that it held and did. */
    record Death(String worker, Duration at) implements Incident {}

    /** It is there again, empty. */
    record Return(String worker, Duration at) implements Incident {}
}
