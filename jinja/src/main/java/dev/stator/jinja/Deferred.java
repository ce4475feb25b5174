package dev.stator.jinja;

import java.util.Iterator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** An iterator that is made when its first item is asked for, as a Python generator starts. */
final class Deferred implements Iterator<Value> {
    private final Supplier<Iterator<Value>> source;
    private @Nullable Iterator<Value> started;

    Deferred(Supplier<Iterator<Value>> source) {
        this.source = source;
    }

    private Iterator<Value> started() {
        var iterator = started;
        if (iterator == null) {
            iterator = source.get();
            started = iterator;
        }
        return iterator;
    }

    @Override
    public boolean hasNext() {
        return started().hasNext();
    }

    @Override
    public Value next() {
        return started().next();
    }
}
