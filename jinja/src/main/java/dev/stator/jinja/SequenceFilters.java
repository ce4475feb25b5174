package dev.stator.jinja;

import static java.util.Map.entry;

import dev.stator.jinja.Expr.Operator;
import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Lazy;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import dev.stator.jinja.Value.View;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters that order, group and sum up sequences. */
final class SequenceFilters {
    private SequenceFilters() {}

    static Map<String, Filters.Filter> all() {
        return Map.ofEntries(
                entry("join", SequenceFilters::join),
                entry("first", SequenceFilters::first),
                entry("last", SequenceFilters::last),
                entry("list", SequenceFilters::list),
                entry("reverse", SequenceFilters::reverse),
                entry("items", SequenceFilters::items),
                entry("sort", SequenceFilters::sort),
                entry("dictsort", SequenceFilters::dictSort),
                entry("groupby", SequenceFilters::groupBy),
                entry("min", (in, value, args) -> extreme(in, value, args, "min")),
                entry("max", (in, value, args) -> extreme(in, value, args, "max")),
                entry("sum", SequenceFilters::sum),
                entry("batch", SequenceFilters::batch),
                entry("slice", SequenceFilters::slice));
    }

    private static Value join(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("join", 0, "d", "attribute");
        var separator = interpreter.str(bound.or("d", Str.EMPTY));
        var path = AttributePath.of(bound.unlessNone("attribute"));
        var budget = interpreter.budget();
        var items = Sequences.iterator(value, budget);
        var out = new StringBuilder();
        for (boolean first = true; items.hasNext(); first = false) {
            budget.step();
            if (!first) {
                budget.size(separator.length());
                out.append(separator);
            }
            var text = interpreter.str(path.get(items.next()));
            budget.size(text.length());
            out.append(text);
        }
        return Str.of(out.toString());
    }

    private static Value first(Interpreter interpreter, Value value, Args args) {
        args.unnamed("first", 0, 0);
        var items = Sequences.iterator(value, interpreter.budget());
        return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
    }

    private static Value last(Interpreter interpreter, Value value, Args args) {
        args.unnamed("last", 0, 0);
        if (value instanceof Undefined || value instanceof Lazy) {
            throw TemplateException.of("'" + Value.typeName(value) + "' object is not reversible");
        }
        requireReversible(value);
        var items = Sequences.items(value, interpreter.budget());
        return items.isEmpty()
                ? new Undefined("No last item, sequence was empty.")
                : items.getLast();
    }

    private static void requireReversible(Value value) {
        if (Sequences.lengthOrNone(value) < 0 || value instanceof Value.Thing) {
            throw TemplateException.of("'" + Value.typeName(value) + "' object is not reversible");
        }
    }

    private static Value list(Interpreter interpreter, Value value, Args args) {
        args.unnamed("list", 0, 0);
        return Array.of(Sequences.items(value, interpreter.budget()));
    }

    private static Value reverse(Interpreter interpreter, Value value, Args args) {
        args.unnamed("reverse", 0, 0);
        if (value instanceof Str str) {
            interpreter.budget().size(str.text().length());
            return new Str(new StringBuilder(str.text()).reverse().toString(), str.safe());
        }
        if (Sequences.iteratorOrNull(value, interpreter.budget()) == null) {
            throw TemplateException.of("argument must be iterable");
        }
        var reversed = Sequences.items(value, interpreter.budget()).reversed();
        // Python reverses what has an order lazily, and a lazy sequence into a list.
        return value instanceof Lazy ? Array.of(reversed) : Lazy.of(reversed.iterator(), value);
    }

    private static Value items(Interpreter interpreter, Value value, Args args) {
        args.unnamed("items", 0, 0);
        return switch (value) {
            case Undefined _ -> Lazy.of(Collections.emptyIterator(), value);
            case Dict dict ->
                    Lazy.of(
                            Sequences.iterator(
                                    new View(View.Part.ITEMS, dict), interpreter.budget()),
                            value);
            default ->
                    Lazy.of(
                            new Deferred(
                                    () -> {
                                        throw TemplateException.of(
                                                "Can only get item pairs from a mapping.");
                                    }),
                            value);
        };
    }

    private static int compare(Interpreter interpreter, Value left, Value right) {
        return interpreter.equality().compare(left, right, "<", 1);
    }

    /** Sorts items by a key, which is found once for each. */
    private static List<Keyed> sorted(Interpreter interpreter, List<Keyed> items, boolean reverse) {
        // Reversed twice, so that equal items keep their order also when sorted downwards.
        var sorted =
                Sequences.sorted(
                        reverse ? items.reversed() : items,
                        (a, b) -> compare(interpreter, a.key(), b.key()));
        return reverse ? sorted.reversed() : sorted;
    }

    private record Keyed(Value key, Value item) {}

    private static Value caseless(Value value, boolean caseSensitive) {
        return value instanceof Str str && !caseSensitive ? Str.of(Text.lower(str.text())) : value;
    }

    private static Value sort(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("sort", 0, "reverse", "case_sensitive", "attribute");
        boolean caseSensitive = bound.flag("case_sensitive");
        var attribute = bound.unlessNone("attribute");
        var paths = AttributePath.several(attribute);
        var keyed = new ArrayList<Keyed>();
        for (var item : Sequences.items(value, interpreter.budget())) {
            var keys = new ArrayList<Value>();
            for (var path : paths) {
                keys.add(caseless(path.get(item), caseSensitive));
            }
            keyed.add(new Keyed(Array.of(keys), item));
        }
        var sorted = sorted(interpreter, keyed, bound.flag("reverse"));
        return Array.of(sorted.stream().map(Keyed::item).toList());
    }

