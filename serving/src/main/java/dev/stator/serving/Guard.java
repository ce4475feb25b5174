package dev.stator.serving;

import dev.stator.engine.Certainty;

/**
 * When a spliced prompt is not to be answered: if the model is less sure of the first token than it
 * is where splicing was found to change nothing. The prompt is then computed exactly.
 *
 * @param leastMargin see {@link Certainty#margin}
 * @param mostEntropy see {@link Certainty#entropy}
 */
public record Guard(double leastMargin, double mostEntropy) {
    /** It lets everything pass, but the account says how sure the model was. */
    public static final Guard WATCHING = new Guard(0, Double.POSITIVE_INFINITY);

    public boolean doubts(Certainty certainty) {
        return !(certainty.margin() >= leastMargin && certainty.entropy() <= mostEntropy);
    }
}
