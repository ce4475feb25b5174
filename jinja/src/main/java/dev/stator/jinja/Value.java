package dev.stator.jinja;

import java.math.BigInteger;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A value as a template sees it: the types Python would give it. Lists and dicts never change once
 * made, because the sandbox that chat templates run in forbids it; so they cannot contain
 * themselves, and each knows how deep it nests.
 */
sealed interface Value {

    enum None implements Value {
        NONE
    }

    enum Bool implements Value {
        FALSE,
        TRUE;

        static Bool of(boolean value) {
            return value ? TRUE : FALSE;
        }
    }

    record Int(BigInteger value) implements Value {
        static Int of(long value) {
            return new Int(BigInteger.valueOf(value));
        }

        static Int of(BigInteger value) {
            if (value.bitLength() > Budget.MAX_INTEGER_BITS) {
                throw TemplateException.of(
                        "an integer has more than " + Budget.MAX_INTEGER_BITS + " bits");
            }
            return new Int(value);
        }
    }

    record Real(double value) implements Value {}

    /** A string; {@code safe} is what {@code |safe} and {@code |escape} make (Python's Markup). */
    record Str(String text, boolean safe) implements Value {
        static final Str EMPTY = new Str("", false);

        static Str of(String text) {
            return new Str(text, false);
        }
    }

    /** A Python list. */
    record Array(List<Value> items, int depth) implements Value {
        static Array of(List<Value> items) {
            return new Array(items, deepest(items));
        }
    }

    /** A Python tuple; {@code fields} names its parts where they have names, as groupby's do. */
    record Tuple(List<Value> items, int depth, List<String> fields) implements Value {
        static Tuple of(List<Value> items) {
            return new Tuple(items, deepest(items), List.of());
        }

        static Tuple named(List<String> fields, List<Value> items) {
            return new Tuple(items, deepest(items), fields);
        }
    }

    /** A Python dict: insertion order, and 1, 1.0 and True are one key. */
    final class Dict implements Value {
        /** A key as it was first written, and its value. */
        record Entry(Value key, Value value) {}

        private final Map<Object, Entry> entries = new LinkedHashMap<>();
        private int depth = 1;

        /** Only while the dict is being made. */
        void put(Value key, Value value) {
            depth = Math.max(depth, Budget.nested(1 + Math.max(nesting(key), nesting(value))));
            var id = Equality.key(key);
            var old = entries.get(id);
            entries.put(id, new Entry(old == null ? key : old.key(), value));
        }

        void put(String key, Value value) {
            put(Str.of(key), value);
        }

        void putAll(Dict other) {
            for (var entry : other.entries()) {
                put(entry.key(), entry.value());
            }
        }

        @Nullable Value get(Value key) {
            var entry = entries.get(Equality.key(key));
            return entry == null ? null : entry.value();
        }

        Collection<Entry> entries() {
            return entries.values();
        }

        int size() {
            return entries.size();
        }

        int depth() {
            return depth;
        }
    }

    /** What dict.keys(), dict.values() and dict.items() give. */
    record View(Part part, Dict dict) implements Value {
        enum Part {
            KEYS,
            VALUES,
            ITEMS
        }
    }

    record Range(long start, long stop, long step) implements Value {
        long length() {
            long span = step > 0 ? stop - start : start - stop;
            long stride = Math.abs(step);
            return span <= 0 ? 0 : (span + stride - 1) / stride;
        }

        long at(long index) {
            return start + index * step;
        }
    }

    /** A sequence that is made while it is read, and can be read once: a Python generator. */
    record Lazy(Iterator<Value> iterator, int depth) implements Value {
        static Lazy of(Iterator<Value> iterator, Value source) {
            return new Lazy(iterator, Budget.nested(1 + nesting(source)));
        }
    }

    /**
     * A name, attribute or item that is not there; most uses of it are errors with this message.
     */
    record Undefined(String message) implements Value {
        static Undefined name(String name) {
            return new Undefined(Repr.quote(name) + " is undefined");
        }
    }

    /** Anything with attributes or behaviour of its own: functions, macros, loops, namespaces. */
    non-sealed interface Thing extends Value {
        String typeName();

        default String display() {
            return "<" + typeName() + ">";
        }

        default @Nullable Value attribute(String name) {
            return null;
        }

        default boolean callable() {
            return false;
        }

        default Value call(Interpreter interpreter, Args args) {
            throw TemplateException.of("'" + typeName() + "' object is not callable");
        }
    }

    static int nesting(Value value) {
        return switch (value) {
            case Array array -> array.depth();
            case Tuple tuple -> tuple.depth();
            case Dict dict -> dict.depth();
            case View view -> 1 + view.dict().depth();
            case Lazy lazy -> lazy.depth();
            case None _, Bool _, Int _, Real _, Str _, Range _, Undefined _, Thing _ -> 0;
        };
    }

    private static int deepest(List<Value> items) {
        int depth = 0;
        for (var item : items) {
            depth = Math.max(depth, nesting(item));
        }
        return Budget.nested(depth + 1);
    }

    /** Python's name for the type of {@code value}. */
    static String typeName(Value value) {
        return switch (value) {
            case None _ -> "NoneType";
            case Bool _ -> "bool";
            case Int _ -> "int";
            case Real _ -> "float";
            case Str str -> str.safe() ? "Markup" : "str";
            case Array _ -> "list";
            case Tuple _ -> "tuple";
            case Dict _ -> "dict";
            case View view ->
                    switch (view.part()) {
                        case KEYS -> "dict_keys";
                        case VALUES -> "dict_values";
                        case ITEMS -> "dict_items";
                    };
            case Range _ -> "range";
            case Lazy _ -> "generator";
            case Undefined _ -> "Undefined";
            case Thing thing -> thing.typeName();
        };
    }

    static boolean truthy(Value value) {
        return switch (value) {
            case None _, Undefined _ -> false;
            case Bool bool -> bool == Bool.TRUE;
            case Int integer -> integer.value().signum() != 0;
            case Real real -> real.value() != 0;
            case Str str -> !str.text().isEmpty();
            case Array array -> !array.items().isEmpty();
            case Tuple tuple -> !tuple.items().isEmpty();
            case Dict dict -> dict.size() > 0;
            case View view -> view.dict().size() > 0;
            case Range range -> range.length() > 0;
            case Loop loop -> loop.length() > 0;
            case Lazy _, Thing _ -> true;
        };
    }
}
