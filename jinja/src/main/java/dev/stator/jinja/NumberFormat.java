package dev.stator.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * The notations that Python's two ways of formatting share. All take the exact value of a float.
 */
final class NumberFormat {
    static final int MAX_PRECISION = 10_000;

    private NumberFormat() {}

    /** Infinities and NaN in words, or the empty string for a finite number. */
    static String special(double value) {
        return Double.isNaN(value) ? "nan" : Double.isInfinite(value) ? "inf" : "";
    }

    /**
     * The absolute value in notation {@code type}: one of e, f, g and their capitals.
     *
     * @param alternate keep the point and the zeros that g drops
     */
    static String real(double value, char type, int precision, boolean alternate) {
        var special = special(value);
        if (!special.isEmpty()) {
            return Character.isUpperCase(type) ? Text.upper(special) : special;
        }
        if (precision > MAX_PRECISION) {
            throw TemplateException.of("precision too big: at most " + MAX_PRECISION);
        }
        var exact = new BigDecimal(Math.abs(value));
        var text =
                switch (Character.toLowerCase(type)) {
                    case 'e' -> exponential(exact, precision, alternate);
                    case 'f' -> fixed(exact, precision, alternate);
                    default -> general(exact, Math.max(precision, 1), alternate);
                };
        return Character.isUpperCase(type) ? Text.upper(text) : text;
    }

    private static String fixed(BigDecimal value, int precision, boolean alternate) {
        var text = value.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
        return alternate && precision == 0 ? text + "." : text;
    }

    private static int exponent(BigDecimal value) {
        return value.signum() == 0 ? 0 : value.precision() - value.scale() - 1;
    }

    private static String exponential(BigDecimal value, int precision, boolean alternate) {
        var rounded = value.round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
        int exponent = exponent(rounded);
        var digits =
                rounded.movePointLeft(exponent)
                        .setScale(precision, RoundingMode.HALF_EVEN)
                        .toPlainString();
        return (alternate && precision == 0 ? digits + "." : digits)
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    private static String general(BigDecimal value, int precision, boolean alternate) {
        var rounded = value.round(new MathContext(precision, RoundingMode.HALF_EVEN));
        int exponent = exponent(rounded);
        if (exponent < -4 || exponent >= precision) {
            return alternate
                    ? exponential(value, precision - 1, true)
                    : shortExponential(value, precision - 1);
        }
        var text = fixed(value, precision - 1 - exponent, alternate);
        return alternate ? text : withoutZeros(text);
    }

    /** With an exponent and without trailing zeros. */
    static String shortExponential(double value, int precision) {
        return shortExponential(new BigDecimal(Math.abs(value)), precision);
    }

    private static String shortExponential(BigDecimal value, int precision) {
        var text = exponential(value, precision, false);
        int e = text.indexOf('e');
        return withoutZeros(text.substring(0, e)) + text.substring(e);
    }

    private static String withoutZeros(String text) {
        if (text.indexOf('.') < 0) {
            return text;
        }
        int end = text.length();
        while (text.charAt(end - 1) == '0') {
            end--;
        }
        return text.substring(0, text.charAt(end - 1) == '.' ? end - 1 : end);
    }

    /** The digits of the absolute value in base {@code type}: b, o, d, x or X. */
    static String integer(BigInteger value, char type) {
        return switch (type) {
            case 'b' -> value.abs().toString(2);
            case 'o' -> value.abs().toString(8);
            case 'x' -> value.abs().toString(16);
            case 'X' -> Text.upper(value.abs().toString(16));
            default -> Numbers.digits(value.abs());
        };
    }

    /** Puts {@code separator} between groups of {@code size} digits before the point. */
    static String grouped(String number, String separator, int size) {
        int end = 0;
        while (end < number.length() && Character.digit(number.charAt(end), 16) >= 0) {
            end++;
        }
        var out = new StringBuilder();
        for (int i = 0; i < end; i++) {
            if (i > 0 && (end - i) % size == 0) {
                out.append(separator);
            }
            out.append(number.charAt(i));
        }
        return out.append(number, end, number.length()).toString();
    }

    static String character(BigInteger code) {
        if (code.signum() < 0 || code.compareTo(BigInteger.valueOf(0x110000)) >= 0) {
            throw TemplateException.of("%c arg not in range(0x110000)");
        }
        return Text.ofCodePoint(code.intValue());
    }
}
