package dev.stator.bench;

import java.util.Locale;

/** How many of some questions were answered rightly, and how many as from exact prompts. */
final class Tally {
    /** Of the normal distribution, for intervals of 95 %. */
    private static final double DEVIATIONS = 1.96;

    private int asked;
    private int right;
    private int same;
    private int doubted;
    private long moved;
    private long spliced;

    void add(boolean isRight, boolean isSame, boolean isDoubted, long movedTokens, long kept) {
        asked++;
        right += isRight ? 1 : 0;
        same += isSame ? 1 : 0;
        doubted += isDoubted ? 1 : 0;
        if (!isDoubted) {
            moved += movedTokens;
            spliced += kept;
        }
    }

    double right() {
        return (double) right / asked;
    }

    double same() {
        return (double) same / asked;
    }

    int asked() {
        return asked;
    }

    /** In percent, with Wilson's interval. */
    String rightWithInterval() {
        double p = right();
        double z = DEVIATIONS * DEVIATIONS / asked;
        double middle = (p + z / 2) / (1 + z);
        double half = DEVIATIONS * Math.sqrt(p * (1 - p) / asked + z / (4.0 * asked)) / (1 + z);
        return String.format(
                Locale.ROOT,
                "%.1f (%.1f to %.1f)",
                100 * p,
                100 * (middle - half),
                100 * (middle + half));
    }

    /** A row of a table: asked, right with Wilson's interval, the same, computed, in doubt. */
    String row() {
        return String.format(
                Locale.ROOT,
                "%d | %s | %.1f | %.1f | %.1f |",
                asked,
                rightWithInterval(),
                100 * same(),
                moved == 0 ? 0 : 100 * (1 - (double) spliced / moved),
                100.0 * doubted / asked);
    }
}
