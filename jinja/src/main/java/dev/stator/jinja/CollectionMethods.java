package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.View;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of dicts, lists, tuples and numbers that do not change them. */
final class CollectionMethods {
    private CollectionMethods() {}

    static @Nullable Value ofDict(Dict dict, String name) {
        Function.Code code =
                switch (name) {
                    case "items" -> view(dict, View.Part.ITEMS, name);
                    case "keys" -> view(dict, View.Part.KEYS, name);
                    case "values" -> view(dict, View.Part.VALUES, name);
                    case "get" -> (_, args) -> get(dict, args.unnamed("get", 1, 2));
                    case "copy" ->
                            (interpreter, args) -> {
                                args.unnamed("copy", 0, 0);
                                interpreter.budget().size(dict.size());
                                var copy = new Dict();
                                copy.putAll(dict);
                                return copy;
                            };
                    case "fromkeys" -> unsupported("dict.fromkeys");
                    default -> null;
                };
        return code == null ? null : Function.method(name, code);
    }

    private static Function.Code view(Dict dict, View.Part part, String name) {
        return (_, args) -> {
            args.unnamed(name, 0, 0);
            return new View(part, dict);
        };
    }

    private static Value get(Dict dict, Args args) {
        var value = dict.get(args.get(0));
        return value != null ? value : args.size() > 1 ? args.get(1) : None.NONE;
    }

    static @Nullable Value ofItems(Value of, List<Value> items, String name) {
        Function.Code code =
                switch (name) {
                    case "index" ->
                            (interpreter, args) ->
                                    index(items, args.unnamed(name, 1, 3), interpreter);
                    case "count" ->
                            (interpreter, args) ->
                                    count(items, args.unnamed(name, 1, 1), interpreter);
                    case "copy" ->
                            !(of instanceof Array)
                                    ? null
                                    : (_, args) -> {
                                        args.unnamed("copy", 0, 0);
                                        return Array.of(items);
                                    };
                    default -> null;
                };
        return code == null ? null : Function.method(name, code);
    }

    private static Value index(List<Value> items, Args args, Interpreter interpreter) {
        int start = bound(args.integer(1, 0), items.size());
        int stop = bound(args.integer(2, items.size()), items.size());
        for (int i = start; i < stop; i++) {
            if (interpreter.equality().equal(items.get(i), args.get(0))) {
                return Int.of(i);
            }
        }
        throw TemplateException.of(interpreter.repr(args.get(0)) + " is not in list");
    }

    private static int bound(int index, int size) {
        return Math.clamp(index < 0 ? (long) index + size : index, 0, size);
    }

    private static Value count(List<Value> items, Args args, Interpreter interpreter) {
        int count = 0;
        for (var item : items) {
            if (interpreter.equality().equal(item, args.get(0))) {
                count++;
            }
        }
        return Int.of(count);
    }

    static @Nullable Value ofNumber(Value number, String name) {
        if (number instanceof Real real) {
            return switch (name) {
                case "real" -> number;
                case "imag" -> new Real(0);
                case "is_integer" ->
                        Function.method(
                                name,
                                (_, args) -> {
                                    args.unnamed(name, 0, 0);
                                    return Bool.of(
                                            real.value() == Math.rint(real.value())
                                                    && !Double.isInfinite(real.value()));
                                });
                case "conjugate", "hex", "fromhex", "as_integer_ratio" ->
                        Function.method(name, unsupported("float." + name));
                default -> null;
            };
        }
        return switch (name) {
            case "real", "numerator" -> Int.of(Numbers.integer(number));
            case "imag" -> new Int(BigInteger.ZERO);
            case "denominator" -> new Int(BigInteger.ONE);
            case "bit_length" ->
                    Function.method(
                            name,
                            (_, args) -> {
                                args.unnamed(name, 0, 0);
                                return Int.of(Numbers.integer(number).abs().bitLength());
                            });
            case "conjugate", "bit_count", "to_bytes", "from_bytes", "as_integer_ratio" ->
                    Function.method(name, unsupported("int." + name));
            default -> null;
        };
    }

    /** For what Python has and no chat template uses. */
    static Function.Code unsupported(String method) {
        return (_, _) -> {
            throw TemplateException.of(method + "() is not supported in chat templates");
        };
    }
}
