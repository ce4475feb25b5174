package dev.stator.jinja;

import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way from an item to the attribute that a filter is about: {@code "a.b.0"}. An empty way leads
 * to the item itself.
 *
 * @param otherwise what stands for a part that is not there
 */
record AttributePath(List<Value> parts, @Nullable Value otherwise) {

    static AttributePath of(@Nullable Value attribute) {
        if (attribute == null) {
            return new AttributePath(List.of(), null);
        }
        if (!(attribute instanceof Str path)) {
            return new AttributePath(List.of(attribute), null);
        }
        var parts = new ArrayList<Value>();
        for (var part : Text.split(path.text(), ".", -1)) {
            boolean index = Text.all(part, c -> c >= '0' && c <= '9') && part.length() < 10;
            parts.add(index ? new Int(new BigInteger(part)) : Str.of(part));
        }
        return new AttributePath(parts, null);
    }

    /** The ways that commas separate. */
    static List<AttributePath> several(@Nullable Value attribute) {
        if (!(attribute instanceof Str paths)) {
            return List.of(of(attribute));
        }
        var several = new ArrayList<AttributePath>();
        for (var path : Text.split(paths.text(), ",", -1)) {
            several.add(of(Str.of(path)));
        }
        return several;
    }

    AttributePath orElse(@Nullable Value value) {
        return new AttributePath(parts, value);
    }

    Value get(Value item) {
        var value = item;
        for (var part : parts) {
            value = Attributes.item(value, part);
            if (otherwise != null && value instanceof Undefined) {
                value = otherwise;
            }
        }
        return value;
    }
}
