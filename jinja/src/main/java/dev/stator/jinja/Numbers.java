package dev.stator.jinja;

import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Real;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/** Python's arithmetic: integers without bound, floor division, True is 1. */
final class Numbers {
    private static final int MAX_DIGITS = 4300; // Python's limit between int and str
    private static final BigInteger EXACT_IN_DOUBLE = BigInteger.ONE.shiftLeft(53);

    private Numbers() {}

    static boolean isNumber(Value value) {
        return value instanceof Int || value instanceof Real || value instanceof Bool;
    }

    static boolean isInteger(Value value) {
        return value instanceof Int || value instanceof Bool;
    }

    /** The integer that {@code value}, an Int or a Bool, is. */
    static BigInteger integer(Value value) {
        return switch (value) {
            case Int integer -> integer.value();
            case Bool bool -> bool == Bool.TRUE ? BigInteger.ONE : BigInteger.ZERO;
            default ->
                    throw TemplateException.of(
                            "'"
                                    + Value.typeName(value)
                                    + "' object cannot be interpreted as an integer");
        };
    }

    /** An integer clamped to what a Java int holds: enough for counts and indexes. */
    static int clamp(Value value) {
        return clamp(integer(value));
    }

    static int clamp(BigInteger value) {
        return value.bitLength() < 32
                ? value.intValue()
                : value.signum() < 0 ? Integer.MIN_VALUE + 1 : Integer.MAX_VALUE;
    }

    static double real(Value value) {
        if (value instanceof Real real) {
            return real.value();
        }
        double d = integer(value).doubleValue();
        if (Double.isInfinite(d)) {
            throw TemplateException.of("int too large to convert to float");
        }
        return d;
    }

    static boolean equal(Value left, Value right) {
        return compare(left, right, 1) == 0;
    }

    /** Exact, also between a float and an integer that no float holds. */
    static int compare(Value left, Value right, int unordered) {
        if (isInteger(left) && isInteger(right)) {
            return integer(left).compareTo(integer(right));
        }
        if (left instanceof Real a && right instanceof Real b) {
            return compare(a.value(), b.value(), unordered);
        }
        double d = left instanceof Real a ? a.value() : ((Real) right).value();
        int direction = left instanceof Real ? 1 : -1;
        if (Double.isNaN(d)) {
            return unordered;
        }
        if (Double.isInfinite(d)) {
            return direction * (d > 0 ? 1 : -1);
        }
        var integer = new BigDecimal(integer(left instanceof Real ? right : left));
        return direction * new BigDecimal(d).compareTo(integer);
    }

    private static int compare(double a, double b, int unordered) {
        return a < b ? -1 : a > b ? 1 : a == b ? 0 : unordered;
    }

    static Value negate(Value value) {
        return value instanceof Real real
                ? new Real(-real.value())
                : Int.of(integer(value).negate());
    }

    static Value add(Value left, Value right) {
        return isInteger(left) && isInteger(right)
                ? Int.of(integer(left).add(integer(right)))
                : new Real(real(left) + real(right));
    }

    static Value subtract(Value left, Value right) {
        return isInteger(left) && isInteger(right)
                ? Int.of(integer(left).subtract(integer(right)))
                : new Real(real(left) - real(right));
    }

    static Value multiply(Value left, Value right) {
        return isInteger(left) && isInteger(right)
                ? Int.of(integer(left).multiply(integer(right)))
                : new Real(real(left) * real(right));
    }

    static Value divide(Value left, Value right) {
        if (isInteger(left) && isInteger(right)) {
            var a = integer(left);
            var b = integer(right);
            if (b.signum() == 0) {
                throw TemplateException.of("division by zero");
            }
            if (a.abs().compareTo(EXACT_IN_DOUBLE) <= 0
                    && b.abs().compareTo(EXACT_IN_DOUBLE) <= 0) {
                return new Real(a.doubleValue() / b.doubleValue());
            }
            double d =
                    new BigDecimal(a).divide(new BigDecimal(b), new MathContext(40)).doubleValue();
            if (Double.isInfinite(d)) {
                throw TemplateException.of("integer division result too large for a float");
            }
            return new Real(d);
        }
        if (real(right) == 0) {
            throw TemplateException.of("float division by zero");
        }
        return new Real(real(left) / real(right));
    }

