package dev.stator.sim.trace;

import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One line of a JSONL file. Everything that is missing or odd is an error that names the line. */
record JsonLine(TraceLines lines, JsonNode node) {
    private static final JsonMapper MAPPER = new JsonMapper();

    /** The next line; empty at the end of the file. */
    static Optional<JsonLine> next(TraceLines lines) {
        return lines.next().map(text -> parse(lines, text));
    }

    private static JsonLine parse(TraceLines lines, String text) {
        JsonNode node;
        try {
            node = MAPPER.readTree(text);
        } catch (JacksonException e) {
            throw lines.wrong("this is not JSON: " + e.getOriginalMessage());
        }
        if (!node.isObject()) {
            throw lines.wrong("a JSON object was expected, this is '%s'".formatted(text.strip()));
        }
        return new JsonLine(lines, node);
    }

    static boolean hasObject(String text, String name) {
        try {
            return MAPPER.readTree(text).path(name).isObject();
        } catch (JacksonException _) {
            return false;
        }
    }

    TraceException wrong(String problem) {
        return lines.wrong(problem);
    }

    /** A number of tokens of a prompt or an answer. */
    int tokens(String name) {
        long tokens = whole(name);
        if (tokens < 0 || tokens > Integer.MAX_VALUE / 2) {
            throw wrong("'%s' cannot be %d tokens".formatted(name, tokens));
        }
        return (int) tokens;
    }

    long whole(String name) {
        var value = node.path(name);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong("'%s' must be a whole number, is %s".formatted(name, shown(value)));
        }
        return value.longValue();
    }

    /** A number, also one that is written as text. */
    double number(String name) {
        var value = node.path(name);
        try {
            double number =
                    value.isString()
                            ? Double.parseDouble(value.stringValue())
                            : value.isNumber() ? value.doubleValue() : Double.NaN;
            if (Double.isFinite(number)) {
                return number;
            }
        } catch (NumberFormatException _) {
            // Reported below like every other value that is no number.
        }
        throw wrong("'%s' must be a number, is %s".formatted(name, shown(value)));
    }

    long[] ids(String name) {
        return ids(node.path(name), name);
    }

    long[] ids(JsonNode list, String name) {
        if (!list.isArray()) {
            throw wrong("'%s' must be a list of whole numbers, is %s".formatted(name, shown(list)));
        }
        long[] ids = new long[list.size()];
        for (int i = 0; i < ids.length; i++) {
            var id = list.get(i);
            if (!id.isIntegralNumber() || !id.canConvertToLong()) {
                throw wrong("'%s' holds %s, which is no whole number".formatted(name, shown(id)));
            }
            ids[i] = id.longValue();
        }
        return ids;
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() ? "missing" : value.toString();
    }
}
