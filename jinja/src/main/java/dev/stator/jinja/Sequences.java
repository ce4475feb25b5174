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
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Iterating, counting, slicing and sorting, as Python does. */
final class Sequences {
    private Sequences() {}

    /** The items of {@code value}, or null if it has none to iterate over. */
    static @Nullable Iterator<Value> iteratorOrNull(Value value, Budget budget) {
        return switch (value) {
            case Array array -> array.items().iterator();
            case Tuple tuple -> tuple.items().iterator();
            case Lazy lazy -> lazy.iterator();
            case Undefined _ -> Collections.emptyIterator();
            case Range range ->
                    LongStream.range(0, range.length())
                            .<Value>mapToObj(index -> Int.of(range.at(index)))
                            .iterator();
            case Dict _, View _, Str _ -> items(value, budget).iterator();
            case None _, Bool _, Int _, Real _, Thing _ -> null;
        };
    }

    static Iterator<Value> iterator(Value value, Budget budget) {
        var iterator = iteratorOrNull(value, budget);
        if (iterator == null) {
            throw TemplateException.of("'" + Value.typeName(value) + "' object is not iterable");
        }
        return iterator;
    }

    /** All items; reads a lazy sequence to its end. */
    static List<Value> items(Value value, Budget budget) {
        return switch (value) {
            case Array array -> array.items();
            case Tuple tuple -> tuple.items();
            case Str str -> {
                budget.size(str.text().length());
                var items = new ArrayList<Value>(str.text().length());
                str.text()
                        .codePoints()
                        .forEach(c -> items.add(new Str(Text.ofCodePoint(c), str.safe())));
                yield items;
            }
            case Dict dict -> items(new View(View.Part.KEYS, dict), budget);
            case View view -> {
                budget.size(view.dict().size());
                var items = new ArrayList<Value>(view.dict().size());
                for (var entry : view.dict().entries()) {
                    items.add(
                            switch (view.part()) {
                                case KEYS -> entry.key();
                                case VALUES -> entry.value();
                                case ITEMS -> Tuple.of(List.of(entry.key(), entry.value()));
                            });
                }
                yield items;
            }
            case Range range -> {
                budget.size(range.length());
                var items = new ArrayList<Value>();
                for (long i = 0; i < range.length(); i++) {
                    items.add(Int.of(range.at(i)));
                }
                yield items;
            }
            default -> {
                var items = new ArrayList<Value>();
                var iterator = iterator(value, budget);
                while (iterator.hasNext()) {
                    budget.step();
                    items.add(iterator.next());
                }
                yield items;
            }
        };
    }

    /** Python's len(), or -1 if {@code value} has none. */
    static long lengthOrNone(Value value) {
        return switch (value) {
            case Str str -> Text.length(str.text());
            case Array array -> array.items().size();
            case Tuple tuple -> tuple.items().size();
            case Dict dict -> dict.size();
            case View view -> view.dict().size();
            case Range range -> range.length();
            case Undefined _ -> 0;
            case Loop loop -> loop.length();
            case None _, Bool _, Int _, Real _, Lazy _, Thing _ -> -1;
        };
    }

    static long length(Value value) {
        long length = lengthOrNone(value);
        if (length < 0) {
            throw TemplateException.of(
                    "object of type '" + Value.typeName(value) + "' has no len()");
        }
        return length;
    }

    static boolean contains(Value container, Value item, Interpreter interpreter) {
        switch (container) {
            case Str str -> {
                if (!(item instanceof Str part)) {
                    throw TemplateException.of(
                            "'in <string>' requires string as left operand, not "
                                    + Value.typeName(item));
                }
                interpreter.budget().size(str.text().length());
                return str.text().contains(part.text());
            }
            case Dict dict -> {
                return dict.get(item) != null;
            }
            case View view when view.part() == View.Part.KEYS -> {
                return view.dict().get(item) != null;
            }
            default -> {
                var iterator = iteratorOrNull(container, interpreter.budget());
                if (iterator == null) {
                    throw TemplateException.of(
                            "argument of type '" + Value.typeName(container) + "' is not iterable");
                }
                while (iterator.hasNext()) {
                    var next = iterator.next();
                    if (next == item || interpreter.equality().equal(next, item)) {
                        return true;
                    }
                }
                return false;
            }
        }
    }