    static Value floorDivide(Value left, Value right) {
        if (isInteger(left) && isInteger(right)) {
            return Int.of(floorDivide(integer(left), integer(right)));
        }
        double a = real(left);
        double b = real(right);
        if (b == 0) {
            throw TemplateException.of("float floor division by zero");
        }
        double mod = floorMod(a, b);
        double quotient = (a - mod) / b;
        double floor = Math.floor(quotient);
        if (quotient - floor > 0.5) {
            floor += 1;
        }
        return new Real(floor == 0 ? Math.copySign(0.0, a / b) : floor);
    }

    static Value modulo(Value left, Value right) {
        if (isInteger(left) && isInteger(right)) {
            var a = integer(left);
            var b = integer(right);
            return Int.of(a.subtract(floorDivide(a, b).multiply(b)));
        }
        if (real(right) == 0) {
            throw TemplateException.of("float modulo");
        }
        return new Real(floorMod(real(left), real(right)));
    }

    private static BigInteger floorDivide(BigInteger a, BigInteger b) {
        if (b.signum() == 0) {
            throw TemplateException.of("integer division or modulo by zero");
        }
        var parts = a.divideAndRemainder(b);
        boolean round = parts[1].signum() != 0 && parts[1].signum() != b.signum();
        return round ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    private static double floorMod(double a, double b) {
        double mod = a % b;
        if (mod != 0) {
            return (b < 0) != (mod < 0) ? mod + b : mod;
        }
        return Math.copySign(0.0, b);
    }

    static Value power(Value left, Value right) {
        if (isInteger(left) && isInteger(right) && integer(right).signum() >= 0) {
            var base = integer(left);
            var exponent = integer(right);
            if (base.abs().bitLength() <= 1) {
                return Int.of(
                        base.signum() < 0 && !exponent.testBit(0) || exponent.signum() == 0
                                ? BigInteger.ONE
                                : base);
            }
            if (exponent.bitLength() > 31
                    || (long) base.bitLength() * exponent.intValue()
                            > 2L * Budget.MAX_INTEGER_BITS) {
                throw TemplateException.of(
                        "an integer has more than " + Budget.MAX_INTEGER_BITS + " bits");
            }
            return Int.of(base.pow(exponent.intValue()));
        }
        double base = real(left);
        double exponent = real(right);
        if (base == 0 && exponent < 0) {
            throw TemplateException.of("0.0 cannot be raised to a negative power");
        }
        if (base < 0 && exponent != Math.rint(exponent) && !Double.isInfinite(base)) {
            throw TemplateException.of("a power is a complex number, which templates cannot use");
        }
        double result = base == 1 || exponent == 0 ? 1 : Math.pow(base, exponent);
        if (Double.isInfinite(result) && !Double.isInfinite(base) && !Double.isInfinite(exponent)) {
            throw TemplateException.of("(34, 'Numerical result out of range')");
        }
        return new Real(result);
    }

    /** Python's round(): to even at an exact half, on the exact value of a float. */
    static Value round(Value value, int digits) {
        if (isInteger(value)) {
            var integer = integer(value);
            if (digits >= 0) {
                return Int.of(integer);
            }
            return Int.of(
                    new BigDecimal(integer)
                            .setScale(Math.max(digits, -MAX_DIGITS), RoundingMode.HALF_EVEN)
                            .toBigInteger());
        }
        double d = real(value);
        if (Double.isNaN(d) || Double.isInfinite(d) || digits > 323) {
            return new Real(d);
        }
        double rounded =
                new BigDecimal(d)
                        .setScale(Math.max(digits, -400), RoundingMode.HALF_EVEN)
                        .doubleValue();
        return new Real(rounded == 0 ? Math.copySign(0.0, d) : rounded);
    }

    static BigInteger truncate(double value) {
        if (Double.isNaN(value)) {
            throw TemplateException.of("cannot convert float NaN to integer");
        }
        if (Double.isInfinite(value)) {
            throw TemplateException.of("cannot convert float infinity to integer");
        }
        return new BigDecimal(value).toBigInteger();
    }

    /** The decimal digits of an integer; Python refuses to print longer ones. */
    static String digits(BigInteger value) {
        if (value.bitLength() > MAX_DIGITS * 3.33) {
            throw TemplateException.of(
                    "Exceeds the limit (4300 digits) for integer string conversion");
        }
        return value.toString();
    }

    /** Python's int(text, base), or null where Python raises ValueError. */
    static @Nullable BigInteger parseInteger(String text, int base) {
        var digits = Text.strip(text);
        boolean negative = digits.startsWith("-");
        if (negative || digits.startsWith("+")) {
            digits = digits.substring(1);
        }
        int radix = base;
        if (digits.length() > 1 && digits.charAt(0) == '0') {
            int prefixed =
                    switch (digits.charAt(1)) {
                        case 'x', 'X' -> 16;
                        case 'o', 'O' -> 8;
                        case 'b', 'B' -> 2;
                        default -> 0;
                    };
            if (prefixed != 0 && (base == 0 || base == prefixed)) {
                radix = prefixed;
                digits = digits.substring(digits.startsWith("_", 2) ? 3 : 2);
            } else if (base == 0 && !digits.chars().allMatch(c -> c == '0' || c == '_')) {
                return null;
            }
        }
        radix = radix == 0 ? 10 : radix;
        if (radix < 2 || radix > 36 || digits.isEmpty() || digits.length() > MAX_DIGITS) {
            return null;
        }
        var plain = withoutUnderscores(digits);
        if (plain == null) {
            return null;
        }
        for (int i = 0; i < plain.length(); i++) {
            if (Character.digit(plain.charAt(i), radix) < 0) {
                return null;
            }
        }
        var value = new BigInteger(plain, radix);
        return negative ? value.negate() : value;
    }

    /** Python's float(text), or null where Python raises ValueError. */
    static @Nullable Double parseReal(String text) {
        var plain = withoutUnderscores(Text.strip(text));
        if (plain == null || plain.length() > MAX_DIGITS) {
            return null;
        }
        var unsigned = plain.startsWith("-") || plain.startsWith("+") ? plain.substring(1) : plain;
        double sign = plain.startsWith("-") ? -1 : 1;
        switch (Text.lower(unsigned)) {
            case "inf", "infinity" -> {
                return sign * Double.POSITIVE_INFINITY;
            }
            case "nan" -> {
                return Double.NaN;
            }
            default -> {
                return isDecimal(unsigned) ? sign * Double.parseDouble(unsigned) : null;
            }
        }
    }

    /** Digits, at most one point, an optional exponent; Java's own parser takes more. */
    private static boolean isDecimal(String text) {
        int at = 0;
        int digits = 0;
        boolean point = false;
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '.' && !point) {
                point = true;
            } else if (c >= '0' && c <= '9') {
                digits++;
            } else {
                break;
            }
        }
        if (digits == 0 || at == text.length()) {
            return digits > 0;
        }
        if (text.charAt(at) != 'e' && text.charAt(at) != 'E') {
            return false;
        }
        at++;
        if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
            at++;
        }
        return at < text.length() && text.substring(at).chars().allMatch(c -> c >= '0' && c <= '9');
    }

    /** Underscores may stand between digits only. */
    private static @Nullable String withoutUnderscores(String text) {
        if (text.indexOf('_') < 0) {
            return text;
        }
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '_'
                    && (i == 0
                            || i + 1 == text.length()
                            || !Character.isLetterOrDigit(text.charAt(i - 1))
                            || !Character.isLetterOrDigit(text.charAt(i + 1)))) {
                return null;
            }
        }
        return text.replace("_", "");
    }
}
