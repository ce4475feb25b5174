package dev.stator.jinja;

import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Range;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Thing;
import dev.stator.jinja.Value.Tuple;
import java.time.LocalDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The names that every template can use. */
final class Globals {
    private static final long MAX_RANGE = 100_000; // Jinja's sandbox

    private Globals() {}

    /** The global {@code name}, or null. */
    static @Nullable Value find(String name) {
        return switch (name) {
            case "range" -> new Function("function", name, (_, args) -> range(args));
            case "dict" -> new Function("type", name, Globals::dict);
            case "namespace" ->
                    new Function(
                            "type",
                            "jinja2.utils.Namespace",
                            (interpreter, args) -> new Namespace(dict(interpreter, args)));
            case "cycler" -> new Function("type", "jinja2.utils.Cycler", (_, args) -> cycler(args));
            case "joiner" -> new Function("type", "jinja2.utils.Joiner", (_, args) -> joiner(args));
            case "raise_exception" -> new Function("function", name, Globals::raise);
            case "strftime_now" -> new Function("function", name, Globals::now);
            default -> null;
        };
    }

    private static Value range(Args args) {
        args.unnamed("range", 1, 3);
        long start = args.size() > 1 ? bound(args.get(0)) : 0;
        long stop = bound(args.get(args.size() > 1 ? 1 : 0));
        long step = args.size() > 2 ? bound(args.get(2)) : 1;
        if (step == 0) {
            throw TemplateException.of("range() arg 3 must not be zero");
        }
        var range = new Range(start, stop, step);
        if (range.length() > MAX_RANGE) {
            throw TemplateException.of(
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE ("
                            + MAX_RANGE
                            + ").");
        }
        return range;
    }

    private static long bound(Value value) {
        Operators.requireDefined(value);
        var integer = Numbers.integer(value);
        if (integer.bitLength() > 61) {
            throw TemplateException.of("range() argument is too large");
        }
        return integer.longValueExact();
    }

    private static Dict dict(Interpreter interpreter, Args args) {
        var dict = new Dict();
        if (args.size() > 1) {
            throw TemplateException.of("dict expected at most 1 argument, got " + args.size());
        }
        if (args.size() == 1 && args.get(0) instanceof Dict other) {
            interpreter.budget().size(other.size());
            dict.putAll(other);
        } else if (args.size() == 1) {
            var pairs = Sequences.iterator(args.get(0), interpreter.budget());
            while (pairs.hasNext()) {
                interpreter.budget().step();
                var pair = Sequences.items(pairs.next(), interpreter.budget());
                if (pair.size() != 2) {
                    throw TemplateException.of(
                            "dictionary update sequence element has length "
                                    + pair.size()
                                    + "; 2 is required");
                }
                dict.put(pair.get(0), pair.get(1));
            }
        }
        args.named().forEach(dict::put);
        return dict;
    }

    private static Value raise(Interpreter interpreter, Args args) {
        var message = args.bind("raise_exception", 1, "message").required("message");
        throw TemplateException.raisedByTemplate(interpreter.str(message), 0);
    }

    private static Value now(Interpreter interpreter, Args args) {
        var format = args.bind("strftime_now", 1, "format").required("format");
        return Str.of(
                Strftime.format(
                        LocalDateTime.now(interpreter.clock()), Args.textOf("strftime", format)));
    }

    private static Value cycler(Args args) {
        if (args.size() == 0) {
            throw TemplateException.of("at least one item has to be provided");
        }
        return new Cycler(args.positional());
    }

    private static Value joiner(Args args) {
        return new Joiner(args.bind("joiner", 0, "sep").or("sep", Str.of(", ")));
    }

    /** Gives its items in turn. */
    private static final class Cycler implements Thing {
        private final List<Value> items;
        private int position;

        Cycler(List<Value> items) {
            this.items = items;
        }

        @Override
        public String typeName() {
            return "Cycler";
        }

        @Override
        public @Nullable Value attribute(String name) {
            return switch (name) {
                case "items" -> Tuple.of(items);
                case "pos" -> Value.Int.of(position);
                case "current" -> items.get(position);
                case "next" ->
                        Function.method(
                                name,
                                (_, _) -> {
                                    var current = items.get(position);
                                    position = (position + 1) % items.size();
                                    return current;
                                });
                case "reset" ->
                        Function.method(
                                name,
                                (_, _) -> {
                                    position = 0;
                                    return Value.None.NONE;
                                });
                default -> null;
            };
        }
    }

    /** Gives nothing the first time it is called, and its separator from then on. */
    private static final class Joiner implements Thing {
        private final Value separator;
        private boolean used;

        Joiner(Value separator) {
            this.separator = separator;
        }

        @Override
        public String typeName() {
            return "Joiner";
        }

        @Override
        public @Nullable Value attribute(String name) {
            return switch (name) {
                case "sep" -> separator;
                case "used" -> Value.Bool.of(used);
                default -> null;
            };
        }

        @Override
        public boolean callable() {
            return true;
        }

        @Override
        public Value call(Interpreter interpreter, Args args) {
            args.unnamed("joiner", 0, 0);
            var text = used ? separator : Str.EMPTY;
            used = true;
            return text;
        }
    }
}
