package dev.stator.sim.time;

/**
 * The experts of one layer.
 *
 * @param active how many each token goes through
 * @param width of one expert
 * @param sharedWidth of the expert that all tokens go through; 0 if there is none
 */
public record Experts(int count, int active, int width, int sharedWidth) {
    /** How many different experts {@code tokens} tokens are expected to touch, chosen evenly. */
    double touched(double tokens) {
        return count * -Math.expm1(tokens * Math.log1p(-(double) active / count));
    }
}
