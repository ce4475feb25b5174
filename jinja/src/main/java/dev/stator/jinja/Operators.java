package dev.stator.jinja;

import dev.stator.jinja.Expr.Comparison;
import dev.stator.jinja.Expr.Operator;
import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's operators on any two values. */
final class Operators {
    private Operators() {}

    static Value apply(Operator operator, Value left, Value right, Interpreter interpreter) {
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return switch (operator) {
                case ADD -> Numbers.add(left, right);
                case SUBTRACT -> Numbers.subtract(left, right);
                case MULTIPLY -> Numbers.multiply(left, right);
                case DIVIDE -> Numbers.divide(left, right);
                case FLOOR_DIVIDE -> Numbers.floorDivide(left, right);
                case MODULO -> Numbers.modulo(left, right);
                case POWER -> Numbers.power(left, right);
            };
        }
        if (operator == Operator.MODULO && left instanceof Str format) {
            return Printf.format(format, right, interpreter);
        }
        requireDefined(left);
        requireDefined(right);
        var result =
                switch (operator) {
                    case ADD -> add(left, right, interpreter.budget());
                    case MULTIPLY -> multiply(left, right, interpreter.budget());
                    case SUBTRACT, DIVIDE, FLOOR_DIVIDE, MODULO, POWER -> null;
                };
        if (result == null) {
            throw TemplateException.of(
                    "unsupported operand type(s) for %s: '%s' and '%s'"
                            .formatted(
                                    operator == Operator.POWER ? "** or pow()" : operator.sign,
                                    Value.typeName(left),
                                    Value.typeName(right)));
        }
        return result;
    }

    static void requireDefined(Value value) {
        if (value instanceof Undefined undefined) {
            throw TemplateException.of(undefined.message());
        }
    }

    private static @Nullable Value add(Value left, Value right, Budget budget) {
        if (left instanceof Str a && right instanceof Str b) {
            return concat(a, b, budget);
        }
        if (left instanceof Array a && right instanceof Array b) {
            return Array.of(concat(a.items(), b.items(), budget));
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return Tuple.of(concat(a.items(), b.items(), budget));
        }
        if (left instanceof Str || left instanceof Array || left instanceof Tuple) {
            var type = Value.typeName(left);
            throw TemplateException.of(
                    "can only concatenate %s (not \"%s\") to %s"
                            .formatted(type, Value.typeName(right), type));
        }
        return null;
    }

    private static Str concat(Str left, Str right, Budget budget) {
        budget.size((long) left.text().length() + right.text().length());
        if (left.safe() == right.safe()) {
            return new Str(left.text().concat(right.text()), left.safe());
        }
        return new Str(escaped(left).concat(escaped(right)), true);
    }

    /** The text of {@code str}, with HTML's characters escaped unless it is safe. */
    static String escaped(Str str) {
        return str.safe() ? str.text() : Text.escapeHtml(str.text());
    }

    private static List<Value> concat(List<Value> left, List<Value> right, Budget budget) {
        budget.size((long) left.size() + right.size());
        var items = new ArrayList<Value>(left.size() + right.size());
        items.addAll(left);
        items.addAll(right);
        return items;
    }

    private static @Nullable Value multiply(Value left, Value right, Budget budget) {
        if (Numbers.isInteger(right)) {
            return repeat(left, Numbers.clamp(right), budget);
        }
        return Numbers.isInteger(left) ? repeat(right, Numbers.clamp(left), budget) : null;
    }

    private static @Nullable Value repeat(Value value, int times, Budget budget) {
        int count = Math.max(times, 0);
        return switch (value) {
            case Str str -> {
                budget.size((long) str.text().length() * count);
                yield new Str(str.text().isEmpty() ? "" : str.text().repeat(count), str.safe());
            }
            case Array array -> Array.of(repeat(array.items(), count, budget));
            case Tuple tuple -> Tuple.of(repeat(tuple.items(), count, budget));
            default -> null;
        };
    }

    private static List<Value> repeat(List<Value> items, int count, Budget budget) {
        budget.size((long) items.size() * count);
        var repeated = new ArrayList<Value>(items.size() * count);
        for (int i = 0; i < count && !items.isEmpty(); i++) {
            repeated.addAll(items);
        }
        return repeated;
    }

    static boolean compare(
            Comparison comparison, Value left, Value right, Interpreter interpreter) {
        var equality = interpreter.equality();
        return switch (comparison) {
            case EQUAL -> equality.equal(left, right);
            case NOT_EQUAL -> !equality.equal(left, right);
            case LESS -> equality.compare(left, right, "<", 1) < 0;
            case LESS_OR_EQUAL -> equality.compare(left, right, "<=", 1) <= 0;
            case GREATER -> equality.compare(left, right, ">", -1) > 0;
            case GREATER_OR_EQUAL -> equality.compare(left, right, ">=", -1) >= 0;
            case IN -> Sequences.contains(right, left, interpreter);
            case NOT_IN -> !Sequences.contains(right, left, interpreter);
        };
    }
}
