package dev.stator.jinja;

import static java.util.Map.entry;

import dev.stator.jinja.Expr.Operator;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters on numbers and on single values of any type. */
final class ValueFilters {
    private ValueFilters() {}

    static Map<String, Filters.Filter> all() {
        return Map.ofEntries(
                entry("default", ValueFilters::orDefault),
                entry("d", ValueFilters::orDefault),
                entry("int", ValueFilters::integer),
                entry("float", ValueFilters::real),
                entry("abs", ValueFilters::absolute),
                entry("round", ValueFilters::round),
                entry("attr", ValueFilters::attribute),
                entry("length", ValueFilters::length),
                entry("count", ValueFilters::length),
                entry("tojson", ValueFilters::toJson));
    }

    private static Value orDefault(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("default", 0, "default_value", "boolean");
        boolean missing =
                value instanceof Undefined || bound.flag("boolean") && !Value.truthy(value);
        return missing ? bound.or("default_value", Str.EMPTY) : value;
    }

    private static Value integer(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("int", 0, "default", "base");
        Operators.requireDefined(value);
        var integer =
                switch (value) {
                    case Str str -> {
                        var parsed = Numbers.parseInteger(str.text(), bound.integer("base", 10));
                        var real = parsed != null ? null : Numbers.parseReal(str.text());
                        yield parsed != null ? parsed : truncated(real);
                    }
                    case Real real -> truncated(real.value());
                    default -> Numbers.isInteger(value) ? Numbers.integer(value) : null;
                };
        return integer == null ? bound.or("default", Int.of(0)) : Int.of(integer);
    }

    private static @Nullable BigInteger truncated(@Nullable Double value) {
        return value == null || Double.isNaN(value) || Double.isInfinite(value)
                ? null
                : Numbers.truncate(value);
    }

    private static Value real(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("float", 0, "default");
        Operators.requireDefined(value);
        Double real =
                value instanceof Str str
                        ? Numbers.parseReal(str.text())
                        : Numbers.isNumber(value) ? (Double) Numbers.real(value) : null;
        return real == null ? bound.or("default", new Real(0)) : new Real(real);
    }

    private static Value absolute(Interpreter interpreter, Value value, Args args) {
        args.unnamed("abs", 0, 0);
        if (!Numbers.isNumber(value)) {
            throw TemplateException.of(
                    "bad operand type for abs(): '" + Value.typeName(value) + "'");
        }
        return value instanceof Real real
                ? new Real(Math.abs(real.value()))
                : Int.of(Numbers.integer(value).abs());
    }

    private static Value round(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("round", 0, "precision", "method");
        var precision = bound.or("precision", Int.of(0));
        var method = interpreter.str(bound.or("method", Str.of("common")));
        if (!method.equals("common") && !method.equals("ceil") && !method.equals("floor")) {
            throw TemplateException.of("method must be common, ceil or floor");
        }
        if (!Numbers.isNumber(value)) {
            throw TemplateException.of(
                    "type " + Value.typeName(value) + " doesn't define __round__ method");
        }
        if (method.equals("common")) {
            return Numbers.round(value, Numbers.clamp(precision));
        }
        var scale = Numbers.power(Int.of(10), precision);
        var scaled = Numbers.multiply(value, scale);
        if (scaled instanceof Real real) {
            Numbers.truncate(real.value()); // refuses NaN and infinities
            scaled =
                    Int.of(
                            new BigDecimal(real.value())
                                    .setScale(
                                            0,
                                            method.equals("ceil")
                                                    ? RoundingMode.CEILING
                                                    : RoundingMode.FLOOR)
                                    .toBigInteger());
        }
        return Operators.apply(Operator.DIVIDE, scaled, scale, interpreter);
    }

    private static Value attribute(Interpreter interpreter, Value value, Args args) {
        var name = interpreter.str(args.bind("attr", 1, "name").required("name"));
        Operators.requireDefined(value);
        return Attributes.ownOrUndefined(value, name);
    }

    private static Value length(Interpreter interpreter, Value value, Args args) {
        args.unnamed("len", 0, 0);
        return Int.of(Sequences.length(value));
    }

    private static Value toJson(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        var indent = bound.unlessNone("indent");
        var separators = bound.unlessNone("separators");
        var itemSeparator = indent == null ? ", " : ",";
        var keySeparator = ": ";
        if (separators != null) {
            var pair = interpreter.unpack(separators, 2);
            itemSeparator = Args.textOf("tojson", pair.get(0));
            keySeparator = Args.textOf("tojson", pair.get(1));
        }
        var style =
                new Json.Style(
                        bound.flag("ensure_ascii"),
                        indent == null ? null : indentation(indent, interpreter.budget()),
                        itemSeparator,
                        keySeparator,
                        bound.flag("sort_keys"));
        return Str.of(Json.write(value, style, interpreter.budget()));
    }

    private static String indentation(Value indent, Budget budget) {
        if (indent instanceof Str str) {
            return str.text();
        }
        int blanks = Math.max(0, Numbers.clamp(indent));
        budget.size(blanks);
        return " ".repeat(blanks);
    }
}
