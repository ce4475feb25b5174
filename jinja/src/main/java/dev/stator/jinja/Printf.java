package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's {@code format % values}. */
final class Printf {
    private final String format;
    private final Value values;
    private final Interpreter interpreter;
    private final boolean safe;
    private final StringBuilder out = new StringBuilder();
    private int at;
    private int used;
    private boolean named;

    private Printf(Str format, Value values, Interpreter interpreter) {
        this.format = format.text();
        this.safe = format.safe();
        this.values = values;
        this.interpreter = interpreter;
    }

    static Value format(Str format, Value values, Interpreter interpreter) {
        var printf = new Printf(format, values, interpreter);
        printf.run();
        return new Str(printf.out.toString(), format.safe());
    }

    private void run() {
        while (at < format.length()) {
            int percent = format.indexOf('%', at);
            int end = percent < 0 ? format.length() : percent;
            interpreter.budget().size(end - at);
            out.append(format, at, end);
            at = end + 1;
            if (percent >= 0) {
                conversion();
            }
        }
        boolean isMapping =
                values instanceof Dict || values instanceof Array || values instanceof Undefined;
        int given = values instanceof Tuple tuple ? tuple.items().size() : 1;
        if (!named && !isMapping && used < given) {
            throw TemplateException.of("not all arguments converted during string formatting");
        }
    }

    private char peek() {
        if (at >= format.length()) {
            throw TemplateException.of("incomplete format");
        }
        return format.charAt(at);
    }

    private Value next() {
        var all = values instanceof Tuple tuple ? tuple.items() : List.of(values);
        if (used >= all.size()) {
            throw TemplateException.of("not enough arguments for format string");
        }
        return all.get(used++);
    }

    /** The value for {@code %(name)}, or null if there is no name. */
    private @Nullable Value byName() {
        if (peek() != '(') {
            return null;
        }
        int depth = 0;
        int start = at + 1;
        do {
            char c = peek();
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            at++;
        } while (depth > 0);
        if (!(values instanceof Dict dict)) {
            throw TemplateException.of("format requires a mapping");
        }
        named = true;
        var key = Str.of(format.substring(start, at - 1));
        var value = dict.get(key);
        if (value == null) {
            throw TemplateException.of(Repr.quote(key.text()));
        }
        return value;
    }

    private int number() {
        if (peek() == '*') {
            at++;
            return Numbers.clamp(next());
        }
        long number = 0;
        while (peek() >= '0' && peek() <= '9') {
            number = Math.min(number * 10 + peek() - '0', Integer.MAX_VALUE);
            at++;
        }
        return (int) number;
    }

    private void conversion() {
        if (peek() == '%') {
            at++;
            out.append('%');
            return;
        }
        var byName = byName();
        int flagsStart = at;
        while ("-+ #0".indexOf(peek()) >= 0) {
            at++;
        }
        var flags = format.substring(flagsStart, at);
        int width = number();
        boolean left = flags.contains("-") || width < 0;
        width = Math.abs(width);
        int precision = -1;
        if (peek() == '.') {
            at++;
            precision = Math.max(number(), 0);
        }
        while ("hlL".indexOf(peek()) >= 0) {
            at++;
        }
        char type = peek();
        at++;
        var value = byName != null ? byName : next();
        var text = convert(type, value, flags, precision);
        var sign = "";
        boolean numeric = "diuoxXeEfFgG".indexOf(type) >= 0;
        if (numeric) {
            sign =
                    text.startsWith("-")
                            ? "-"
                            : flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
            text = text.startsWith("-") ? text.substring(1) : text;
        }
        boolean zeros = numeric && flags.contains("0") && !left;
        var budget = interpreter.budget();
        budget.size(text.length());
        if (zeros) {
            int prefix =
                    text.startsWith("0x") || text.startsWith("0X") || text.startsWith("0o") ? 2 : 0;
            var digits = text.substring(prefix);
            int room = width - sign.length() - prefix;
            out.append(sign)
                    .append(text, 0, prefix)
                    .append(StringMethods.padded(digits, room, "0", 1, 0, budget));
        } else {
            out.append(
                    StringMethods.padded(
                            sign + text, width, " ", left ? 0 : 1, left ? 1 : 0, budget));
        }
    }

    private String convert(char type, Value value, String flags, int precision) {
        return switch (type) {
            case 's', 'r', 'a' -> {
                var text = type == 's' ? string(value) : interpreter.repr(value);
                yield precision >= 0 && precision < Text.length(text)
                        ? Text.part(text, 0, precision)
                        : text;
            }
            case 'd', 'i', 'u' -> digits(truncated(value, type), 'd', flags, precision);
            case 'o', 'x', 'X' -> {
                Operators.requireDefined(value);
                if (!Numbers.isInteger(value)) {
                    throw TemplateException.of(
                            "%%%c format: an integer is required, not %s"
                                    .formatted(type, Value.typeName(value)));
                }
                yield digits(Numbers.integer(value), type, flags, precision);
            }
            case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                Operators.requireDefined(value);
                if (!Numbers.isNumber(value)) {
                    throw TemplateException.of("must be real number, not " + Value.typeName(value));
                }
                double d = Numbers.real(value);
                var text =
                        NumberFormat.real(
                                d, type, precision < 0 ? 6 : precision, flags.contains("#"));
                yield Math.copySign(1, d) < 0 && !Double.isNaN(d) ? "-" + text : text;
            }
            case 'c' -> character(value);
            default ->
                    throw TemplateException.of("unsupported format character '%c'".formatted(type));
        };
    }

    private String string(Value value) {
        var text = interpreter.str(value);
        return !safe
                ? text
                : value instanceof Str str ? Operators.escaped(str) : Text.escapeHtml(text);
    }

    private static BigInteger truncated(Value value, char type) {
        Operators.requireDefined(value);
        if (value instanceof Real real) {
            return Numbers.truncate(real.value());
        }
        if (!Numbers.isInteger(value)) {
            throw TemplateException.of(
                    "%%%c format: a real number is required, not %s"
                            .formatted(type, Value.typeName(value)));
        }
        return Numbers.integer(value);
    }

    private String digits(BigInteger value, char type, String flags, int precision) {
        var digits = NumberFormat.integer(value, type);
        digits = StringMethods.padded(digits, precision, "0", 1, 0, interpreter.budget());
        var prefix = type != 'd' && flags.contains("#") ? "0" + type : "";
        return (value.signum() < 0 ? "-" : "") + prefix + digits;
    }

    private static String character(Value value) {
        if (value instanceof Str str && Text.length(str.text()) == 1) {
            return str.text();
        }
        if (!Numbers.isInteger(value)) {
            throw TemplateException.of("%c requires int or char");
        }
        return NumberFormat.character(Numbers.integer(value));
    }
}
