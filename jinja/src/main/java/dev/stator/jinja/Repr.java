package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Lazy;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Range;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Thing;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import dev.stator.jinja.Value.View;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** Python's str() and repr(). */
final class Repr {
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();

    /** The namespaces around the place: a namespace can contain itself, nothing else can. */
    private final Set<Namespace> open = Collections.newSetFromMap(new IdentityHashMap<>());

    private Repr(Budget budget) {
        this.budget = budget;
    }

    /** What printing {@code value} writes. */
    static String str(Value value, Budget budget) {
        return switch (value) {
            case Str str -> str.text();
            case Undefined _ -> "";
            default -> repr(value, budget);
        };
    }

    static String repr(Value value, Budget budget) {
        var repr = new Repr(budget);
        repr.write(value);
        return repr.out.toString();
    }

    private void write(Value value) {
        budget.step();
        switch (value) {
            case None _ -> out.append("None");
            case Bool bool -> out.append(bool == Bool.TRUE ? "True" : "False");
            case Int integer -> out.append(Numbers.digits(integer.value()));
            case Real real -> out.append(real(real.value()));
            case Str str -> {
                budget.size(str.text().length());
                out.append(str.safe() ? "Markup(" + quote(str.text()) + ")" : quote(str.text()));
            }
            case Undefined _ -> out.append("Undefined");
            case Range range -> out.append(range(range));
            case Array array -> writeAll("[", array.items(), "]");
            case Tuple tuple ->
                    writeAll("(", tuple.items(), tuple.items().size() == 1 ? ",)" : ")");
            case Dict dict -> writeDict(dict);
            case View view -> {
                out.append(Value.typeName(view)).append('(');
                writeAll("[", Sequences.items(view, budget), "])");
            }
            case Namespace namespace -> writeNamespace(namespace);
            case Lazy _ -> out.append("<generator object>");
            case Thing thing -> out.append(thing.display());
        }
    }

    private void writeNamespace(Namespace namespace) {
        if (open.size() >= Budget.MAX_NESTING) {
            throw TemplateException.of("namespaces nest too deep to be printed");
        }
        out.append("<Namespace ");
        if (open.add(namespace)) {
            writeDict(namespace.attributes());
            open.remove(namespace);
        } else {
            out.append("{...}");
        }
        out.append('>');
    }

    private void writeAll(String open, Iterable<Value> items, String close) {
        out.append(open);
        boolean first = true;
        for (var item : items) {
            if (!first) {
                out.append(", ");
            }
            first = false;
            write(item);
        }
        out.append(close);
    }

    private void writeDict(Dict dict) {
        out.append('{');
        boolean first = true;
        for (var entry : dict.entries()) {
            if (!first) {
                out.append(", ");
            }
            first = false;
            write(entry.key());
            out.append(": ");
            write(entry.value());
        }
        out.append('}');
    }

    private static String range(Range range) {
        return range.step() == 1
                ? "range(" + range.start() + ", " + range.stop() + ")"
                : "range(" + range.start() + ", " + range.stop() + ", " + range.step() + ")";
    }

    /** The shortest digits that read back as {@code value}, written as Python writes them. */
    static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        var decimal = shortest(value);
        int exponent = decimal.precision() - decimal.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            var plain = decimal.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        var digits = decimal.unscaledValue().abs().toString();
        var mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return (value < 0 ? "-" : "")
                + mantissa
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    /** Java always writes two digits, and of a number that one would do for not always the zero. */
    private static BigDecimal shortest(double value) {
        var decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        if (decimal.precision() == 2) {
            var single = decimal.round(new MathContext(1, RoundingMode.HALF_EVEN));
            if (single.doubleValue() == value) {
                return single.stripTrailingZeros();
            }
        }
        return decimal;
    }

    /** A Python string literal. */
    static String quote(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        var out = new StringBuilder(text.length() + 2).append(quote);
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (Text.isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else {
                        out.append(escape(c));
                    }
                }
            }
        }
        return out.append(quote).toString();
    }

    /** The \x, \\u or \U escape of a code point. */
    static String escape(int codePoint) {
        return codePoint <= 0xff
                ? "\\x%02x".formatted(codePoint)
                : codePoint <= 0xffff
                        ? "\\u%04x".formatted(codePoint)
                        : "\\U%08x".formatted(codePoint);
    }
}
