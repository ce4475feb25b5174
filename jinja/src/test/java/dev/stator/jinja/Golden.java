package dev.stator.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The files that src/test/golden/generate.py writes. */
final class Golden {
    /** When generate.py pretends to run. */
    static final Clock CLOCK = Clock.fixed(Instant.parse("2026-01-05T09:07:03Z"), ZoneOffset.UTC);

    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final ObjectMapper JSON = new ObjectMapper();

    private Golden() {}

    static List<String> templateNames() {
        try (Stream<Path> files = Files.list(RESOURCES.resolve("templates"))) {
            return files.map(path -> path.getFileName().toString())
                    .filter(name -> name.endsWith(".jinja"))
                    .map(name -> name.substring(0, name.length() - ".jinja".length()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String template(String name) {
        try {
            return Files.readString(RESOURCES.resolve("templates").resolve(name + ".jinja"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static JsonNode read(String file) {
        return JSON.readTree(RESOURCES.resolve("golden").resolve(file).toFile());
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> variables(JsonNode object) {
        return JSON.convertValue(object, Map.class);
    }

    /** Renders and compares with what Python did: the same text, or a failure of the same kind. */
    static void assertRenders(String source, Map<String, Object> variables, JsonNode expected) {
        if (expected.has("output")) {
            assertThat(render(source, variables)).isEqualTo(expected.get("output").asString());
            return;
        }
        var error =
                catchThrowableOfType(
                        TemplateException.class, () -> render(source, variables));
        assertThat(error).as("Python refused: %s", expected).isNotNull();
        assertThat(error.raised()).as("%s for %s", error, expected).isEqualTo(expected.has("raised"));
        if (expected.has("raised")) {
            assertThat(error).hasMessage(expected.get("raised").asString());
        } else {
            assertThat(error).hasMessageStartingWith("line " + error.line() + ": ");
        }
    }

    private static String render(String source, Map<String, Object> variables) {
        return Template.parse(source).render(variables, CLOCK);
    }
}
