package dev.stator.jinja;

import static java.util.Map.entry;

import dev.stator.jinja.Value.Lazy;
import dev.stator.jinja.Value.Str;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The filters that pass on some items of a sequence, or change each. All are lazy. */
final class SelectionFilters {
    private SelectionFilters() {}

    static Map<String, Filters.Filter> all() {
        return Map.ofEntries(
                entry("map", SelectionFilters::map),
                entry("select", (in, value, args) -> select(in, value, args, false, true)),
                entry("reject", (in, value, args) -> select(in, value, args, false, false)),
                entry("selectattr", (in, value, args) -> select(in, value, args, true, true)),
                entry("rejectattr", (in, value, args) -> select(in, value, args, true, false)),
                entry("unique", SelectionFilters::unique));
    }

    /** An empty or missing sequence gives nothing, whatever the arguments are. */
    private static Value lazy(Value value, Supplier<Iterator<Value>> items) {
        return Lazy.of(
                new Deferred(() -> Value.truthy(value) ? items.get() : Collections.emptyIterator()),
                value);
    }

    private static Value map(Interpreter interpreter, Value value, Args args) {
        return lazy(
                value,
                () -> {
                    var change = change(interpreter, args);
                    var items = Sequences.iterator(value, interpreter.budget());
                    return new Iterator<>() {
                        @Override
                        public boolean hasNext() {
                            return items.hasNext();
                        }

                        @Override
                        public Value next() {
                            interpreter.budget().step();
                            return change.apply(items.next());
                        }
                    };
                });
    }

    private static UnaryOperator<Value> change(Interpreter interpreter, Args args) {
        if (args.size() == 0 && args.named().containsKey("attribute")) {
            var named = new LinkedHashMap<>(args.named());
            var bound = new Args(List.of(), named).bind("map", 0, "attribute", "default");
            var path =
                    AttributePath.of(bound.unlessNone("attribute"))
                            .orElse(bound.unlessNone("default"));
            return path::get;
        }
        if (args.size() == 0) {
            throw TemplateException.of("map requires a filter argument");
        }
        var name = interpreter.str(args.get(0));
        var rest = args.from(1);
        return item -> Filters.apply(name, interpreter, item, rest);
    }

    private static Value select(
            Interpreter interpreter, Value value, Args args, boolean attribute, boolean wanted) {
        return lazy(
                value,
                () -> {
                    var test = test(interpreter, args, attribute);
                    var items = Sequences.iterator(value, interpreter.budget());
                    return new Selected(
                            items, item -> test.test(item) == wanted, interpreter.budget());
                });
    }

    private static Predicate<Value> test(Interpreter interpreter, Args args, boolean attribute) {
        if (attribute && args.size() == 0) {
            throw TemplateException.of("Missing parameter for attribute name");
        }
        var path = AttributePath.of(attribute ? args.get(0) : null);
        int offset = attribute ? 1 : 0;
        if (args.size() == offset) {
            return item -> Value.truthy(path.get(item));
        }
        var name = interpreter.str(args.get(offset));
        var rest = args.from(offset + 1);
        return item -> Predicates.test(name, interpreter, path.get(item), rest);
    }

    private static Value unique(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("unique", 0, "case_sensitive", "attribute");
        boolean caseSensitive = bound.flag("case_sensitive");
        var path = AttributePath.of(bound.unlessNone("attribute"));
        return Lazy.of(
                new Deferred(
                        () -> {
                            var seen = new HashSet<Object>();
                            return new Selected(
                                    Sequences.iterator(value, interpreter.budget()),
                                    item -> {
                                        var key = path.get(item);
                                        return seen.add(
                                                key instanceof Str str && !caseSensitive
                                                        ? Text.lower(str.text())
                                                        : Equality.key(key));
                                    },
                                    interpreter.budget());
                        }),
                value);
    }

    /** The items that pass a test. */
    private static final class Selected implements Iterator<Value> {
        private final Iterator<Value> items;
        private final Predicate<Value> test;
        private final Budget budget;
        private @Nullable Value next;

        Selected(Iterator<Value> items, Predicate<Value> test, Budget budget) {
            this.items = items;
            this.test = test;
            this.budget = budget;
        }

        @Override
        public boolean hasNext() {
            while (next == null && items.hasNext()) {
                budget.step();
                var candidate = items.next();
                if (test.test(candidate)) {
                    next = candidate;
                }
            }
            return next != null;
        }

        @Override
        public Value next() {
            var item = hasNext() ? next : null;
            if (item == null) {
                throw new NoSuchElementException();
            }
            next = null;
            return item;
        }
    }
}
