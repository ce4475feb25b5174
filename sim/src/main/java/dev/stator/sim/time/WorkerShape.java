package dev.stator.sim.time;

import java.util.Locale;

/**
 * A model on a number of GPUs of one host, split by tensor parallelism.
 *
 * @param memoryShare the part of the device memory that the engine may take
 */
public record WorkerShape(
        ModelShape model, Gpu gpu, int gpus, Precision precision, double memoryShare) {
    /** What vLLM and TensorRT-LLM take unless told otherwise. */
    public static final double USUAL_MEMORY_SHARE = 0.9;

    /**
     * @throws SetupException if such a worker cannot run
     */
    public WorkerShape {
        if (gpus < 1 || gpus > gpu.perHost()) {
            throw new SetupException(
                    "a worker of %d GPUs is not possible: a host has %d %s, and tensor parallelism stays within one"
                            .formatted(gpus, gpu.perHost(), gpu.name()));
        }
        if (model.attention().heads() % gpus != 0) {
            throw new SetupException(
                    "the %d attention heads of %s cannot be split over %d GPUs"
                            .formatted(model.attention().heads(), model.name(), gpus));
        }
        if (!gpu.multiplies(precision.arithmetic())) {
            throw new SetupException(
                    "%s does not multiply in %s, which precision '%s' needs"
                            .formatted(gpu.name(), precision.arithmetic(), precision.name()));
        }
        if (memoryShare <= 0 || memoryShare > 1) {
            throw new SetupException(
                    "the share of device memory must be above 0 and at most 1, not " + memoryShare);
        }
    }

    public WorkerShape(ModelShape model, Gpu gpu, int gpus, Precision precision) {
        this(model, gpu, gpus, precision, USUAL_MEMORY_SHARE);
    }

    /** Bytes that are left for KV on each GPU; not positive if the weights do not fit. */
    double kvBytesPerGpu() {
        return gpu.memoryGigabytes() * 1e9 * memoryShare
                - gpu.workspaceGigabytes() * 1e9
                - model.weightBytes(precision) / gpus;
    }

    /** Tokens of KV that fit; 0 if the weights do not. */
    public long kvTokens() {
        return (long) Math.max(0, kvBytesPerGpu() / kvBytesPerGpuAndToken());
    }

    /** Bytes of KV of one token, all layers, without copies on several GPUs. */
    public long kvBytesPerToken() {
        return Math.round(model.attention().kvElements() * precision.kvBytes() * model.layers());
    }

    private double kvBytesPerGpuAndToken() {
        return (double) kvBytesPerToken() / model.attention().kvShards(gpus);
    }

    /** Such as {@code llama-3.3-70b fp8 on 2 x h100-sxm}. */
    @Override
    public String toString() {
        return "%s %s on %d x %s"
                .formatted(model.name(), precision.name(), gpus, gpu.name())
                .toLowerCase(Locale.ROOT);
    }
}
