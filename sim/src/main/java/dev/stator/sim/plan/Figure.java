package dev.stator.sim.plan;

/** A time in milliseconds over all requests; infinite where a queue grows without end. */
public record Figure(double mean, double p90, double p99) {
    public static final Figure ENDLESS =
            new Figure(
                    Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

    double at(Percentile percentile) {
        return switch (percentile) {
            case P90 -> p90;
            case P99 -> p99;
        };
    }

    /** What is left of a limit, as a part of it; negative if it is broken. */
    double margin(Percentile percentile, double limit) {
        return 1 - at(percentile) / limit;
    }

    Figure plus(double millis) {
        return new Figure(mean + millis, p90 + millis, p99 + millis);
    }

    Figure plus(Figure other) {
        return new Figure(mean + other.mean, p90 + other.p90, p99 + other.p99);
    }
}
