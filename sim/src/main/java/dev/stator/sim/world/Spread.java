package dev.stator.sim.world;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** How some values are distributed; all NaN if there are none. */
public record Spread(double mean, double p50, double p90, double p99) {
    static Spread of(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return new Spread(
                Arrays.stream(sorted).average().orElse(Double.NaN),
                quantile(sorted, 0.5),
                quantile(sorted, 0.9),
                quantile(sorted, 0.99));
    }

    /** From the 1st to the 99th. */
    static List<Double> percentiles(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return IntStream.range(1, 100)
                .mapToObj(percent -> quantile(sorted, percent / 100.0))
                .toList();
    }

    /** The smallest value that at least this part of all do not exceed. */
    private static double quantile(double[] sorted, double part) {
        int rank = (int) Math.ceil(part * sorted.length);
        return sorted.length == 0 ? Double.NaN : sorted[Math.clamp(rank - 1, 0, sorted.length - 1)];
    }
}
