package dev.stator.jinja;

import java.util.Arrays;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The values of a scope's names while its body runs. */
final class Frame {
    private final Scope scope;
    private final @Nullable Frame parent;
    private final @Nullable Value[] values;

    Frame(Scope scope, @Nullable Frame parent) {
        this.scope = scope;
        this.parent = parent;
        this.values = new Value[scope.size()];
    }

    /** Gives every name but the parameters its first value. */
    void open(Function<String, @Nullable Value> variables) {
        for (int slot = 0; slot < values.length; slot++) {
            var name = scope.name(slot);
            switch (scope.source(slot)) {
                case PARAMETER -> {}
                case VARIABLE -> values[slot] = variables.apply(name);
                case OUTER -> values[slot] = parent == null ? null : parent.find(name);
                case NOTHING -> values[slot] = null;
            }
        }
    }

    void close() {
        Arrays.fill(values, null);
    }

    private @Nullable Value find(String name) {
        for (var frame = this; frame != null; frame = frame.parent) {
            int slot = frame.scope.slot(name);
            if (slot >= 0) {
                return frame.values[slot];
            }
        }
        return null;
    }

    Value get(String name) {
        var value = find(name);
        return value == null ? Value.Undefined.name(name) : value;
    }

    /** True when {@code name}, a name of this frame's own scope, has a value. */
    boolean has(String name) {
        int slot = scope.slot(name);
        return slot >= 0 && values[slot] != null;
    }

    void set(String name, Value value) {
        int slot = scope.slot(name);
        if (slot >= 0) {
            values[slot] = value;
        }
    }
}
