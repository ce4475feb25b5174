package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Reads the calls that stand in an answer behind the mark that announces them. */
final class CallReader {
    private static final String HERMES_CLOSER = "</tool_call>";
    private static final JsonFactory JSON = new JsonFactory();

    private CallReader() {}

    sealed interface Outcome {
        /** More text is needed to tell. */
        record More() implements Outcome {}

        /** This is no call. */
        record Not() implements Outcome {}

        /**
         * @param end how much of the text the calls take
         */
        record Calls(List<Call> calls, int end) implements Outcome {}
    }

    /**
     * @param arguments JSON text of an object, as the model wrote it
     */
    record Call(String name, String arguments) {}

    /**
     * @param text what follows the mark
     * @param last whether nothing will follow the text
     */
    static Outcome read(ToolFormat format, String text, boolean last) {
        return switch (format) {
            case HERMES -> hermes(text, last);
            case LLAMA3_JSON -> object(text);
            case MISTRAL, MISTRAL_ARGS -> mistral(text);
            case NONE -> new Outcome.Not();
        };
    }

    private static Outcome hermes(String text, boolean last) {
        if (!(object(text) instanceof Outcome.Calls(var calls, int end))) {
            return object(text);
        }
        int next = skipBlanks(text, end);
        if (text.startsWith(HERMES_CLOSER, next)) {
            return new Outcome.Calls(calls, next + HERMES_CLOSER.length());
        }
        // A model may forget the closing tag; the call is whole without it.
        boolean mayClose = HERMES_CLOSER.startsWith(text.substring(next));
        return mayClose && !last ? new Outcome.More() : new Outcome.Calls(calls, end);
    }

    private static Outcome object(String text) {
        int begin = skipBlanks(text, 0);
        if (begin == text.length()) {
            return new Outcome.More();
        }
        if (text.charAt(begin) != '{') {
            return new Outcome.Not();
        }
        int end = endOfValue(text, begin);
        if (end < 0) {
            return new Outcome.More();
        }
        return parse(text.substring(begin, end))
                .<Outcome>map(call -> new Outcome.Calls(List.of(call), end))
                .orElseGet(Outcome.Not::new);
    }

    private static Outcome mistral(String text) {
        int begin = skipBlanks(text, 0);
        if (begin == text.length()) {
            return new Outcome.More();
        }
        return switch (text.charAt(begin)) {
            case '[' -> list(text, begin);
            case '{' -> object(text);
            default -> named(text, begin);
        };
    }

    private static Outcome list(String text, int begin) {
        int end = endOfValue(text, begin);
        if (end < 0) {
            return new Outcome.More();
        }
        var calls = new ArrayList<Call>();
        int at = skipBlanks(text, begin + 1);
        while (at < end - 1) {
            int next = endOfValue(text, at);
            var call =
                    next < 0 || text.charAt(at) != '{'
                            ? Optional.<Call>empty()
                            : parse(text.substring(at, next));
            if (call.isEmpty()) {
                return new Outcome.Not();
            }
            calls.add(call.get());
            at = skipBlanks(text, next);
            if (text.charAt(at) == ',') {
                at = skipBlanks(text, at + 1);
            }
        }
        return calls.isEmpty() ? new Outcome.Not() : new Outcome.Calls(calls, end);
    }

    /** {@code name[ARGS]{…}}, with {@code [CALL_ID]…} before the arguments in some versions. */
    private static Outcome named(String text, int begin) {
        int bracket = text.indexOf('[', begin);
        var name = (bracket < 0 ? text.substring(begin) : text.substring(begin, bracket)).strip();
        if (!name.chars().allMatch(CallReader::isNameCharacter)) {
            return new Outcome.Not();
        }
        if (bracket < 0) {
            return new Outcome.More();
        }
        int marks = text.indexOf("[ARGS]", bracket);
        if (marks < 0) {
            var tail = text.substring(bracket);
            boolean may =
                    "[ARGS]".startsWith(tail)
                            || "[CALL_ID]".startsWith(tail)
                            || tail.startsWith("[CALL_ID]");
            return may ? new Outcome.More() : new Outcome.Not();
        }
        int arguments = skipBlanks(text, marks + "[ARGS]".length());
        if (arguments == text.length()) {
            return new Outcome.More();
        }
        if (text.charAt(arguments) != '{') {
            return new Outcome.Not();
        }
        int end = endOfValue(text, arguments);
        if (end < 0) {
            return new Outcome.More();
        }
        var json = text.substring(arguments, end);
        return isObject(json)
                ? new Outcome.Calls(List.of(new Call(name, json)), end)
                : new Outcome.Not();
    }

    private static boolean isNameCharacter(int c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '-' || c == '.' || c == ':';
    }

    private static int skipBlanks(String text, int from) {
        int at = from;
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /**
     * @return the end of the object or list that begins at {@code from}, or -1 while it is not
     *     there
     */
    private static int endOfValue(String text, int from) {
        int depth = 0;
        boolean quoted = false;
        for (int at = from; at < text.length(); at++) {
            char c = text.charAt(at);
            if (quoted) {
                if (c == '\\') {
                    at++;
                } else if (c == '"') {
                    quoted = false;
                }
                continue;
            }
            switch (c) {
                case '"' -> quoted = true;
                case '{', '[' -> depth++;
                case '}', ']' -> depth--;
                default -> {}
            }
            if (depth <= 0) {
                return at + 1;
            }
        }
        return -1;
    }

    private static Optional<Call> parse(String json) {
        var name = "";
        var arguments = "{}";
        try (var parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                var field = parser.currentName();
                var value = parser.nextToken();
                switch (field) {
                    case "name" -> name = value == JsonToken.VALUE_STRING ? parser.getString() : "";
                    case "arguments", "parameters" -> {
                        var read = arguments(parser, value, json);
                        if (read.isEmpty()) {
                            return Optional.empty();
                        }
                        arguments = read.get();
                    }
                    default -> parser.skipChildren();
                }
            }
            return name.isEmpty() || parser.nextToken() != null
                    ? Optional.empty()
                    : Optional.of(new Call(name, arguments));
        } catch (JacksonException malformed) {
            return Optional.empty();
        }
    }

    /** The value's own text; some models write the object as a string. */
    private static Optional<String> arguments(JsonParser parser, JsonToken value, String json) {
        return switch (value) {
            case START_OBJECT -> {
                int begin = (int) parser.currentTokenLocation().getCharOffset();
                parser.skipChildren();
                yield Optional.of(
                        json.substring(begin, (int) parser.currentLocation().getCharOffset()));
            }
            case VALUE_STRING -> {
                var text = parser.getString();
                yield isObject(text) ? Optional.of(text) : Optional.empty();
            }
            case VALUE_NULL -> Optional.of("{}");
            default -> Optional.empty();
        };
    }

    private static boolean isObject(String json) {
        try (var parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return false;
            }
            parser.skipChildren();
            return parser.nextToken() == null;
        } catch (JacksonException malformed) {
            return false;
        }
    }
}
