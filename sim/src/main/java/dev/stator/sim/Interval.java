package dev.stator.sim;

import java.util.Arrays;

/**
 * A mean over runs and how far it may be off.
 *
 * @param half half the width of its 95 % confidence interval; NaN for a single run
 */
public record Interval(double mean, double half) {
    /** Student's t for 95 %, two-sided, by degrees of freedom from 1. */
    private static final double[] T = {
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045, 2.042
    };

    private static final double NORMAL = 1.960;

    /** Of values that are independent and roughly normally distributed, such as runs' figures. */
    public static Interval of(double... values) {
        double mean = Arrays.stream(values).average().orElse(Double.NaN);
        int freedom = values.length - 1;
        if (freedom < 1) {
            return new Interval(mean, Double.NaN);
        }
        double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
        double deviation = Math.sqrt(squares / freedom);
        double t = freedom <= T.length ? T[freedom - 1] : NORMAL;
        return new Interval(mean, t * deviation / Math.sqrt(values.length));
    }
}
