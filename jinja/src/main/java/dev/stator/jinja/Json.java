package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's json.dumps, as transformers' {@code tojson} filter calls it. */
final class Json {
    /**
     * How to write.
     *
     * @param indent what one level is indented by; null writes one line
     */
    record Style(
            boolean ascii,
            @Nullable String indent,
            String itemSeparator,
            String keySeparator,
            boolean sortKeys) {}

    private final Budget budget;
    private final Style style;
    private final StringBuilder out = new StringBuilder();

    private Json(Budget budget, Style style) {
        this.budget = budget;
        this.style = style;
    }

    static String write(Value value, Style style, Budget budget) {
        var json = new Json(budget, style);
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Value value, int level) {
        budget.step();
        switch (value) {
            case None _ -> out.append("null");
            case Bool bool -> out.append(bool == Bool.TRUE ? "true" : "false");
            case Int integer -> out.append(Numbers.digits(integer.value()));
            case Real real -> out.append(real(real.value()));
            case Str str -> quote(str.text());
            case Array array -> writeItems(array.items(), level);
            case Tuple tuple -> writeItems(tuple.items(), level);
            case Dict dict -> writeDict(dict, level);
            default ->
                    throw TemplateException.of(
                            "Object of type "
                                    + Value.typeName(value)
                                    + " is not JSON serializable");
        }
    }

    private void writeItems(List<Value> items, int level) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        for (int i = 0; i < items.size(); i++) {
            separate(i == 0, level + 1);
            write(items.get(i), level + 1);
        }
        newline(level);
        out.append(']');
    }

    private void writeDict(Dict dict, int level) {
        if (dict.size() == 0) {
            out.append("{}");
            return;
        }
        out.append('{');
        boolean first = true;
        for (var entry : ordered(dict)) {
            separate(first, level + 1);
            first = false;
            quote(key(entry.key()));
            budget.size(style.keySeparator().length());
            out.append(style.keySeparator());
            write(entry.value(), level + 1);
        }
        newline(level);
        out.append('}');
    }

    private Collection<Dict.Entry> ordered(Dict dict) {
        if (!style.sortKeys()) {
            return dict.entries();
        }
        var equality = new Equality(budget);
        return Sequences.sorted(
                List.copyOf(dict.entries()), (a, b) -> equality.compare(a.key(), b.key(), "<", 1));
    }

    private void separate(boolean first, int level) {
        if (!first) {
            budget.size(style.itemSeparator().length());
            out.append(style.itemSeparator());
        }
        newline(level);
    }

    private void newline(int level) {
        if (style.indent() != null) {
            budget.size(1 + (long) style.indent().length() * level);
            out.append('\n').repeat(style.indent(), level);
        }
    }

    private static String key(Value key) {
        return switch (key) {
            case Str str -> str.text();
            case Int integer -> Numbers.digits(integer.value());
            case Bool bool -> bool == Bool.TRUE ? "true" : "false";
            case Real real -> real(real.value());
            case None _ -> "null";
            default ->
                    throw TemplateException.of(
                            "keys must be str, int, float, bool or None, not "
                                    + Value.typeName(key));
        };
    }

    private static String real(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        return Repr.real(value);
    }

    private void quote(String text) {
        budget.size(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || style.ascii() && c > 0x7e) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
