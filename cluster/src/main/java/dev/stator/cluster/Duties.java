package dev.stator.cluster;

import dev.stator.cluster.wire.Shape;
import dev.stator.routing.WorkerRole;
import java.util.Locale;

/** What nodes may be asked for, as it is said to other members and to people. */
final class Duties {
    private Duties() {}

    static Shape.Duty message(WorkerRole role) {
        return switch (role) {
            case PREFILL -> Shape.Duty.DUTY_PREFILL;
            case DECODE -> Shape.Duty.DUTY_DECODE;
            case BOTH -> Shape.Duty.DUTY_BOTH;
        };
    }

    /** A node that says nothing of it is older than roles are, and lends only what is there. */
    static WorkerRole role(Shape shape) {
        return switch (shape.getDuty()) {
            case DUTY_PREFILL -> WorkerRole.PREFILL;
            case DUTY_BOTH -> WorkerRole.BOTH;
            case DUTY_DECODE, DUTY_UNKNOWN, UNRECOGNIZED -> WorkerRole.DECODE;
        };
    }

    static String words(Shape shape) {
        return shape.getDuty() == Shape.Duty.DUTY_UNKNOWN
                ? "both"
                : role(shape).name().toLowerCase(Locale.ROOT);
    }
}
