package dev.stator.api.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class JsonSchemaGrammarTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String PROMPT =
            "<|im_start|>user\nQuestion: What does it cost?<|im_end|>\n<|im_start|>assistant\n";

    private DemoEngine demo;

    @BeforeAll
    void load() {
        demo = new DemoEngine();
    }

    @AfterAll
    void close() {
        demo.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                """
                {"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"type":"integer"}},
                 "required":["name","age"],"additionalProperties":false}
                """,
                """
                {"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"null"},"c":{"type":"number"}},
                 "required":["b"],"additionalProperties":{"type":"integer","minimum":0}}
                """,
                """
                {"type":"array","items":{"enum":["red","green",3,null,{"x":[1]}]},"minItems":2,"maxItems":4}
                """,
                """
                {"type":"array","prefixItems":[{"type":"boolean"},{"const":"x\\"y"}],"items":false}
                """,
                """
                {"type":"object","properties":{"kind":{"const":"leaf"},"value":{"type":"integer","minimum":-12,"exclusiveMaximum":345}},
                 "required":["kind","value"]}
                """,
                """
                {"anyOf":[{"type":"string","format":"date"},{"type":"string","format":"uuid"},{"type":"string","format":"time"}]}
                """,
                """
                {"anyOf":[{"type":"string","format":"date-time"},{"type":"string","format":"ipv4"},
                 {"type":"string","format":"duration"},{"type":"string","format":"ipv6"}]}
                """,
                """
                {"type":"string","format":"uri"}
                """,
                """
                {"type":"string","pattern":"^[A-Z]{2}-\\\\d{3,5}(?:/[^a-z]x|\\\\.y)?$"}
                """,
                """
                {"$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},"left":{"$ref":"#/$defs/tree"},
                 "right":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}},"required":["v"]}},"$ref":"#/$defs/tree"}
                """,
                """
                {"allOf":[{"type":"object","properties":{"a":{"type":["integer","string"]}},"required":["a"]},
                 {"properties":{"a":{"type":"integer","maximum":9},"b":{"type":"boolean"}},"required":["b"]}]}
                """,
                """
                {"type":"object","properties":{"n":{"type":"number","minimum":-0.75,"maximum":12.5},
                 "m":{"type":"number","exclusiveMinimum":1.25,"exclusiveMaximum":1.5}},"required":["n","m"]}
                """,
                """
                {"type":"object","properties":{"é\\n\\"k":{"type":"string","minLength":2,"maxLength":5},
                 "o":{"type":"string","nullable":true,"maxLength":3}},"required":["é\\n\\"k","o"]}
                """,
                """
                {"type":"object","properties":{"list":{"type":"array","items":{"type":"object","properties":
                 {"x":{"type":"integer","minimum":100,"maximum":999}},"required":["x"]},"maxItems":3}},"required":["list","extra"],
                 "additionalProperties":{"type":"boolean"}}
                """
            })
    void whatTheModelWritesSatisfiesTheSchema(String schema) {
        var grammar = JsonSchemaGrammar.of(JSON.readTree(schema));
        var judge =
                SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(withoutNullable(schema));
        int[] prompt = demo.tokenizer().encode(PROMPT, true, true);
        int ended = 0;
        for (int seed = 1; seed <= 4; seed++) {
            var answer = demo.answer(prompt, grammar, seed, 160);
            if (answer.ended()) {
                ended++;
                var errors =
                        judge.validate(
                                JSON.readTree(answer.text()),
                                context ->
                                        context.executionConfig(
                                                config -> config.formatAssertionsEnabled(true)));
                assertThat(errors).as("%s against %s", answer.text(), schema).isEmpty();
            }
        }
        assertThat(ended).as("answers that ended within the limit").isPositive();
    }

    /** By shape alone: the validator also wants a top-level domain that is registered. */
    @Test
    void whatTheModelWritesAsAnAddressHasItsShape() {
        var grammar =
                JsonSchemaGrammar.of(JSON.readTree("{\"type\":\"string\",\"format\":\"email\"}"));
        int[] prompt = demo.tokenizer().encode(PROMPT, true, true);
        for (int seed = 1; seed <= 4; seed++) {
            var answer = demo.answer(prompt, grammar, seed, 160);
            if (answer.ended()) {
                assertThat(JSON.readTree(answer.text()).asString())
                        .matches("[\\w+-]+(\\.[\\w+-]+)*@([a-z0-9-]{1,63}\\.)+[a-z]{2,10}")
                        .hasSizeLessThanOrEqualTo(254);
            }
        }
    }

    /** OpenAPI's word for a second type, which the judge does not know. */
    private static String withoutNullable(String schema) {
        return schema.replace(
                "\"type\":\"string\",\"nullable\":true", "\"type\":[\"string\",\"null\"]");
    }

    @Test
    void anyObjectIsAnObject() {
        int[] prompt = demo.tokenizer().encode(PROMPT, true, true);
        for (int seed = 1; seed <= 3; seed++) {
            var answer = demo.answer(prompt, JsonSchemaGrammar.anyObject(), seed, 200);
            assertThat(answer.text()).startsWith("{");
            if (answer.ended()) {
                assertThat(JSON.readTree(answer.text()).isObject()).isTrue();
            }
        }
    }

    @Test
    void everySchemaThatIsAcceptedGivesAGrammarThatTheEngineAccepts() {
        int accepted = 0;
        for (int seed = 0; seed < 500; seed++) {
            var schema = new RandomSchema(new Random(seed)).schema(3);
            String grammar;
            try {
                grammar = JsonSchemaGrammar.of(schema);
            } catch (ChatException refused) {
                assertThat(refused).hasMessageStartingWith("schema at #");
                continue;
            }
            accepted++;
            try {
                demo.accept(grammar);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + schema + "\n" + grammar, e);
            }
        }
        assertThat(accepted).isGreaterThan(100);
    }

    @ParameterizedTest
    @ValueSource(ints = {999, 1000, 1001, 2500, 100_000})
    void longRepetitionsFitTheEngine(int length) {
        var schema = JSON.createObjectNode().put("type", "string").put("maxLength", length);
        demo.accept(JsonSchemaGrammar.of(schema));
        demo.accept(JsonSchemaGrammar.of(schema.deepCopy().put("minLength", length)));
        demo.accept(JsonSchemaGrammar.of(schema.deepCopy().put("minLength", length - 7)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"not\":{}}|#: \"not\" is not supported",
                "{\"properties\":{\"a/b\":{\"if\":{}}}}|#/properties/a~1b: \"if\" is not supported",
                "{\"type\":\"strin\"}|#: \"type\" must be",
                "{\"type\":\"object\",\"properties\":[]}|#: \"properties\" must be",
                "{\"$ref\":\"http://x\"}|#: $ref \"http://x\" is not inside this schema",
                "{\"$ref\":\"#/nowhere\"}|#: $ref \"#/nowhere\" leads nowhere",
                "{\"$ref\":\"#/%zz\"}|has a broken %",
                "{\"$ref\":\"#\"}|refers to itself",
                "{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}|refers to itself",
                "{\"allOf\":[{\"$ref\":\"#\"}]}|refers to itself",
                "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}|contains itself",
                "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}|no property of that name",
                "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}|no number is within",
                "{\"type\":\"number\",\"exclusiveMinimum\":2,\"exclusiveMaximum\":2}|no number is within",
                "{\"type\":\"number\",\"multipleOf\":0.5}|\"multipleOf\" is not supported",
                "{\"type\":\"string\",\"format\":\"regex\"}|\"format\": \"regex\" is not supported",
                "{\"type\":\"string\",\"pattern\":\"^(?=a)$\"}|look-around",
                "{\"type\":\"string\",\"pattern\":\"(a*)*\"}|what may match nothing",
                "{\"type\":\"string\",\"pattern\":\"[z-a]\"}|goes backwards",
                "{\"type\":\"string\",\"pattern\":\"[a\"}|expected \"]\"",
                "{\"type\":\"string\",\"pattern\":\"a\",\"minLength\":2}|cannot be combined",
                "{\"type\":\"string\",\"maxLength\":1000000}|more than can be enforced",
                "{\"type\":\"string\",\"minLength\":2,\"maxLength\":1}|\"maxLength\" is below",
                "{\"type\":\"array\",\"uniqueItems\":true}|\"uniqueItems\" is not supported",
                "{\"type\":\"array\",\"minItems\":2,\"maxItems\":1}|\"maxItems\" is below",
                "{\"type\":\"array\",\"items\":false,\"minItems\":1}|forbids them",
                "{\"enum\":[]}|\"enum\" must be",
                "{\"enum\":[1],\"type\":\"string\"}|no value of \"enum\"",
                "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"object\"}]}|nothing is both",
                "{\"type\":\"object\",\"minProperties\":1}|\"minProperties\"",
                "{\"properties\":{\"a\":false},\"required\":[\"a\"]}|false allows no value",
                "7|must be an object"
            })
    void refusesWithTheReasonAndThePlace(String schema, String reason) {
        assertThatThrownBy(() -> JsonSchemaGrammar.of(JSON.readTree(schema)))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("schema")
                .hasMessageContaining(reason);
    }

    @Test
    void boundsDepthAndSize() {
        var deep = "{\"type\":\"array\",\"items\":".repeat(70) + "true" + "}".repeat(70);
        assertThatThrownBy(() -> JsonSchemaGrammar.of(JSON.readTree(deep)))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("nests deeper");
        var wide = new ArrayList<String>();
        for (int i = 0; i < 21_000; i++) {
            wide.add("{\"type\":\"null\"}");
        }
        assertThatThrownBy(
                        () ->
                                JsonSchemaGrammar.of(
                                        JSON.readTree(
                                                "{\"anyOf\":[" + String.join(",", wide) + "]}")))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("make it simpler");
    }

    @Test
    void recursionThroughWhatIsPutTogetherStaysFinite() {
        var schema =
                """
                {"$defs":{"n":{"type":"object","properties":{"next":{"allOf":[{"$ref":"#/$defs/n"},{"required":["v"]}]},
                 "v":{"type":"integer"}}}},"$ref":"#/$defs/n"}
                """;
        demo.accept(JsonSchemaGrammar.of(JSON.readTree(schema)));
    }

    /** Schemas of all kinds, some of them refused, but none that may break the grammar. */
    private record RandomSchema(Random random) {
        JsonNode schema(int depth) {
            var schema = JSON.createObjectNode();
            switch (random.nextInt(depth == 0 ? 6 : 10)) {
                case 0 -> schema.put("type", "boolean");
                case 1 -> bounds(schema.put("type", "integer"), false);
                case 2 -> bounds(schema.put("type", "number"), true);
                case 3 -> string(schema);
                case 4 -> {
                    var values = schema.putArray("enum");
                    for (int i = random.nextInt(5); i >= 0; i--) {
                        values.add(text());
                    }
                }
                case 5 ->
                        schema.set(
                                "const", JSON.createArrayNode().add(text()).add(random.nextInt()));
                case 6 -> object(schema, depth);
                case 7 -> array(schema, depth);
                case 8 -> {
                    var branches = schema.putArray(random.nextBoolean() ? "anyOf" : "oneOf");
                    for (int i = random.nextInt(3); i >= 0; i--) {
                        branches.add(schema(depth - 1));
                    }
                }
                default -> {
                    schema.put(
                            "$ref",
                            List.of("#", "#/properties/a", "#/items").get(random.nextInt(3)));
                }
            }
            return schema;
        }

        private void bounds(ObjectNode schema, boolean fractions) {
            if (random.nextBoolean()) {
                int scale = fractions ? random.nextInt(4) : 0;
                schema.put(
                        random.nextBoolean() ? "minimum" : "exclusiveMinimum",
                        BigDecimal.valueOf(random.nextInt(-2000, 500), scale));
            }
            if (random.nextBoolean()) {
                schema.put(
                        random.nextBoolean() ? "maximum" : "exclusiveMaximum",
                        BigDecimal.valueOf(random.nextInt(-500, 2000), 0));
            }
        }

        private void string(ObjectNode schema) {
            schema.put("type", "string");
            switch (random.nextInt(4)) {
                case 0 ->
                        schema.put("minLength", random.nextInt(3000))
                                .put("maxLength", random.nextInt(4000));
                case 1 ->
                        schema.put(
                                "format",
                                List.of("date", "uuid", "email", "ipv6", "duration", "hostname")
                                        .get(random.nextInt(6)));
                case 2 -> schema.put("pattern", pattern(3));
                default -> {}
            }
        }

        private String pattern(int depth) {
            var pattern = new StringBuilder();
            for (int i = random.nextInt(4); i >= 0; i--) {
                pattern.append(
                        switch (random.nextInt(depth == 0 ? 4 : 6)) {
                            case 0 ->
                                    List.of("a", "é", "\\.", "\\\"", "\"", "\\\\", "-", "]")
                                            .get(random.nextInt(8));
                            case 1 ->
                                    List.of(".", "\\d", "\\W", "\\s", "\\S").get(random.nextInt(5));
                            case 2 ->
                                    List.of("[a-f]", "[^\"x]", "[\\\\\"\\n-]", "[\\]^]", "[😀-😎]")
                                            .get(random.nextInt(5));
                            case 3 -> "x";
                            case 4 -> "(" + pattern(depth - 1) + ")";
                            default -> "(?:" + pattern(depth - 1) + "|" + pattern(depth - 1) + ")";
                        });
                pattern.append(
                        List.of("", "", "?", "*", "+", "{2}", "{0,3}", "{2,}")
                                .get(random.nextInt(8)));
            }
            return pattern.toString();
        }

        private void object(ObjectNode schema, int depth) {
            schema.put("type", "object");
            var properties = schema.putObject("properties");
            var required = schema.putArray("required");
            for (int i = random.nextInt(4); i > 0; i--) {
                var name =
                        random.nextInt(3) == 0 ? text() : "abc".substring(0, random.nextInt(1, 4));
                properties.set(name, schema(depth - 1));
                if (random.nextBoolean()) {
                    required.add(name);
                }
            }
            switch (random.nextInt(4)) {
                case 0 -> schema.put("additionalProperties", true);
                case 1 -> schema.put("additionalProperties", false);
                case 2 -> schema.set("additionalProperties", schema(depth - 1));
                default -> {}
            }
        }

        private void array(ObjectNode schema, int depth) {
            schema.put("type", "array").set("items", schema(depth - 1));
            if (random.nextBoolean()) {
                schema.put("minItems", random.nextInt(4));
                schema.put("maxItems", random.nextInt(2, 1500));
            }
        }

        private String text() {
            var text = new StringBuilder();
            for (int i = random.nextInt(6); i > 0; i--) {
                text.appendCodePoint(
                        List.of(
                                        (int) 'a',
                                        (int) '"',
                                        (int) '\\',
                                        10,
                                        0x7f,
                                        0xe9,
                                        0x1f600,
                                        (int) '^',
                                        (int) ']',
                                        0x2028)
                                .get(random.nextInt(10)));
            }
            return text.toString();
        }
    }
}
