package dev.stator.routing;

/**
 * What one step of an engine computed: a token for each running answer, and some prompt tokens.
 *
 * @param newTokens prompt tokens
 * @param attendedTokens the sum, over these, of the tokens that each attends to
 * @param running answers that got a token
 * @param contextTokens tokens of KV that these attended to, all together
 */
public record Step(int newTokens, double attendedTokens, int running, long contextTokens) {
    /** The attended tokens of {@code newTokens} that follow {@code before} others. */
    public static double attended(double before, double newTokens) {
        return newTokens * (before + (newTokens + 1) / 2);
    }
}