    /** The item at {@code index}, counted from the end if negative; null if it is not there. */
    static @Nullable Value at(Value value, Value index) {
        long length = lengthOrNone(value);
        var integer = Numbers.integer(index);
        if (integer.signum() < 0) {
            integer = integer.add(Int.of(length).value());
        }
        if (integer.signum() < 0 || integer.compareTo(Int.of(length).value()) >= 0) {
            return null;
        }
        return at(value, integer.intValueExact());
    }

    private static Value at(Value value, int index) {
        return switch (value) {
            case Array array -> array.items().get(index);
            case Tuple tuple -> tuple.items().get(index);
            case Range range -> Int.of(range.at(index));
            case Str str -> {
                int offset = Text.offset(str.text(), index);
                yield new Str(Text.ofCodePoint(str.text().codePointAt(offset)), str.safe());
            }
            default -> throw new IllegalStateException(Value.typeName(value) + " has no order");
        };
    }

    /** {@code value[start:stop:step]}; none stands for a bound that is not given. */
    static Value slice(Value value, Value start, Value stop, Value step, Budget budget) {
        if (value instanceof Undefined undefined) {
            throw TemplateException.of(undefined.message());
        }
        if (!(value instanceof Array
                || value instanceof Tuple
                || value instanceof Str
                || value instanceof Range)) {
            throw TemplateException.of(
                    value instanceof Dict
                            ? "unhashable type: 'slice'"
                            : "'" + Value.typeName(value) + "' object is not subscriptable");
        }
        long stride = step == None.NONE ? 1 : bound(step);
        if (stride == 0) {
            throw TemplateException.of("slice step cannot be zero");
        }
        long length = length(value);
        long low = stride > 0 ? 0 : -1;
        long high = stride > 0 ? length : length - 1;
        long from = start == None.NONE ? (stride > 0 ? low : high) : clip(start, length, low, high);
        long to = stop == None.NONE ? (stride > 0 ? high : low) : clip(stop, length, low, high);
        var indexes = new Range(from, to, stride);
        budget.size(indexes.length());
        return slice(value, indexes);
    }

    private static Value slice(Value value, Range indexes) {
        return switch (value) {
            case Array array -> Array.of(pick(array.items(), indexes));
            case Tuple tuple -> Tuple.of(pick(tuple.items(), indexes));
            case Range range ->
                    new Range(
                            range.at(indexes.start()),
                            range.at(indexes.stop()),
                            range.step() * indexes.step());
            case Str str -> new Str(pick(str.text(), indexes), str.safe());
            default -> throw new IllegalStateException(Value.typeName(value) + " has no order");
        };
    }

    private static long bound(Value value) {
        if (value instanceof Undefined undefined) {
            throw TemplateException.of(undefined.message());
        }
        if (!Numbers.isInteger(value)) {
            throw TemplateException.of(
                    "slice indices must be integers or None or have an __index__ method");
        }
        return Numbers.clamp(value);
    }

    private static long clip(Value value, long length, long low, long high) {
        long bound = bound(value);
        return Math.clamp(bound < 0 ? bound + length : bound, low, high);
    }

    private static List<Value> pick(List<Value> items, Range indexes) {
        if (indexes.step() == 1) {
            return indexes.length() == 0
                    ? List.of()
                    : items.subList((int) indexes.start(), (int) indexes.stop());
        }
        var picked = new ArrayList<Value>();
        for (long i = 0; i < indexes.length(); i++) {
            picked.add(items.get((int) indexes.at(i)));
        }
        return picked;
    }

    private static String pick(String text, Range indexes) {
        if (indexes.step() == 1) {
            return Text.part(text, (int) indexes.start(), (int) indexes.stop());
        }
        int[] codePoints = text.codePoints().toArray();
        var picked = new StringBuilder();
        for (long i = 0; i < indexes.length(); i++) {
            picked.appendCodePoint(codePoints[(int) indexes.at(i)]);
        }
        return picked.toString();
    }

    /** A stable sort that works for any comparison, also one that is not an order. */
    static <T> List<T> sorted(List<T> items, Comparator<T> order) {
        if (items.size() < 2) {
            return new ArrayList<>(items);
        }
        int middle = items.size() / 2;
        var left = sorted(items.subList(0, middle), order);
        var right = sorted(items.subList(middle, items.size()), order);
        var merged = new ArrayList<T>(items.size());
        int l = 0;
        int r = 0;
        while (l < left.size() && r < right.size()) {
            boolean takeRight = order.compare(right.get(r), left.get(l)) < 0;
            merged.add(takeRight ? right.get(r++) : left.get(l++));
        }
        merged.addAll(left.subList(l, left.size()));
        merged.addAll(right.subList(r, right.size()));
        return merged;
    }
}
