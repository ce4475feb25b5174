package dev.stator.jinja;

import java.util.HashMap;
import java.util.Map;

/** What can stand behind a {@code |}: Jinja's filters, without those that make HTML. */
final class Filters {
    /** One filter. */
    @FunctionalInterface
    interface Filter {
        Value apply(Interpreter interpreter, Value value, Args args);
    }

    private static final Map<String, Filter> ALL = all();

    private Filters() {}

    private static Map<String, Filter> all() {
        var all = new HashMap<String, Filter>();
        all.putAll(TextFilters.all());
        all.putAll(ValueFilters.all());
        all.putAll(SequenceFilters.all());
        all.putAll(SelectionFilters.all());
        return Map.copyOf(all);
    }

    static boolean exists(String name) {
        return ALL.containsKey(name);
    }

    static String unknown(String name) {
        return switch (name) {
            case "filesizeformat",
                    "pprint",
                    "random",
                    "striptags",
                    "urlize",
                    "wordwrap",
                    "xmlattr" ->
                    "The filter '" + name + "' is not supported in chat templates.";
            default -> "No filter named " + Repr.quote(name) + ".";
        };
    }

    static Value apply(String name, Interpreter interpreter, Value value, Args args) {
        var filter = ALL.get(name);
        if (filter == null) {
            throw TemplateException.of(unknown(name));
        }
        return filter.apply(interpreter, value, args);
    }
}
