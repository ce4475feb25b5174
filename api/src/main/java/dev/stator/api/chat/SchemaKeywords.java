package dev.stator.api.chat;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The keywords of JSON Schema that are enforced, those that only annotate, and their shapes. */
final class SchemaKeywords {
    static final Set<String> ANNOTATIONS =
            Set.of(
                    "title",
                    "description",
                    "default",
                    "examples",
                    "example",
                    "$schema",
                    "$id",
                    "id",
                    "$comment",
                    "$anchor",
                    "$defs",
                    "definitions",
                    "deprecated",
                    "readOnly",
                    "writeOnly",
                    "contentEncoding",
                    "contentMediaType",
                    "discriminator",
                    "externalDocs",
                    "xml");

    private static final Set<String> TYPES =
            Set.of("object", "array", "string", "integer", "number", "boolean", "null");

    private SchemaKeywords() {}

    /**
     * @throws ChatException if there is a keyword that is not enforced, or one of a wrong shape
     */
    static void check(ObjectNode schema, String at) {
        for (var field : schema.properties()) {
            var keyword = field.getKey();
            if (!ANNOTATIONS.contains(keyword) && !keyword.startsWith("x-")) {
                check(keyword, field.getValue(), at);
            }
        }
    }

    /** Whether the schema demands anything. */
    static boolean demands(ObjectNode schema) {
        return schema.propertyStream()
                .anyMatch(
                        field ->
                                !ANNOTATIONS.contains(field.getKey())
                                        && !field.getKey().startsWith("x-"));
    }

    private static void check(String keyword, JsonNode value, String at) {
        switch (keyword) {
            case "type" ->
                    shape(
                            list(value).stream().allMatch(SchemaKeywords::isType)
                                    && !list(value).isEmpty(),
                            keyword,
                            "one of or a list of " + new TreeSet<>(TYPES),
                            at);
            case "enum" ->
                    shape(value.isArray() && !value.isEmpty(), keyword, "a list of values", at);
            case "anyOf", "oneOf", "allOf", "prefixItems" ->
                    shape(
                            value.isArray()
                                    && !value.isEmpty()
                                    && all(value, SchemaKeywords::isSchema),
                            keyword,
                            "a list of schemas",
                            at);
            case "$ref", "pattern", "format" -> shape(value.isString(), keyword, "a text", at);
            case "nullable", "uniqueItems" ->
                    shape(value.isBoolean(), keyword, "true or false", at);
            case "properties" ->
                    shape(
                            value.isObject() && all(value, SchemaKeywords::isSchema),
                            keyword,
                            "an object of schemas",
                            at);
            case "required" ->
                    shape(
                            value.isArray() && all(value, JsonNode::isString),
                            keyword,
                            "a list of names",
                            at);
            case "additionalProperties", "additionalItems" ->
                    shape(isSchema(value), keyword, "a schema, true or false", at);
            case "items" ->
                    shape(
                            isSchema(value)
                                    || (value.isArray() && all(value, SchemaKeywords::isSchema)),
                            keyword,
                            "a schema",
                            at);
            case "minItems",
                    "maxItems",
                    "minLength",
                    "maxLength",
                    "minProperties",
                    "maxProperties" ->
                    shape(
                            value.isIntegralNumber()
                                    && value.canConvertToInt()
                                    && value.intValue() >= 0,
                            keyword,
                            "a whole number, 0 or more",
                            at);
            case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf" ->
                    shape(value.isNumber(), keyword, "a number", at);
            case "const" -> {}
            default -> throw error(at, "\"" + keyword + "\" is not supported; remove it");
        }
    }

    private static void shape(boolean right, String keyword, String wanted, String at) {
        if (!right) {
            throw error(at, "\"" + keyword + "\" must be " + wanted);
        }
    }

    private static boolean isType(JsonNode value) {
        return value.isString() && TYPES.contains(value.stringValue());
    }

    private static boolean isSchema(JsonNode value) {
        return value.isObject() || value.isBoolean();
    }

    private static boolean all(JsonNode values, Predicate<JsonNode> test) {
        return values.valueStream().allMatch(test);
    }

    /** The elements of a list, or the one value. */
    static List<JsonNode> list(JsonNode value) {
        return value.isArray() ? value.valueStream().toList() : List.of(value);
    }

    static ChatException error(String at, String problem) {
        return new ChatException("schema at " + at + ": " + problem);
    }
}
