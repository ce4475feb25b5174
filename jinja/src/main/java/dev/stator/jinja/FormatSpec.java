package dev.stator.jinja;

import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;

/** What stands behind the colon in {@code '{:>8.2f}'.format(x)}. */
record FormatSpec(
        String fill,
        char align,
        char sign,
        boolean alternate,
        int width,
        String grouping,
        int precision,
        char type) {
    private static final char NONE = '\0';

    static FormatSpec parse(String text) {
        return new SpecParser(text).parse();
    }

    private static final class SpecParser {
        private final String text;
        private int at;

        SpecParser(String text) {
            this.text = text;
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : NONE;
        }

        private boolean skip(char c) {
            if (peek() == c) {
                at++;
                return true;
            }
            return false;
        }

        private char oneOf(String candidates) {
            return at < text.length() && candidates.indexOf(peek()) >= 0 ? text.charAt(at++) : NONE;
        }

        private int number() {
            int start = at;
            while (peek() >= '0' && peek() <= '9') {
                at++;
            }
            if (at - start > 9) {
                throw TemplateException.of("Too many decimal digits in format string");
            }
            return at == start ? -1 : Integer.parseInt(text.substring(start, at));
        }

        FormatSpec parse() {
            var fill = " ";
            int filler = text.isEmpty() ? 0 : Character.charCount(text.codePointAt(0));
            if (text.length() > filler && filler > 0 && "<>=^".indexOf(text.charAt(filler)) >= 0) {
                fill = text.substring(0, filler);
                at = filler;
            }
            char align = oneOf("<>=^");
            char sign = oneOf("+- ");
            boolean alternate = skip('#');
            if (peek() == '0' && align == NONE) {
                fill = "0";
                align = '0';
                at++;
            }
            int width = number();
            char grouping = oneOf(",_");
            int precision = -1;
            if (skip('.')) {
                precision = number();
                if (precision < 0) {
                    throw TemplateException.of("Format specifier missing precision");
                }
            }
            char type = at < text.length() ? text.charAt(at++) : NONE;
            if (at < text.length()) {
                throw TemplateException.of("Invalid format specifier '" + text + "'");
            }
            return new FormatSpec(
                    fill,
                    align,
                    sign,
                    alternate,
                    width,
                    grouping == NONE ? "" : String.valueOf(grouping),
                    precision,
                    type);
        }
    }

    String format(Value value, Interpreter interpreter) {
        return switch (value) {
            case Str str -> string(str.text(), interpreter);
            case Real real -> real(real.value(), interpreter);
            case Value.Int _, Bool _ -> integer(value, interpreter);
            default ->
                    throw TemplateException.of(
                            "unsupported format string passed to "
                                    + Value.typeName(value)
                                    + ".__format__");
        };
    }

    private TemplateException unknownType(String of) {
        return TemplateException.of(
                "Unknown format code '%c' for object of type '%s'".formatted(type, of));
    }

    private String string(String text, Interpreter interpreter) {
        if (type != NONE && type != 's') {
            throw unknownType("str");
        }
        if (sign != NONE || alternate || align == '=' || !grouping.isEmpty()) {
            throw TemplateException.of("Format specifier is for numbers, not for a string");
        }
        var shown =
                precision >= 0 && precision < Text.length(text)
                        ? Text.part(text, 0, precision)
                        : text;
        return pad("", shown, '<', interpreter);
    }

    private String integer(Value value, Interpreter interpreter) {
        if (type != NONE && "eEfFgG%".indexOf(type) >= 0) {
            return real(Numbers.real(value), interpreter);
        }
        if (type != NONE && "bcdoxXn".indexOf(type) < 0) {
            throw unknownType("int");
        }
        if (precision >= 0) {
            throw TemplateException.of("Precision not allowed in integer format specifier");
        }
        var integer = Numbers.integer(value);
        if (type == 'c') {
            return pad("", NumberFormat.character(integer), '<', interpreter);
        }
        char base = type == NONE || type == 'n' ? 'd' : type;
        var digits = NumberFormat.integer(integer, base);
        if (!grouping.isEmpty()) {
            digits = NumberFormat.grouped(digits, grouping, base == 'd' ? 3 : 4);
        }
        var prefix = alternate && base != 'd' ? "0" + base : "";
        return pad(signOf(integer.signum() < 0) + prefix, digits, '>', interpreter);
    }

    private String real(double value, Interpreter interpreter) {
        if (type != NONE && "eEfFgGn%".indexOf(type) < 0) {
            throw unknownType("float");
        }
        double shown = type == '%' ? value * 100 : value;
        int digits = precision < 0 ? 6 : precision;
        var text =
                switch (type) {
                    case '\0' ->
                            precision < 0
                                    ? Repr.real(Math.abs(shown))
                                    : withPoint(shown, Math.max(precision, 1));
                    case '%' -> NumberFormat.real(shown, 'f', digits, alternate);
                    case 'n' -> NumberFormat.real(shown, 'g', digits, alternate);
                    default -> NumberFormat.real(shown, type, digits, alternate);
                };
        if (!grouping.isEmpty()) {
            text = NumberFormat.grouped(text, grouping, 3);
        }
        boolean negative = Math.copySign(1, value) < 0 && !Double.isNaN(value);
        return pad(signOf(negative), type == '%' ? text + "%" : text, '>', interpreter);
    }

    /** General notation that still looks like a float; with no room for the point, an exponent. */
    private String withPoint(double value, int digits) {
        var text = NumberFormat.real(value, 'g', digits, alternate);
        if (!NumberFormat.special(value).isEmpty() || text.indexOf('e') >= 0) {
            return text;
        }
        if (text.indexOf('.') >= 0) {
            return text;
        }
        return text.length() < digits
                ? text + ".0"
                : NumberFormat.shortExponential(value, digits - 1);
    }

    private String signOf(boolean negative) {
        return negative ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
    }

    private String pad(String head, String text, char natural, Interpreter interpreter) {
        var budget = interpreter.budget();
        budget.size(text.length());
        char side = align == NONE ? natural : align;
        if (side == '0') {
            side = natural == '>' ? '=' : '<';
        }
        return switch (side) {
            case '=' ->
                    head + StringMethods.padded(text, width - head.length(), fill, 1, 0, budget);
            case '<' -> StringMethods.padded(head + text, width, fill, 0, 1, budget);
            case '^' -> centered(head + text, budget);
            default -> StringMethods.padded(head + text, width, fill, 1, 0, budget);
        };
    }

    /** Unlike str.center, always with the odd one to the right. */
    private String centered(String text, Budget budget) {
        int missing = Math.max(0, width - Text.length(text));
        budget.size((long) missing * fill.length());
        return fill.repeat(missing / 2) + text + fill.repeat(missing - missing / 2);
    }
}
