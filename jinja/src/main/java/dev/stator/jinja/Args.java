package dev.stator.jinja;

import dev.stator.jinja.Value.Str;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The arguments of a call. */
record Args(List<Value> positional, Map<String, Value> named) {
    static final Args NONE = new Args(List.of(), Map.of());

    static Args of(Value... positional) {
        return new Args(List.of(positional), Map.of());
    }

    int size() {
        return positional.size();
    }

    /** Without the first {@code count} positional ones. */
    Args from(int count) {
        return new Args(positional.subList(count, positional.size()), named);
    }

    Args with(String name, Value value) {
        var all = new LinkedHashMap<>(named);
        all.put(name, value);
        return new Args(positional, all);
    }

    /**
     * Gives each parameter its argument, as Python does.
     *
     * @param required how many of the parameters must be given
     */
    Bound bind(String function, int required, String... parameters) {
        if (positional.size() > parameters.length) {
            throw TemplateException.of(
                    "%s() takes at most %d arguments (%d given)"
                            .formatted(function, parameters.length, positional.size()));
        }
        var values = new HashMap<String, Value>();
        for (int i = 0; i < positional.size(); i++) {
            values.put(parameters[i], positional.get(i));
        }
        for (var entry : named.entrySet()) {
            if (!List.of(parameters).contains(entry.getKey())) {
                throw TemplateException.of(
                        "%s() got an unexpected keyword argument '%s'"
                                .formatted(function, entry.getKey()));
            }
            if (values.put(entry.getKey(), entry.getValue()) != null) {
                throw TemplateException.of(
                        "%s() got multiple values for argument '%s'"
                                .formatted(function, entry.getKey()));
            }
        }
        for (int i = 0; i < required; i++) {
            if (!values.containsKey(parameters[i])) {
                throw TemplateException.of(
                        "%s() missing required argument '%s'".formatted(function, parameters[i]));
            }
        }
        return new Bound(function, values);
    }

    /** For functions of Python that take no names. */
    Args unnamed(String function, int least, int most) {
        if (!named.isEmpty()) {
            throw TemplateException.of(function + "() takes no keyword arguments");
        }
        if (positional.size() < least || positional.size() > most) {
            throw TemplateException.of(
                    "%s() takes %s arguments (%d given)"
                            .formatted(
                                    function,
                                    least == most ? least : "from " + least + " to " + most,
                                    positional.size()));
        }
        return this;
    }

    Value get(int index) {
        return positional.get(index);
    }

    /** The string at {@code index}; null stands for none and for an argument that is not given. */
    @Nullable String text(String function, int index) {
        if (index >= positional.size() || positional.get(index) == Value.None.NONE) {
            return null;
        }
        return textOf(function, positional.get(index));
    }

    /** The string at {@code index}, which must be one. */
    String requiredText(String function, int index) {
        return textOf(function, positional.get(index));
    }

    static String textOf(String function, Value value) {
        if (value instanceof Str str) {
            return str.text();
        }
        throw TemplateException.of(
                "%s() argument must be str, not %s".formatted(function, Value.typeName(value)));
    }

    int integer(int index, int otherwise) {
        return index < positional.size() ? Numbers.clamp(positional.get(index)) : otherwise;
    }

    /** Arguments by the name of their parameter. */
    record Bound(String function, Map<String, Value> values) {
        @Nullable Value get(String name) {
            return values.get(name);
        }

        Value required(String name) {
            var value = values.get(name);
            if (value == null) {
                throw new IllegalStateException(function + " does not require " + name);
            }
            return value;
        }

        Value or(String name, Value otherwise) {
            return values.getOrDefault(name, otherwise);
        }

        boolean flag(String name) {
            var value = values.get(name);
            return value != null && Value.truthy(value);
        }

        int integer(String name, int otherwise) {
            var value = values.get(name);
            return value == null ? otherwise : Numbers.clamp(value);
        }

        /** Null when the argument is not given or none. */
        @Nullable Value unlessNone(String name) {
            var value = values.get(name);
            return value == Value.None.NONE ? null : value;
        }
    }
}
