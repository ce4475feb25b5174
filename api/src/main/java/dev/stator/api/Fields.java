package dev.stator.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the fields of a request object. JSON null counts as absent, as in OpenAI's API; unknown
 * fields are never looked at. Every getter throws {@link ApiException} naming the field if its type
 * or range is wrong.
 *
 * @param path what stands before a field's name in errors, e.g. {@code stream_options.}
 */
record Fields(ObjectNode object, String path) {
    static Fields of(ObjectNode body) {
        return new Fields(body, "");
    }

    ApiException wrong(String field, String message) {
        return new ApiException(ApiError.invalid(path + field, message));
    }

    /** Refuses the request if a field that was read is absent. */
    void need(Optional<?> read, String field, String message) {
        if (read.isEmpty()) {
            throw wrong(field, message);
        }
    }

    Optional<JsonNode> value(String field) {
        var node = object.get(field);
        return node == null || node.isNull() ? Optional.empty() : Optional.of(node);
    }

    Optional<String> string(String field) {
        return value(field)
                .map(
                        node -> {
                            if (!node.isString()) {
                                throw type(field, "a string", node);
                            }
                            return node.stringValue();
                        });
    }

    boolean flag(String field, boolean absent) {
        return value(field)
                .map(
                        node -> {
                            if (!node.isBoolean()) {
                                throw type(field, "true or false", node);
                            }
                            return node.booleanValue();
                        })
                .orElse(absent);
    }

    /** Between {@code min} and {@code max}, both included. */
    float number(String field, double min, double max, float absent) {
        return value(field).map(node -> number(field, node, min, max)).orElse(absent);
    }

    private float number(String field, JsonNode node, double min, double max) {
        if (!node.isNumber()) {
            throw type(field, "a number", node);
        }
        double number = node.doubleValue();
        // Not "number < min || …": NaN must not pass.
        if (!(number >= min && number <= max)) {
            throw wrong(
                    field,
                    "`%s%s` must be between %s and %s, not %s."
                            .formatted(path, field, plain(min), plain(max), shortened(node)));
        }
        return (float) number;
    }

    OptionalInt integer(String field, int min, int max) {
        var node = value(field);
        return node.isEmpty()
                ? OptionalInt.empty()
                : OptionalInt.of((int) integer(field, node.get(), min, max));
    }

    OptionalLong longInteger(String field) {
        var node = value(field);
        return node.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(integer(field, node.get(), Long.MIN_VALUE, Long.MAX_VALUE));
    }

    private long integer(String field, JsonNode node, long min, long max) {
        // 5.0 is an integer too: some clients write all numbers as doubles.
        boolean whole =
                node.isIntegralNumber()
                        || (node.isNumber() && node.doubleValue() == Math.rint(node.doubleValue()));
        if (!whole) {
            throw type(field, "an integer", node);
        }
        boolean fits =
                node.isIntegralNumber()
                        ? node.canConvertToLong()
                        : Math.abs(node.doubleValue()) < 0x1p53;
        long number = fits ? node.asLong() : 0;
        if (!fits || number < min || number > max) {
            throw wrong(
                    field,
                    "`%s%s` must be %s, not %s."
                            .formatted(path, field, range(min, max), shortened(node)));
        }
        return number;
    }

    private static String range(long min, long max) {
        if (min == Long.MIN_VALUE) {
            return "a 64-bit integer";
        }
        return max == Integer.MAX_VALUE
                ? "at least " + min
                : "between %d and %d".formatted(min, max);
    }

    Optional<Fields> object(String field) {
        return value(field)
                .map(
                        node -> {
                            if (!(node instanceof ObjectNode child)) {
                                throw type(field, "an object", node);
                            }
                            return new Fields(child, path + field + ".");
                        });
    }

    Optional<ArrayNode> array(String field) {
        return value(field)
                .map(
                        node -> {
                            if (!(node instanceof ArrayNode array)) {
                                throw type(field, "an array", node);
                            }
                            return array;
                        });
    }

    /** An array whose elements must all be objects; absent is empty. */
    List<Fields> objects(String field) {
        return elements(
                field,
                (name, node) -> {
                    if (!(node instanceof ObjectNode child)) {
                        throw type(name, "an object", node);
                    }
                    return new Fields(child, path + name + ".");
                });
    }

    /** A string or an array of strings; absent is empty. */
    List<String> strings(String field) {
        if (value(field).filter(JsonNode::isString).isPresent()) {
            return string(field).stream().toList();
        }
        return elements(
                field,
                (name, node) -> {
                    if (!node.isString()) {
                        throw type(name, "a string", node);
                    }
                    return node.stringValue();
                });
    }

    /** An array of integers from 0 to below {@code end}; absent is empty. */
    List<Integer> tokens(String field, int end) {
        return elements(field, (name, node) -> token(name, node, end));
    }

    int token(String name, JsonNode node, int end) {
        return (int) integer(name, node, 0, end - 1L);
    }

    private interface Element<T> {
        T read(String name, JsonNode node);
    }

    private <T> List<T> elements(String field, Element<T> element) {
        var read = new ArrayList<T>();
        array(field)
                .ifPresent(
                        array -> {
                            for (int i = 0; i < array.size(); i++) {
                                read.add(element.read(field + "[" + i + "]", array.get(i)));
                            }
                        });
        return read;
    }

    /** One of the names, turned into what it stands for. */
    <T> Optional<T> choice(String field, List<String> names, Function<String, T> meaning) {
        return string(field)
                .map(
                        name -> {
                            if (!names.contains(name)) {
                                throw wrong(
                                        field,
                                        "`%s%s` must be one of %s, not \"%s\"."
                                                .formatted(
                                                        path,
                                                        field,
                                                        String.join(", ", names),
                                                        clipped(name)));
                            }
                            return meaning.apply(name);
                        });
    }

    ApiException type(String field, String wanted, JsonNode found) {
        return wrong(
                field,
                "`%s%s` must be %s, not %s.".formatted(path, field, wanted, shortened(found)));
    }

    private static String shortened(JsonNode node) {
        return switch (node) {
            case ObjectNode _ -> "an object";
            case ArrayNode _ -> "an array";
            case JsonNode value when value.isString() -> "the string " + clipped(value.toString());
            default -> clipped(node.toString());
        };
    }

    private static String clipped(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }
}
