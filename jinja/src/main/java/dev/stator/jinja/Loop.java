package dev.stator.jinja;

import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Thing;
import dev.stator.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}: where an iteration stands. */
final class Loop implements Thing {
    /** Runs the body of a recursive loop over other items, one level deeper. */
    @FunctionalInterface
    interface Recursion {
        Value render(Value items, int depth);
    }

    private final @Nullable Recursion recursion;
    private final int depth;
    private final Budget budget;
    private Iterator<Value> iterator;
    private long length;
    private int index = -1;
    private @Nullable Value previous;
    private @Nullable Value current;
    private @Nullable Value next;
    private @Nullable List<Value> lastChanged;

    /**
     * A loop before its first item.
     *
     * @param length how many items there are, -1 if that shows only when all are read
     * @param depth how many recursive loops are around it
     */
    Loop(
            Iterator<Value> iterator,
            long length,
            int depth,
            @Nullable Recursion recursion,
            Budget budget) {
        this.iterator = iterator;
        this.length = length;
        this.depth = depth;
        this.recursion = recursion;
        this.budget = budget;
    }

    /** The next item, or null at the end. */
    @Nullable Value advance() {
        budget.step();
        var item = peek();
        next = null;
        if (item != null) {
            index++;
            previous = current;
            current = item;
        }
        return item;
    }

    private @Nullable Value peek() {
        if (next == null && iterator.hasNext()) {
            next = iterator.next();
        }
        return next;
    }

    long length() {
        if (length < 0) {
            var rest = new ArrayList<Value>();
            while (iterator.hasNext()) {
                budget.step();
                rest.add(iterator.next());
            }
            length = rest.size() + index + 1L + (next == null ? 0 : 1);
            iterator = rest.iterator();
        }
        return length;
    }

    @Override
    public String typeName() {
        return "LoopContext";
    }

    @Override
    public String display() {
        return "<LoopContext " + (index + 1) + "/" + length() + ">";
    }

    @Override
    public @Nullable Value attribute(String name) {
        return switch (name) {
            case "index" -> Int.of(index + 1L);
            case "index0" -> Int.of(index);
            case "revindex" -> Int.of(length() - index);
            case "revindex0" -> Int.of(length() - index - 1);
            case "first" -> Bool.of(index == 0);
            case "last" -> Bool.of(peek() == null);
            case "length" -> Int.of(length());
            case "depth" -> Int.of(depth + 1L);
            case "depth0" -> Int.of(depth);
            case "previtem" ->
                    index == 0 || previous == null
                            ? new Undefined("there is no previous item")
                            : previous;
            case "nextitem" -> {
                var following = peek();
                yield following == null ? new Undefined("there is no next item") : following;
            }
            case "cycle" -> Function.method(name, (_, args) -> cycle(args));
            case "changed" -> Function.method(name, this::changed);
            default -> null;
        };
    }

    private Value cycle(Args args) {
        if (args.size() == 0) {
            throw TemplateException.of("no items for cycling given");
        }
        return args.get(index % args.size());
    }

    private Value changed(Interpreter interpreter, Args args) {
        var before = lastChanged;
        boolean same =
                before != null
                        && interpreter
                                .equality()
                                .equal(Value.Tuple.of(before), Value.Tuple.of(args.positional()));
        if (!same) {
            lastChanged = args.positional();
        }
        return Bool.of(!same);
    }

    @Override
    public boolean callable() {
        return true;
    }

    @Override
    public Value call(Interpreter interpreter, Args args) {
        if (recursion == null) {
            throw TemplateException.of(
                    "The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.render(args.bind("loop", 1, "iterable").required("iterable"), depth + 1);
    }
}
