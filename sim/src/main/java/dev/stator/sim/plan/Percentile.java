package dev.stator.sim.plan;

/** The part of the requests that a limit is for. */
public enum Percentile {
    P90(0.9, 1.2816),
    P99(0.99, 2.3263);

    private final double part;
    private final double deviations;

    Percentile(double part, double deviations) {
        this.part = part;
        this.deviations = deviations;
    }

    double part() {
        return part;
    }

    /** Standard deviations above the mean of a normal distribution. */
    double deviations() {
        return deviations;
    }
}
