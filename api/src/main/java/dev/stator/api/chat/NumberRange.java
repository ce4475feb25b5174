package dev.stator.api.chat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Numbers between two bounds as a grammar. Numbers are written without exponents and with at most
 * {@link #MAX_DIGITS} digits before and as many after the point.
 *
 * @param lower null if there is none
 * @param upper null if there is none
 */
record NumberRange(
        @Nullable BigDecimal lower,
        boolean lowerExcluded,
        @Nullable BigDecimal upper,
        boolean upperExcluded) {
    static final int MAX_DIGITS = 15;

    private static final BigDecimal LIMIT = BigDecimal.TEN.pow(MAX_DIGITS).subtract(BigDecimal.ONE);

    /**
     * A bound above zero, or zero: whole digits, and digits after the point without zeros behind.
     */
    private record Bound(String whole, String fraction, boolean excluded) {
        static Bound of(BigDecimal value, boolean excluded) {
            var text = value.stripTrailingZeros().toPlainString();
            int point = text.indexOf('.');
            return point < 0
                    ? new Bound(text, "", excluded)
                    : new Bound(text.substring(0, point), text.substring(point + 1), excluded);
        }
    }

    /** Integers in the range; empty if there are none. */
    Optional<Gbnf> integers() {
        var low = lower == null ? LIMIT.negate() : least(lower);
        var high = upper == null ? LIMIT : most(upper);
        if (low.abs().max(high.abs()).compareTo(LIMIT) > 0) {
            throw new ChatException(
                    "bounds of more than %d digits cannot be enforced".formatted(MAX_DIGITS));
        }
        var options = new ArrayList<Gbnf>();
        if (low.signum() < 0) {
            var nearest = high.signum() < 0 ? high.negate() : BigDecimal.ONE;
            addNegated(options, whole(digits(nearest), digits(low.negate())));
        }
        if (high.signum() >= 0) {
            options.addAll(whole(digits(low.max(BigDecimal.ZERO)), digits(high)));
        }
        return choice(options);
    }

    private BigDecimal least(BigDecimal bound) {
        var rounded = bound.setScale(0, RoundingMode.CEILING);
        return lowerExcluded && rounded.compareTo(bound) == 0
                ? rounded.add(BigDecimal.ONE)
                : rounded;
    }

    private BigDecimal most(BigDecimal bound) {
        var rounded = bound.setScale(0, RoundingMode.FLOOR);
        return upperExcluded && rounded.compareTo(bound) == 0
                ? rounded.subtract(BigDecimal.ONE)
                : rounded;
    }

    private static String digits(BigDecimal value) {
        return value.toBigIntegerExact().toString();
    }

    /** Numbers in the range; empty if there are none. */
    Optional<Gbnf> numbers() {
        var low = lower == null ? LIMIT.negate() : lower;
        var high = upper == null ? LIMIT : upper;
        if (tooLong(low) || tooLong(high)) {
            throw new ChatException(
                    "bounds of more than %d digits before or after the point cannot be enforced"
                            .formatted(MAX_DIGITS));
        }
        int order = low.compareTo(high);
        if (order > 0 || (order == 0 && (lowerExcluded || upperExcluded))) {
            return Optional.empty();
        }
        var options = new ArrayList<Gbnf>();
        if (low.signum() < 0) {
            var nearest =
                    high.signum() < 0
                            ? Bound.of(high.negate(), upperExcluded)
                            : new Bound("0", "", true);
            addNegated(options, decimal(nearest, Bound.of(low.negate(), lowerExcluded)));
        }
        if (high.signum() >= 0) {
            var least = low.signum() < 0 ? new Bound("0", "", false) : Bound.of(low, lowerExcluded);
            options.addAll(decimal(least, Bound.of(high, upperExcluded)));
        }
        return choice(options);
    }

    private static boolean tooLong(BigDecimal bound) {
        var stripped = bound.stripTrailingZeros();
        return stripped.scale() > MAX_DIGITS || bound.abs().compareTo(LIMIT) > 0;
    }

    private static void addNegated(List<Gbnf> options, List<Gbnf> positive) {
        if (!positive.isEmpty()) {
            options.add(Gbnf.sequence(Gbnf.text("-"), new Gbnf.Choice(List.copyOf(positive))));
        }
    }

    private static Optional<Gbnf> choice(List<Gbnf> options) {
        return options.isEmpty()
                ? Optional.empty()
                : Optional.of(new Gbnf.Choice(List.copyOf(options)));
    }

    private static List<Gbnf> decimal(Bound low, Bound high) {
        var options = new ArrayList<Gbnf>();
        if (low.whole.equals(high.whole)) {
            add(
                    options,
                    low.whole,
                    new Fraction(low.fraction, low.excluded, high.fraction, high.excluded));
            return options;
        }
        add(options, low.whole, new Fraction(low.fraction, low.excluded, null, false));
        var between = whole(plus(low.whole, 1), plus(high.whole, -1));
        if (!between.isEmpty()) {
            options.add(
                    Gbnf.sequence(
                            new Gbnf.Choice(between),
                            new Fraction(null, false, null, false).behindWhole().orElseThrow()));
        }
        add(options, high.whole, new Fraction(null, false, high.fraction, high.excluded));
        return options;
    }

    private static void add(List<Gbnf> options, String whole, Fraction fraction) {
        fraction.behindWhole().ifPresent(f -> options.add(Gbnf.sequence(Gbnf.text(whole), f)));
    }

    private static String plus(String whole, int more) {
        return new BigInteger(whole).add(BigInteger.valueOf(more)).toString();
    }

    /** The integers from low to high, both at least 0, as texts; none if low is above high. */
    private static List<Gbnf> whole(String low, String high) {
        var options = new ArrayList<Gbnf>();
        for (int length = low.length(); length <= high.length(); length++) {
            var from = length == low.length() ? low : "1" + "0".repeat(length - 1);
            var to = length == high.length() ? high : "9".repeat(length);
            if (from.compareTo(to) <= 0) {
                options.add(sameLength(from, to));
            }
        }
        return options;
    }

    private static Gbnf sameLength(String low, String high) {
        if (low.equals(high)) {
            return Gbnf.text(low);
        }
        int rest = low.length() - 1;
        char first = low.charAt(0);
        char last = high.charAt(0);
        if (first == last) {
            return Gbnf.sequence(
                    Gbnf.text(low.substring(0, 1)),
                    sameLength(low.substring(1), high.substring(1)));
        }
        var options = new ArrayList<Gbnf>();
        if (!low.substring(1).equals("0".repeat(rest))) {
            options.add(
                    Gbnf.sequence(
                            Gbnf.text(low.substring(0, 1)),
                            sameLength(low.substring(1), "9".repeat(rest))));
            first++;
        }
        if (!high.substring(1).equals("9".repeat(rest))) {
            options.add(
                    Gbnf.sequence(
                            Gbnf.text(high.substring(0, 1)),
                            sameLength("0".repeat(rest), high.substring(1))));
            last--;
        }
        if (first <= last) {
            options.add(Gbnf.sequence(Gbnf.chars("" + first + last), Gbnf.digits(rest, rest)));
        }
        return new Gbnf.Choice(options);
    }

    /**
     * The digits that may come next after the point.
     *
     * @param low digits that what follows must reach, null if it need not; without zeros at the end
     * @param high digits that what follows must not pass, null if it may
     */
    private record Fraction(
            @Nullable String low,
            boolean lowExcluded,
            @Nullable String high,
            boolean highExcluded) {

        /** The point and the digits, or neither. */
        Optional<Gbnf> behindWhole() {
            var options = new ArrayList<Gbnf>();
            if (mayEnd()) {
                options.add(Gbnf.text(""));
            }
            next(MAX_DIGITS).ifPresent(d -> options.add(Gbnf.sequence(Gbnf.text("."), d)));
            return choice(options);
        }

        private boolean mayEnd() {
            return (low == null || (low.isEmpty() && !lowExcluded))
                    && (high == null || !high.isEmpty() || !highExcluded);
        }

        /** At least one digit. */
        private Optional<Gbnf> next(int left) {
            if (low == null && high == null) {
                return left == 0 ? Optional.empty() : Optional.of(Gbnf.digits(1, left));
            }
            boolean passed = high != null && high.isEmpty() && highExcluded;
            if (left == 0 || passed) {
                return Optional.empty();
            }
            char first = low == null ? '0' : head(low);
            char last = high == null ? '9' : head(high);
            var options = new ArrayList<Gbnf>();
            for (char digit = first; digit <= last; digit++) {
                boolean onLow = low != null && digit == first;
                boolean onHigh = high != null && digit == last;
                if (onLow || onHigh) {
                    var rest =
                            new Fraction(
                                    onLow ? tail(low) : null,
                                    lowExcluded,
                                    onHigh ? tail(high) : null,
                                    highExcluded);
                    rest.onwards(left - 1, digit).ifPresent(options::add);
                }
            }
            char from = low == null ? first : (char) (first + 1);
            char to = high == null ? last : (char) (last - 1);
            if (from <= to) {
                options.add(Gbnf.sequence(Gbnf.chars("" + from + to), Gbnf.digits(0, left - 1)));
            }
            return choice(options);
        }

        private Optional<Gbnf> onwards(int left, char digit) {
            // A lower bound that is reached and may be equalled binds no more.
            var loose =
                    low != null && low.isEmpty() && !lowExcluded
                            ? new Fraction(null, false, high, highExcluded)
                            : this;
            var options = new ArrayList<Gbnf>();
            if (loose.mayEnd()) {
                options.add(Gbnf.text(""));
            }
            loose.next(left).ifPresent(options::add);
            return choice(options).map(rest -> Gbnf.sequence(Gbnf.text("" + digit), rest));
        }

        private static char head(String digits) {
            return digits.isEmpty() ? '0' : digits.charAt(0);
        }

        private static String tail(@Nullable String digits) {
            return digits == null || digits.isEmpty() ? "" : digits.substring(1);
        }
    }
}
