package dev.stator.api.chat;

import java.util.LinkedHashSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Two checked schemas as one that demands what both demand. What lies deeper is only put side by
 * side under {@code allOf}, so that recursive schemas stay finite.
 *
 * @param where for errors
 */
record SchemaMerge(String where) {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /**
     * @throws ChatException if the two cannot be said as one
     */
    ObjectNode merge(ObjectNode first, ObjectNode second) {
        var left = constAsEnum(first);
        var right = constAsEnum(second);
        var merged = left.deepCopy();
        for (var field : right.properties()) {
            var mine = left.get(field.getKey());
            merged.set(
                    field.getKey(),
                    mine == null ? field.getValue() : both(field.getKey(), mine, field.getValue()));
        }
        if (left.has("properties") || right.has("properties")) {
            merged.set("properties", properties(left, right));
        }
        return merged;
    }

    private static ObjectNode constAsEnum(ObjectNode schema) {
        if (!schema.has("const")) {
            return schema;
        }
        var copy = schema.deepCopy();
        var only = NODES.arrayNode();
        only.add(copy.remove("const"));
        copy.set("enum", copy.has("enum") ? common(copy.get("enum"), only) : only);
        return copy;
    }

    private JsonNode both(String keyword, JsonNode left, JsonNode right) {
        return switch (keyword) {
            case "type" -> types(left, right);
            case "required" -> union(left, right);
            case "enum" -> common(left, right);
            case "minimum", "exclusiveMinimum", "minLength", "minItems" ->
                    left.decimalValue().compareTo(right.decimalValue()) >= 0 ? left : right;
            case "maximum", "exclusiveMaximum", "maxLength", "maxItems" ->
                    left.decimalValue().compareTo(right.decimalValue()) <= 0 ? left : right;
            case "additionalProperties", "items" -> pair(left, right);
            case "allOf" -> ((ArrayNode) left.deepCopy()).addAll((ArrayNode) right);
            case "anyOf", "oneOf" -> branches(keyword, left, right);
            case "nullable" -> NODES.booleanNode(left.asBoolean(false) && right.asBoolean(false));
            case "properties" -> left;
            default -> {
                if (SchemaKeywords.ANNOTATIONS.contains(keyword) || left.equals(right)) {
                    yield left;
                }
                throw new ChatException(
                        "schema at %s: two different values of \"%s\" apply at once; give one"
                                .formatted(where, keyword));
            }
        };
    }

    private JsonNode types(JsonNode left, JsonNode right) {
        var common = NODES.arrayNode();
        for (var type : SchemaKeywords.list(left)) {
            for (var other : SchemaKeywords.list(right)) {
                if (type.equals(other) || integerOf(type, other)) {
                    common.add(type);
                } else if (integerOf(other, type)) {
                    common.add(other);
                }
            }
        }
        if (common.isEmpty()) {
            throw new ChatException(
                    "schema at %s: nothing is both %s and %s".formatted(where, left, right));
        }
        return common;
    }

    private static boolean integerOf(JsonNode type, JsonNode other) {
        return type.stringValue("").equals("integer") && other.stringValue("").equals("number");
    }

    private static JsonNode union(JsonNode left, JsonNode right) {
        var names = new LinkedHashSet<JsonNode>();
        left.forEach(names::add);
        right.forEach(names::add);
        return NODES.arrayNode().addAll(names);
    }

    private static ArrayNode common(JsonNode left, JsonNode right) {
        var common = NODES.arrayNode();
        for (var value : left) {
            for (var other : right) {
                if (value.equals(other)) {
                    common.add(value);
                    break;
                }
            }
        }
        return common;
    }

    private static JsonNode pair(JsonNode left, JsonNode right) {
        if (left.isBoolean()) {
            return left.booleanValue() ? right : left;
        }
        if (right.isBoolean()) {
            return right.booleanValue() ? left : right;
        }
        if (left.equals(right)) {
            return left;
        }
        var pair = NODES.objectNode();
        pair.putArray("allOf").add(left).add(right);
        return pair;
    }

    private static JsonNode branches(String keyword, JsonNode left, JsonNode right) {
        var branches = NODES.arrayNode();
        for (var branch : left) {
            var alternatives = NODES.objectNode();
            alternatives.set(keyword, right);
            branches.add(pair(branch, alternatives));
        }
        return branches;
    }

    /** A property that only one side names must still satisfy the other's additionalProperties. */
    private static ObjectNode properties(ObjectNode left, ObjectNode right) {
        var merged = NODES.objectNode();
        for (var field : left.path("properties").properties()) {
            put(merged, field.getKey(), field.getValue(), right);
        }
        for (var field : right.path("properties").properties()) {
            if (!left.path("properties").has(field.getKey())) {
                put(merged, field.getKey(), field.getValue(), left);
            }
        }
        return merged;
    }

    private static void put(ObjectNode merged, String name, JsonNode schema, ObjectNode other) {
        var also = other.path("properties").get(name);
        if (also == null) {
            also = other.path("additionalProperties");
        }
        var both = also.isMissingNode() ? schema : pair(schema, also);
        if (!both.isBoolean() || both.booleanValue()) {
            merged.set(name, both);
        }
    }
}
