package dev.stator.sim.time;

/**
 * Times from first principles: each part of a step takes as long as its operations or its memory
 * traffic, whichever is longer, at the calibrated share of what the data sheet promises.
 *
 * <p>Immutable; docs/time-models.md says how close it is to published measurements.
 */
public final class Roofline implements TimeModel {
    /*
     * A step of P prompt tokens and D answers is the sum of
     *
     * dense      2 (P + D) w operations, w weights of attention and dense layers; reads w once
     * head       2 D v operations, v weights of the output matrix, 16 bits; reads v once.
     *            Prompts need it for their last token alone, which is neglected
     * experts    2 (P + D) k e operations, k experts of e weights per token and layer; reads the
     *            experts that P + D tokens are expected to touch
     * attention  of prompts: operations for each pair of tokens that attend, or the KV of what
     *            they attend to, read once. Of answers: all KV of their contexts read, or
     *            operations. Layers with a window count at most the window
     * all-reduce two per layer, each a fixed latency per doubling of the GPUs and
     *            2 (n - 1) / n of the hidden states over the device-to-device link (ring)
     * overhead   fixed per layer and per step
     *
     * Parts add up; nothing overlaps. Prompts and answers in one step share the reading of
     * weights, which is what mixing them saves.
     */
    private static final int REDUCES_PER_LAYER = 2;

    private final WorkerShape shape;
    private final double denseOperationsPerSecond;
    private final double headOperationsPerSecond;
    private final double expertOperationsPerSecond;
    private final double attentionOperationsPerSecond;
    private final double weightBytesPerSecond;
    private final double kvBytesPerSecond;
    private final double fixedSeconds;
    private final double reduceSeconds;
    private final double reduceSecondsPerToken;

    /**
     * @throws SetupException if the weights leave no room for KV
     */
    public Roofline(WorkerShape shape) {
        if (shape.kvTokens() == 0) {
            throw new SetupException(
                    "%s has no room for KV: the weights take %.0f GB per GPU, the engine %.0f GB, and it may use %.0f GB; take more GPUs or a smaller precision"
                            .formatted(
                                    shape,
                                    shape.model().weightBytes(shape.precision())
                                            / shape.gpus()
                                            / 1e9,
                                    shape.gpu().workspaceGigabytes(),
                                    shape.gpu().memoryGigabytes() * shape.memoryShare()));
        }
        this.shape = shape;
        var gpu = shape.gpu();
        var efficiency = gpu.efficiency();
        var format = shape.precision().arithmetic();
        int gpus = shape.gpus();
        denseOperationsPerSecond =
                gpus * gpu.operationsPerSecond(format) * efficiency.dense(format);
        headOperationsPerSecond =
                gpus * gpu.operationsPerSecond(Format.FP16) * efficiency.dense(Format.FP16);
        expertOperationsPerSecond =
                gpus * gpu.operationsPerSecond(format) * efficiency.experts(format);
        attentionOperationsPerSecond =
                gpus * gpu.operationsPerSecond(Format.FP16) * efficiency.attention();
        weightBytesPerSecond = gpus * gpu.memoryBytesPerSecond() * efficiency.weights();
        kvBytesPerSecond =
                shape.model().attention().kvShards(gpus)
                        * gpu.memoryBytesPerSecond()
                        * efficiency.kv();
        int layers = shape.model().layers();
        fixedSeconds = efficiency.stepMillis() / 1e3 + layers * efficiency.layerMicros() / 1e6;
        double doublings = Math.log(gpus) / Math.log(2);
        reduceSeconds = REDUCES_PER_LAYER * layers * doublings * efficiency.allReduceMicros() / 1e6;
        double stateBytes = shape.model().hidden() * ModelShape.SIXTEEN_BITS;
        reduceSecondsPerToken =
                REDUCES_PER_LAYER
                        * layers
                        * (2.0 * (gpus - 1) / gpus)
                        * stateBytes
                        / (gpu.wire(Link.DEVICE_TO_DEVICE).gigabytesPerSecond()
                                * 1e9
                                * efficiency.allReduce());
    }

    public WorkerShape shape() {
        return shape;
    }

    @Override
    public double stepMillis(StepWork work) {
        double tokens = work.tokens();
        double seconds =
                denseSeconds(tokens)
                        + headSeconds(work)
                        + expertSeconds(tokens)
                        + promptAttentionSeconds(work)
                        + answerAttentionSeconds(work)
                        + reduceSeconds
                        + reduceSecondsPerToken * tokens
                        + fixedSeconds;
        return seconds * 1e3;
    }

    private double denseSeconds(double tokens) {
        double weights = shape.model().denseParameters();
        return Math.max(
                2 * tokens * weights / denseOperationsPerSecond,
                weights * shape.precision().weightBytes() / weightBytesPerSecond);
    }

    private double headSeconds(StepWork work) {
        double weights = shape.model().headParameters();
        return Math.max(
                2 * work.decodes() * weights / headOperationsPerSecond,
                weights * ModelShape.SIXTEEN_BITS / weightBytesPerSecond);
    }

    private double expertSeconds(double tokens) {
        var model = shape.model();
        if (model.experts().isEmpty()) {
            return 0;
        }
        var experts = model.experts().get();
        double weights = (double) model.expertLayers() * model.expertParameters();
        return Math.max(
                2 * tokens * experts.active() * weights / expertOperationsPerSecond,
                experts.touched(tokens)
                        * weights
                        * shape.precision().expertBytes()
                        / weightBytesPerSecond);
    }

    private double promptAttentionSeconds(StepWork work) {
        if (work.prefillTokens() == 0) {
            return 0;
        }
        double context = work.prefillAttended() / work.prefillTokens();
        return Math.max(
                work.prefillTokens()
                        * layerTokens(context)
                        * shape.model().attention().prefillOperations()
                        / attentionOperationsPerSecond,
                kvSeconds(layerTokens(context)));
    }

    private double answerAttentionSeconds(StepWork work) {
        if (work.decodes() == 0) {
            return 0;
        }
        double layerTokens =
                work.decodes() * layerTokens((double) work.decodeContext() / work.decodes());
        return Math.max(
                layerTokens
                        * shape.model().attention().decodeOperations()
                        / attentionOperationsPerSecond,
                kvSeconds(layerTokens));
    }

    /** Tokens that one token attends to, summed over the layers. */
    private double layerTokens(double context) {
        var model = shape.model();
        return (model.layers() - model.windowLayers()) * context
                + model.windowLayers() * Math.min(context, model.window());
    }

    private double kvSeconds(double layerTokens) {
        return layerTokens
                * shape.model().attention().kvElements()
                * shape.precision().kvBytes()
                / kvBytesPerSecond;
    }

    @Override
    public double moveMillis(long tokens, Link link) {
        var wire = shape.gpu().wire(link);
        int wires = shape.model().attention().kvShards(shape.gpus());
        return wire.latencyMillis()
                + 1e3 * tokens * kvBytesPerToken() / (wires * wire.bytesPerSecond());
    }

    @Override
    public long kvTokens() {
        return shape.kvTokens();
    }

    @Override
    public long kvBytesPerToken() {
        return shape.kvBytesPerToken();
    }
}
