package dev.stator.routing;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** Predicted and actual milliseconds of the last first tokens, by stage. */
final class PredictionErrors {
    private static final int KEPT = 1024;

    /** What takes less is compared with this much. */
    private static final double LEAST_MILLIS = 1;

    private static final Stage[] STAGES = Stage.values();

    private final double[][] differences = new double[STAGES.length][KEPT];
    private final double[][] relatives = new double[STAGES.length][KEPT];
    private long added;

    void add(Prediction predicted, Actual actual) {
        int slot = (int) (added++ % KEPT);
        for (int i = 0; i < STAGES.length; i++) {
            double measured = STAGES[i].of(actual);
            double difference = STAGES[i].of(predicted) - measured;
            differences[i][slot] = difference;
            relatives[i][slot] = Math.abs(difference) / Math.max(measured, LEAST_MILLIS);
        }
    }

    /** Empty before the first. */
    Map<Stage, PredictionError> all() {
        var all = new EnumMap<Stage, PredictionError>(Stage.class);
        int samples = (int) Math.min(added, KEPT);
        if (samples > 0) {
            for (var stage : STAGES) {
                all.put(stage, of(stage, samples));
            }
        }
        return all;
    }

    private PredictionError of(Stage stage, int samples) {
        double bias = Arrays.stream(differences[stage.ordinal()], 0, samples).sum() / samples;
        double[] sorted = Arrays.copyOf(relatives[stage.ordinal()], samples);
        Arrays.sort(sorted);
        return new PredictionError(samples, bias, quantile(sorted, 0.5), quantile(sorted, 0.95));
    }

    /** The smallest of them that at least this part of all do not exceed. */
    private static double quantile(double[] sorted, double part) {
        return sorted[(int) Math.ceil(part * sorted.length) - 1];
    }
}
