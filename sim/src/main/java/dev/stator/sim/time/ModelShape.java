package dev.stator.sim.time;

import java.util.Optional;

/**
 * The hyper-parameters of a model that decide how long it takes, as its authors published them.
 *
 * @param feedForward width of the gated feed-forward part of dense layers
 * @param denseLayers how many layers have no experts
 * @param windowLayers how many layers attend to the last {@code window} tokens only
 * @param tied whether the output uses the matrix of the token embedding
 * @param experts of the other layers
 */
public record ModelShape(
        String name,
        int layers,
        int hidden,
        int vocabulary,
        boolean tied,
        Attention attention,
        int feedForward,
        int denseLayers,
        int windowLayers,
        int window,
        Optional<Experts> experts) {
    /** Weights of an attention or feed-forward part that each step reads and each token uses. */
    long denseParameters() {
        long shared = experts.map(Experts::sharedWidth).orElse(0);
        long router = experts.map(Experts::count).orElse(0);
        return layers * attention.parameters(hidden)
                + denseLayers * gated(feedForward)
                + expertLayers() * (gated(shared) + router * hidden);
    }

    /** Weights of one expert. */
    long expertParameters() {
        return gated(experts.map(Experts::width).orElse(0));
    }

    int expertLayers() {
        return layers - denseLayers;
    }

    /** The matrix that makes logits. */
    long headParameters() {
        return (long) vocabulary * hidden;
    }

    long parameters() {
        long all = experts.map(Experts::count).orElse(0);
        return denseParameters()
                + expertLayers() * all * expertParameters()
                + headParameters() * (tied ? 1 : 2);
    }

    /** What one token goes through: the embedding is a look-up and does not count. */
    long activeParameters() {
        long active = experts.map(Experts::active).orElse(0);
        return denseParameters() + expertLayers() * active * expertParameters() + headParameters();
    }

    /** Bytes that the weights take up, all GPUs together. */
    double weightBytes(Precision precision) {
        long all = experts.map(Experts::count).orElse(0);
        return denseParameters() * precision.weightBytes()
                + expertLayers() * all * expertParameters() * precision.expertBytes()
                + headParameters() * (tied ? 1 : 2) * SIXTEEN_BITS;
    }

    static final double SIXTEEN_BITS = 2;

    private long gated(long width) {
        return 3L * hidden * width;
    }
}
