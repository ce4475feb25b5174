package dev.stator.api;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Bodies in and out. Bounds: nesting 200, numbers 1,000 digits, keys 50,000 characters. */
final class Json {
    private static final int MAX_NESTING = 200;

    private static final JsonMapper MAPPER =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_NESTING)
                                                    // The body limit bounds strings.
                                                    .maxStringLength(Integer.MAX_VALUE)
                                                    .build())
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    static byte[] bytes(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /**
     * @throws ApiException if the body is no JSON in UTF-8
     */
    static JsonNode parseAny(byte[] body) {
        try {
            var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
            return MAPPER.readTree(text);
        } catch (CharacterCodingException e) {
            throw new ApiException(ApiError.invalid("The request body is not valid UTF-8."));
        } catch (JacksonException e) {
            throw new ApiException(
                    ApiError.invalid(
                            "The request body is not valid JSON: %s%s."
                                    .formatted(e.getOriginalMessage(), place(e))));
        }
    }

    /** What a JSON text says, of which it is known that it is one. */
    static JsonNode value(String json) {
        return MAPPER.readTree(json);
    }

    /** A quoted and escaped JSON string. */
    static String quoted(String text) {
        return MAPPER.writeValueAsString(text);
    }

    /** Plain Java values as JSON, the same for equal ones. */
    static String canonical(Object value) {
        return MAPPER.writer()
                .with(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                .writeValueAsString(value);
    }

    /** The array as plain Java values, as templates want them. */
    static List<Map<String, Object>> objects(JsonNode array) {
        return MAPPER.convertValue(array, new TypeReference<List<Map<String, Object>>>() {});
    }

    static Map<String, Object> map(JsonNode object) {
        return MAPPER.convertValue(object, new TypeReference<Map<String, Object>>() {});
    }

    /**
     * @throws ApiException if the body is not one JSON object in UTF-8
     */
    static ObjectNode parse(byte[] body) {
        var node = parseAny(body);
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new ApiException(ApiError.invalid("The request body must be a JSON object."));
    }

    private static String place(JacksonException e) {
        var location = e.getLocation();
        return location == null
                ? ""
                : " (line %d, column %d)".formatted(location.getLineNr(), location.getColumnNr());
    }
}