    private static Value dictSort(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        boolean caseSensitive = bound.flag("case_sensitive");
        var by = interpreter.str(bound.or("by", Str.of("key")));
        if (!by.equals("key") && !by.equals("value")) {
            throw TemplateException.of("You can only sort by either \"key\" or \"value\"");
        }
        Operators.requireDefined(value);
        if (!(value instanceof Dict dict)) {
            throw TemplateException.of(
                    "'" + Value.typeName(value) + "' object has no attribute 'items'");
        }
        var keyed = new ArrayList<Keyed>();
        for (var entry : dict.entries()) {
            var key = by.equals("key") ? entry.key() : entry.value();
            keyed.add(
                    new Keyed(
                            caseless(key, caseSensitive),
                            Tuple.of(List.of(entry.key(), entry.value()))));
        }
        var sorted = sorted(interpreter, keyed, bound.flag("reverse"));
        return Array.of(sorted.stream().map(Keyed::item).toList());
    }

    private static Value groupBy(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("groupby", 1, "attribute", "default", "case_sensitive");
        boolean caseSensitive = bound.flag("case_sensitive");
        var path =
                AttributePath.of(bound.unlessNone("attribute")).orElse(bound.unlessNone("default"));
        var keyed = new ArrayList<Keyed>();
        for (var item : Sequences.items(value, interpreter.budget())) {
            keyed.add(new Keyed(caseless(path.get(item), caseSensitive), item));
        }
        var groups = new ArrayList<Value>();
        var group = new ArrayList<Value>();
        Value key = None.NONE;
        for (var next : sorted(interpreter, keyed, false)) {
            if (!group.isEmpty() && !interpreter.equality().equal(key, next.key())) {
                groups.add(group(path, group));
                group = new ArrayList<>();
            }
            key = next.key();
            group.add(next.item());
        }
        if (!group.isEmpty()) {
            groups.add(group(path, group));
        }
        return Array.of(groups);
    }

    /** A group under the key of its first item, in that item's own spelling. */
    private static Value group(AttributePath path, List<Value> items) {
        return Tuple.named(
                List.of("grouper", "list"), List.of(path.get(items.getFirst()), Array.of(items)));
    }

    private static Value extreme(Interpreter interpreter, Value value, Args args, String name) {
        var bound = args.bind(name, 0, "case_sensitive", "attribute");
        boolean caseSensitive = bound.flag("case_sensitive");
        var path = AttributePath.of(bound.unlessNone("attribute"));
        var items = Sequences.iterator(value, interpreter.budget());
        Value best = null;
        Value bestKey = None.NONE;
        while (items.hasNext()) {
            interpreter.budget().step();
            var item = items.next();
            var key = caseless(path.get(item), caseSensitive);
            if (best == null || isBetter(interpreter, key, bestKey, name)) {
                best = item;
                bestKey = key;
            }
        }
        return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
    }

    private static boolean isBetter(Interpreter interpreter, Value key, Value best, String name) {
        return name.equals("min")
                ? interpreter.equality().compare(key, best, "<", 1) < 0
                : interpreter.equality().compare(key, best, ">", -1) > 0;
    }

    private static Value sum(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("sum", 0, "attribute", "start");
        var path = AttributePath.of(bound.unlessNone("attribute"));
        var total = bound.or("start", Int.of(0));
        if (total instanceof Str) {
            throw TemplateException.of("sum() can't sum strings [use ''.join(seq) instead]");
        }
        var items = Sequences.iterator(value, interpreter.budget());
        while (items.hasNext()) {
            interpreter.budget().step();
            total = Operators.apply(Operator.ADD, total, path.get(items.next()), interpreter);
        }
        return total;
    }

    private static Value batch(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("batch", 1, "linecount", "fill_with");
        var fill = bound.unlessNone("fill_with");
        int size = bound.integer("linecount", 1);
        return Lazy.of(
                new Deferred(
                        () -> {
                            var batches = new ArrayList<Value>();
                            var batch = new ArrayList<Value>();
                            for (var item : Sequences.items(value, interpreter.budget())) {
                                if (batch.size() == size) {
                                    batches.add(Array.of(batch));
                                    batch = new ArrayList<>();
                                }
                                batch.add(item);
                            }
                            if (!batch.isEmpty()) {
                                fill(batch, fill, size, interpreter.budget());
                                batches.add(Array.of(batch));
                            }
                            return batches.iterator();
                        }),
                value);
    }

    private static void fill(List<Value> batch, @Nullable Value fill, int size, Budget budget) {
        if (fill != null && batch.size() < size) {
            budget.size(size);
            batch.addAll(Collections.nCopies(size - batch.size(), fill));
        }
    }

    private static Value slice(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("slice", 1, "slices", "fill_with");
        var fill = bound.unlessNone("fill_with");
        int slices = bound.integer("slices", 1);
        return Lazy.of(
                new Deferred(
                        () -> {
                            var items = Sequences.items(value, interpreter.budget());
                            if (slices == 0) {
                                throw TemplateException.of("integer division or modulo by zero");
                            }
                            interpreter.budget().size(Math.max(slices, 0));
                            int each = Math.floorDiv(items.size(), slices);
                            int longer = Math.floorMod(items.size(), slices);
                            var parts = new ArrayList<Value>();
                            int start = 0;
                            for (int i = 0; i < slices; i++) {
                                int end = start + each + (i < longer ? 1 : 0);
                                var part = new ArrayList<>(items.subList(start, end));
                                if (fill != null && i >= longer) {
                                    part.add(fill);
                                }
                                parts.add(Array.of(part));
                                start = end;
                            }
                            return parts.iterator();
                        }),
                value);
    }
}
