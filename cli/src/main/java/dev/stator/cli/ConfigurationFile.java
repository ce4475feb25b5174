package dev.stator.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.dataformat.yaml.YAMLFactory;

/**
 * A YAML file of settings: one flat mapping of names to values or lists of values.
 *
 * @param entries by key, in the file's order
 * @param problems sentences about what cannot be understood
 */
record ConfigurationFile(Path path, Map<String, Entry> entries, List<String> problems) {
    /** The file that is read without being asked for. */
    static final Path USUAL = Path.of("stator.yaml");

    /**
     * @param texts the value as written; several if it is a list
     */
    record Entry(List<String> texts, int line) {}

    /**
     * @throws Refusal if the file cannot be read or is not YAML
     */
    static ConfigurationFile read(Path path) {
        try {
            return parse(path, Files.readString(path, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw Refusal.misused(
                    "cannot read the configuration file %s (%s)".formatted(path, Reason.of(e)));
        } catch (JacksonException e) {
            throw Refusal.misused(
                    "%s line %d is not YAML: %s"
                            .formatted(path, e.getLocation().getLineNr(), firstLine(e)));
        }
    }

    static ConfigurationFile parse(Path path, String text) {
        var file = new ConfigurationFile(path, new LinkedHashMap<>(), new ArrayList<>());
        try (var parser = new YAMLFactory().createParser(ObjectReadContext.empty(), text)) {
            var first = parser.nextToken();
            if (first == JsonToken.START_OBJECT) {
                file.readMapping(parser);
            } else if (first != null && first != JsonToken.VALUE_NULL) {
                file.problems.add(
                        "%s line %d: write settings as 'name: value'"
                                .formatted(path, line(parser)));
            }
        }
        return file;
    }

    private void readMapping(JsonParser parser) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var key = parser.getString();
            int line = line(parser);
            int known = problems.size();
            var texts = readValue(parser, key);
            if (problems.size() == known
                    && entries.putIfAbsent(key, new Entry(texts, line)) != null) {
                problems.add(
                        "%s line %d: '%s' stands there twice, first in line %d"
                                .formatted(path, line, key, entries.get(key).line()));
            }
        }
    }

    private List<String> readValue(JsonParser parser, String key) {
        var texts = new ArrayList<String>();
        var token = parser.nextToken();
        if (token == JsonToken.START_ARRAY) {
            while ((token = parser.nextToken()) != JsonToken.END_ARRAY) {
                readScalar(parser, token, key, texts);
            }
        } else {
            readScalar(parser, token, key, texts);
        }
        return List.copyOf(texts);
    }

    private void readScalar(JsonParser parser, JsonToken token, String key, List<String> texts) {
        if (token.isStructStart()) {
            problems.add(
                    "%s line %d: '%s' takes a value or a list of values, nothing nested"
                            .formatted(path, line(parser), key));
            parser.skipChildren();
        } else {
            texts.add(token == JsonToken.VALUE_NULL ? "" : parser.getString());
        }
    }

    private static int line(JsonParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }

    private static String firstLine(JacksonException e) {
        return e.getOriginalMessage().lines().findFirst().orElse("");
    }
}
