package dev.stator.jinja;

import static java.util.Map.entry;

import dev.stator.jinja.Expr.Comparison;
import dev.stator.jinja.Expr.Operator;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Lazy;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Thing;
import dev.stator.jinja.Value.Undefined;
import dev.stator.jinja.Value.View;
import java.util.Map;

/** What can stand behind {@code is}: Jinja's tests. */
final class Predicates {
    private interface Predicate {
        boolean test(Interpreter interpreter, Value value, Args args);
    }

    /** A test without arguments. */
    private interface Plain {
        boolean test(Value value);
    }

    /** A test without arguments that needs the interpreter. */
    private interface Asked {
        boolean test(Interpreter interpreter, Value value);
    }

    private static final Map<String, Predicate> ALL =
            Map.ofEntries(
                    entry("defined", plain(value -> !(value instanceof Undefined))),
                    entry("undefined", plain(Undefined.class::isInstance)),
                    entry("none", plain(value -> value == None.NONE)),
                    entry("boolean", plain(Bool.class::isInstance)),
                    entry("true", plain(value -> value == Bool.TRUE)),
                    entry("false", plain(value -> value == Bool.FALSE)),
                    entry("integer", plain(Int.class::isInstance)),
                    entry("float", plain(Real.class::isInstance)),
                    entry("number", plain(Numbers::isNumber)),
                    entry("string", plain(Str.class::isInstance)),
                    entry("mapping", plain(Dict.class::isInstance)),
                    entry("sequence", plain(Predicates::isSequence)),
                    entry("iterable", plain(Predicates::isIterable)),
                    entry("callable", plain(Predicates::isCallable)),
                    entry("escaped", plain(value -> value instanceof Str str && str.safe())),
                    entry("lower", asked((in, value) -> Text.isCased(in.str(value), false))),
                    entry("upper", asked((in, value) -> Text.isCased(in.str(value), true))),
                    entry("odd", asked((in, value) -> remainder(in, value, Int.of(2), 1))),
                    entry("even", asked((in, value) -> remainder(in, value, Int.of(2), 0))),
                    entry("divisibleby", (in, value, args) -> remainder(in, value, only(args), 0)),
                    entry("sameas", (_, value, args) -> isSame(value, only(args))),
                    entry("filter", asked((in, value) -> Filters.exists(in.str(value)))),
                    entry("test", asked((in, value) -> exists(in.str(value)))),
                    entry("in", comparison(Comparison.IN)),
                    entry("==", comparison(Comparison.EQUAL)),
                    entry("eq", comparison(Comparison.EQUAL)),
                    entry("equalto", comparison(Comparison.EQUAL)),
                    entry("!=", comparison(Comparison.NOT_EQUAL)),
                    entry("ne", comparison(Comparison.NOT_EQUAL)),
                    entry(">", comparison(Comparison.GREATER)),
                    entry("gt", comparison(Comparison.GREATER)),
                    entry("greaterthan", comparison(Comparison.GREATER)),
                    entry(">=", comparison(Comparison.GREATER_OR_EQUAL)),
                    entry("ge", comparison(Comparison.GREATER_OR_EQUAL)),
                    entry("<", comparison(Comparison.LESS)),
                    entry("lt", comparison(Comparison.LESS)),
                    entry("lessthan", comparison(Comparison.LESS)),
                    entry("<=", comparison(Comparison.LESS_OR_EQUAL)),
                    entry("le", comparison(Comparison.LESS_OR_EQUAL)));

    private Predicates() {}

    static boolean exists(String name) {
        return ALL.containsKey(name);
    }

    static String unknown(String name) {
        return "No test named " + Repr.quote(name) + ".";
    }

    static boolean test(String name, Interpreter interpreter, Value value, Args args) {
        var predicate = ALL.get(name);
        if (predicate == null) {
            throw TemplateException.of(unknown(name));
        }
        return predicate.test(interpreter, value, args);
    }

    private static Predicate plain(Plain test) {
        return asked((_, value) -> test.test(value));
    }

    private static Predicate asked(Asked test) {
        return (interpreter, value, args) -> {
            args.unnamed("test", 0, 0);
            return test.test(interpreter, value);
        };
    }

    private static Predicate comparison(Comparison comparison) {
        return (interpreter, value, args) ->
                Operators.compare(comparison, value, only(args), interpreter);
    }

    private static Value only(Args args) {
        return args.named().size() == 1 && args.size() == 0
                ? args.named().values().iterator().next()
                : args.unnamed("test", 1, 1).get(0);
    }

    private static boolean remainder(Interpreter interpreter, Value value, Value by, int expected) {
        var rest = Operators.apply(Operator.MODULO, value, by, interpreter);
        return interpreter.equality().equal(rest, Int.of(expected));
    }

    private static boolean isSequence(Value value) {
        return Sequences.lengthOrNone(value) >= 0
                && !(value instanceof View || value instanceof Thing);
    }

    private static boolean isIterable(Value value) {
        return value instanceof Lazy || value instanceof Loop || Sequences.lengthOrNone(value) >= 0;
    }

    private static boolean isCallable(Value value) {
        return value instanceof Undefined || value instanceof Thing thing && thing.callable();
    }

    /** Identity as far as values have one: equal strings and numbers count as the same object. */
    private static boolean isSame(Value a, Value b) {
        return a == b
                || a instanceof Int x && b instanceof Int y && x.equals(y)
                || a instanceof Str s && b instanceof Str t && s.equals(t);
    }
}
