package dev.stator.jinja;

import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Thing;
import org.jspecify.annotations.Nullable;

/** What {@code namespace()} makes: the only thing a template can change. */
final class Namespace implements Thing {
    private final Dict attributes;

    Namespace(Dict attributes) {
        this.attributes = attributes;
    }

    Dict attributes() {
        return attributes;
    }

    void set(String name, Value value) {
        attributes.put(name, value);
    }

    @Override
    public String typeName() {
        return "Namespace";
    }

    @Override
    public @Nullable Value attribute(String name) {
        return attributes.get(Str.of(name));
    }
}
