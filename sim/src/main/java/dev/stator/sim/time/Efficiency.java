package dev.stator.sim.time;

import java.util.Map;

/**
 * What engines reach of a GPU's data sheet, and what each step costs besides.
 *
 * @param dense share of peak operations in matrix products of dense layers, by format
 * @param experts the same in matrix products of experts, which are smaller
 * @param attention share of peak FP16 operations in attention
 * @param weights share of memory bandwidth when weights are read
 * @param kv share of memory bandwidth when KV is read
 * @param allReduce share of the device-to-device rate in large all-reduces
 * @param allReduceMicros what a small all-reduce takes for each doubling of the GPUs
 * @param layerMicros launches and small kernels of one layer
 * @param stepMillis scheduling, sampling and preparation of one step
 */
public record Efficiency(
        Map<Format, Double> dense,
        Map<Format, Double> experts,
        double attention,
        double weights,
        double kv,
        double allReduce,
        double allReduceMicros,
        double layerMicros,
        double stepMillis) {
    public Efficiency {
        dense = Map.copyOf(dense);
        experts = Map.copyOf(experts);
    }

    double dense(Format format) {
        return dense.getOrDefault(format, 0.0);
    }

    double experts(Format format) {
        return experts.getOrDefault(format, 0.0);
    }
}
