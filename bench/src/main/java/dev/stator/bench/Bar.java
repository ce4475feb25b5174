package dev.stator.bench;

import java.util.Collection;
import java.util.Locale;

/** What a ratio must reach. */
record Bar(double value, boolean atLeast) {
    static Bar atLeast(double value) {
        return new Bar(value, true);
    }

    static Bar atMost(double value) {
        return new Bar(value, false);
    }

    boolean met(double ratio) {
        return atLeast ? ratio >= value : ratio <= value;
    }

    /** The ratio that is furthest from the right side. */
    double worst(Collection<Double> ratios) {
        var values = ratios.stream().mapToDouble(Double::doubleValue);
        return (atLeast ? values.min() : values.max()).orElseThrow();
    }

    @Override
    public String toString() {
        return "%s%s".formatted(atLeast ? ">=" : "<=", number(value));
    }

    /** Enough digits to compare with the bar. */
    static String number(double value) {
        return String.format(Locale.ROOT, value < 0.1 ? "%.5f" : "%.3f", value);
    }
}
