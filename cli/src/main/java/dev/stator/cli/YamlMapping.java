package dev.stator.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.dataformat.yaml.YAMLFactory;

/**
 * A mapping in a YAML file. Its reader asks for every name that may stand there and then calls
 * {@link #end}, which refuses the others. Whatever is wrong is refused with file and line.
 */
final class YamlMapping {
    /** What can stand after a name. */
    private sealed interface Value {
        record Text(String text) implements Value {}

        record Sequence(List<Value> items) implements Value {}

        record Nested(YamlMapping mapping) implements Value {}
    }

    private record Entry(Value value, int line) {}

    private final String where;
    private final int line;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final TreeSet<String> asked = new TreeSet<>();

    private YamlMapping(String where, int line) {
        this.where = where;
        this.line = line;
    }

    /**
     * @param what e.g. {@code fleet}
     * @throws Refusal if the file cannot be read or is no YAML mapping
     */
    static YamlMapping read(String what, Path path) {
        try {
            return parse(path.toString(), Files.readString(path, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw Refusal.misused(
                    "cannot read the %s file %s (%s)".formatted(what, path, Reason.of(e)));
        } catch (JacksonException e) {
            throw Refusal.misused(
                    "%s line %d is not YAML: %s"
                            .formatted(
                                    path,
                                    e.getLocation().getLineNr(),
                                    e.getOriginalMessage().lines().findFirst().orElse("")));
        }
    }

    private static YamlMapping parse(String path, String text) {
        try (var parser = new YAMLFactory().createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw Refusal.misused("%s: write settings as 'name: value'".formatted(path));
            }
            return mapping(path, parser);
        }
    }

    private static YamlMapping mapping(String path, JsonParser parser) {
        var mapping = new YamlMapping(path, lineOf(parser));
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var name = parser.getString();
            int line = lineOf(parser);
            parser.nextToken();
            if (mapping.entries.put(name, new Entry(value(path, parser), line)) != null) {
                throw Refusal.misused(
                        "%s line %d: '%s' stands there twice".formatted(path, line, name));
            }
        }
        return mapping;
    }

    private static Value value(String path, JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> new Value.Nested(mapping(path, parser));
            case START_ARRAY -> {
                var items = new ArrayList<Value>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(value(path, parser));
                }
                yield new Value.Sequence(items);
            }
            case VALUE_NULL -> new Value.Text("");
            default -> new Value.Text(parser.getString());
        };
    }

    private static int lineOf(JsonParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }

    /** The names that stand here. */
    List<String> names() {
        return List.copyOf(entries.keySet());
    }

    Optional<String> text(String name) {
        return read(name, Function.identity());
    }

    /**
     * A value that must be there.
     *
     * @param kind e.g. {@code the name of a model}
     */
    String required(String name, String kind) {
        return text(name)
                .orElseThrow(
                        () ->
                                Refusal.misused(
                                        "%s line %d: '%s' is missing: %s"
                                                .formatted(where, line, name, kind)));
    }

    int whole(String name, int least, int most, int otherwise) {
        return read(
                        name,
                        text -> {
                            int value = Integer.parseInt(text);
                            return value >= least && value <= most
                                    ? value
                                    : wrong("write a number from %d to %d".formatted(least, most));
                        })
                .orElse(otherwise);
    }

    double number(String name, double least, double otherwise) {
        return read(
                        name,
                        text -> {
                            double value = Double.parseDouble(text);
                            return value >= least && Double.isFinite(value)
                                    ? value
                                    : wrong("write a number of at least %s".formatted(least));
                        })
                .orElse(otherwise);
    }

    /**
     * @param read throws an {@link IllegalArgumentException} that says how to write it
     */
    <T> Optional<T> read(String name, Function<String, T> read) {
        return find(name)
                .map(
                        entry -> {
                            if (!(entry.value instanceof Value.Text(var text))) {
                                throw refuse(name, "takes a single value");
                            }
                            return convert(name, text, read);
                        });
    }

    /** A list of values; one that is written alone is a list of one. */
    <T> List<T> list(String name, Function<String, T> read) {
        return find(name)
                .map(
                        entry ->
                                switch (entry.value) {
                                    case Value.Text(var text) -> List.of(convert(name, text, read));
                                    case Value.Sequence(var items) ->
                                            items.stream()
                                                    .map(
                                                            item ->
                                                                    convert(
                                                                            name,
                                                                            text(name, item),
                                                                            read))
                                                    .toList();
                                    case Value.Nested _ ->
                                            throw refuse(name, "takes a list of values");
                                })
                .orElse(List.of());
    }

    private String text(String name, Value item) {
        if (item instanceof Value.Text(var text)) {
            return text;
        }
        throw refuse(name, "takes a list of values");
    }

    Optional<YamlMapping> nested(String name) {
        return find(name)
                .map(
                        entry -> {
                            if (!(entry.value instanceof Value.Nested(var mapping))) {
                                throw refuse(name, "takes names and values of its own");
                            }
                            return mapping;
                        });
    }

    List<YamlMapping> nestedList(String name) {
        var mappings = new ArrayList<YamlMapping>();
        find(name)
                .ifPresent(
                        entry -> {
                            if (!(entry.value instanceof Value.Sequence(var items))) {
                                throw refuse(name, "takes a list");
                            }
                            for (var item : items) {
                                if (!(item instanceof Value.Nested(var mapping))) {
                                    throw refuse(name, "takes a list of names and values");
                                }
                                mappings.add(mapping);
                            }
                        });
        return mappings;
    }

    /** Refuses names that nobody asked for. */
    void end() {
        entries.forEach(
                (name, entry) -> {
                    if (!asked.contains(name)) {
                        throw Refusal.misused(
                                "%s line %d: unknown setting '%s'%s"
                                        .formatted(
                                                where,
                                                entry.line,
                                                name,
                                                Nearest.of(name, asked)
                                                        .map(": did you mean '%s'?"::formatted)
                                                        .orElse(
                                                                "; known are "
                                                                        + String.join(
                                                                                ", ", asked))));
                    }
                });
    }

    /** What is wrong with a setting, or with the mapping itself if it has none of that name. */
    Refusal refuse(String name, String problem) {
        int at = find(name).map(Entry::line).orElse(line);
        return Refusal.misused("%s line %d: '%s' %s".formatted(where, at, name, problem));
    }

    private Optional<Entry> find(String name) {
        asked.add(name);
        return Optional.ofNullable(entries.get(name));
    }

    private <T> T convert(String name, String text, Function<String, T> read) {
        try {
            return read.apply(text);
        } catch (NumberFormatException _) {
            throw refuse(name, "is '%s', which is no number".formatted(text));
        } catch (IllegalArgumentException e) {
            throw refuse(name, "is '%s': %s".formatted(text, e.getMessage()));
        }
    }

    private static <T> T wrong(String problem) {
        throw new IllegalArgumentException(problem);
    }
}
