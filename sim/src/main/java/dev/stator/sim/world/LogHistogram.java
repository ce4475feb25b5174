package dev.stator.sim.world;

import java.util.Arrays;

/** Counts of positive values in buckets that are 1 % wide. */
final class LogHistogram {
    private static final double STEP = Math.log(1.01);

    /** Logarithm of the smallest value that is told apart from 0, in milliseconds. */
    private static final double LOW = Math.log(1e-3);

    private long[] counts = new long[2048];
    private long total;

    void add(double value, long count) {
        int bucket = value <= 1e-3 ? 0 : (int) ((Math.log(value) - LOW) / STEP);
        if (bucket >= counts.length) {
            counts = Arrays.copyOf(counts, bucket + 1);
        }
        counts[bucket] += count;
        total += count;
    }

    /** The middle of the bucket in which the quantile lies; NaN if nothing was added. */
    double quantile(double part) {
        long rank = (long) Math.ceil(part * total);
        long seen = 0;
        for (int bucket = 0; bucket < counts.length; bucket++) {
            seen += counts[bucket];
            if (seen >= rank && seen > 0) {
                return Math.exp(LOW + (bucket + 0.5) * STEP);
            }
        }
        return Double.NaN;
    }
}
