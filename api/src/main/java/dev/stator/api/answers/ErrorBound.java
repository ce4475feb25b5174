package dev.stator.api.answers;

/**
 * Whether what has been seen says that something goes wrong more rarely than a bound.
 *
 * <p>A bet, as in sequential testing: it multiplies with each outcome by how likely that is if
 * errors are a quarter as frequent as the bound, over how likely if they are as frequent. While
 * they are that frequent, or more so, it can be expected not to grow, whenever one looks; that it
 * ever reaches 20 has then a chance of at most 1/20 (Ville's inequality). With a bound of 2 % that
 * takes 198 right outcomes in a row, and each wrong one takes 90 more. What is won beyond that is
 * thrown away but for one error's worth and a half, so that the second of two errors ends what was
 * earned long ago. Confined to its owner's lock.
 */
final class ErrorBound {
    private static final double CHANCE = 0.05;
    private static final double RARER = 4;

    /** In errors. */
    private static final double RESERVE = 1.5;

    private final double right;
    private final double wrong;
    private double wealth;

    /**
     * @param bound part of the outcomes that may be wrong, between 0 and 1
     */
    ErrorBound(double bound) {
        right = Math.log((1 - bound / RARER) / (1 - bound));
        wrong = -Math.log(RARER);
    }

    void saw(boolean isRight) {
        double most = Math.log(1 / CHANCE) - RESERVE * wrong;
        wealth = Math.min(most, wealth + (isRight ? right : wrong));
    }

    /** Whether it is kept, with a confidence of 95 %. */
    boolean isKept() {
        return wealth >= Math.log(1 / CHANCE);
    }
}
