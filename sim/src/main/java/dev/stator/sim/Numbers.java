package dev.stator.sim;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as people read them: three digits that count, the same in every locale. */
final class Numbers {
    private static final MathContext DIGITS = new MathContext(3);

    private Numbers() {}

    static String of(double value) {
        if (!Double.isFinite(value)) {
            return "–";
        }
        var rounded = new BigDecimal(value).round(DIGITS);
        int decimals = Math.max(0, Math.min(3, rounded.scale()));
        return String.format(Locale.ROOT, "%,." + decimals + "f", rounded);
    }

    /** {@code 123 ± 4}, or the mean alone for a single run. */
    static String of(Interval interval) {
        return Double.isNaN(interval.half())
                ? of(interval.mean())
                : of(interval.mean()) + " ± " + of(interval.half());
    }
}
