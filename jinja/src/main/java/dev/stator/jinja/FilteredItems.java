package dev.stator.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** The items of a loop that pass its condition. */
final class FilteredItems implements Iterator<Value> {
    private final Interpreter interpreter;
    private final Stmt.For loop;
    private final Iterator<Value> items;
    private final Frame frame;
    private @Nullable Value next;

    FilteredItems(Interpreter interpreter, Stmt.For loop, Iterator<Value> items, Frame frame) {
        this.interpreter = interpreter;
        this.loop = loop;
        this.items = items;
        this.frame = frame;
    }

    @Override
    public boolean hasNext() {
        var filter = loop.filter();
        while (next == null && items.hasNext()) {
            interpreter.budget().step();
            var item = items.next();
            if (filter == null || interpreter.passes(loop, filter, item, frame)) {
                next = interpreter.readBack(loop.target(), frame);
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
