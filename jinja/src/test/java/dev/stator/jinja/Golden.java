package dev.stator.jinja;

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

    /**
     * What rendering did, written as a golden file writes it: "output: " and the text, "raised: "
     * and the template's own message, or "error" for any other failure.
     */
    static String outcome(String source, Map<String, Object> variables) {
        try {
            return "output: " + Template.parse(source).render(variables, CLOCK);
        } catch (TemplateException e) {
            return e.raised() ? "raised: " + e.getMessage() : located(e);
        }
    }

    /** Python words its own errors differently; ours must say where. */
    private static String located(TemplateException e) {
        boolean hasLine = e.line() > 0 && e.getMessage().startsWith("line " + e.line() + ": ");
        return hasLine ? "error" : "error without a line: " + e.getMessage();
    }

    /** What Python did, in the same form. */
    static String expected(JsonNode golden) {
        if (golden.has("output")) {
            return "output: " + golden.get("output").asString();
        }
        return golden.has("raised") ? "raised: " + golden.get("raised").asString() : "error";
    }
}
