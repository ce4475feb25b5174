package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.openai.core.JsonValue;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.ResponseFormatJsonObject;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletion.Choice.FinishReason;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers of a demanded form, through the official SDK. What the demonstration model says is
 * nonsense here, as it was not trained for this; the form is held all the same.
 */
@ExtendWith(SharedServer.class)
final class OpenAiFormatsIT {
    enum Colour {
        RED,
        GREEN,
        BLUE
    }

    /** The SDK makes its JSON Schema of this. */
    record Door(Colour colour, boolean open, List<Colour> earlier) {}

    /** The SDK makes a tool of this. */
    @com.fasterxml.jackson.annotation.JsonClassDescription("Paints a door.")
    record PaintDoor(Colour colour, boolean twice) {}

    record OpenDoor(Colour colour) {}

    private static final Map<String, Object> HOUSE =
            Map.of(
                    "type",
                    "object",
                    "properties",
                    Map.of(
                            "street", Map.of("type", "string", "minLength", 1, "maxLength", 12),
                            "number", Map.of("type", "integer", "minimum", 1, "maximum", 250),
                            "code", Map.of("type", "string", "pattern", "^[A-Z]{2}-[0-9]{3}$"),
                            "doors",
                                    Map.of(
                                            "type",
                                            "array",
                                            "minItems",
                                            1,
                                            "maxItems",
                                            3,
                                            "items",
                                            Map.of("enum", List.of("red", "blue", 7)))),
                    "required",
                    List.of("street", "number", "code", "doors"),
                    "additionalProperties",
                    false);

    private static ChatCompletionCreateParams.Builder ask(String question) {
        return ChatCompletionCreateParams.builder()
                .model("default")
                .addUserMessage(question)
                .temperature(0)
                .maxCompletionTokens(400);
    }

    private static Schema schema(Object schema) {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(JsonMapper.shared().<JsonNode>valueToTree(schema));
    }

    private static String text(ChatCompletion answer) {
        return answer.choices().getFirst().message().content().orElseThrow();
    }

    private static ChatCompletionMessageFunctionToolCall call(ChatCompletion answer) {
        var choice = answer.choices().getFirst();
        assertThat(choice.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        var calls = choice.message().toolCalls().orElseThrow();
        assertThat(calls).hasSize(1);
        return calls.getFirst().asFunction();
    }

    @Test
    void structuredOutputsBecomeObjects(Served stator) {
        var answer =
                stator.openAi()
                        .chat()
                        .completions()
                        .create(ask("Which door?").responseFormat(Door.class).build());

        var door = answer.choices().getFirst().message().content().orElseThrow();
        assertThat(door.colour()).isNotNull();
        assertThat(door.earlier()).isNotNull();
    }

    @Test
    void everyAnswerFollowsItsSchemaHoweverHotTheModel(Served stator) {
        var additional = ResponseFormatJsonSchema.JsonSchema.Schema.builder();
        HOUSE.forEach((key, value) -> additional.putAdditionalProperty(key, JsonValue.from(value)));
        var format =
                ResponseFormatJsonSchema.builder()
                        .jsonSchema(
                                ResponseFormatJsonSchema.JsonSchema.builder()
                                        .name("house")
                                        .strict(true)
                                        .schema(additional.build())
                                        .build())
                        .build();
        var validator = schema(HOUSE);

        for (int seed = 0; seed < 10; seed++) {
            var answer =
                    stator.openAi()
                            .chat()
                            .completions()
                            .create(
                                    ask("Which house?")
                                            .responseFormat(format)
                                            .temperature(1.5)
                                            .seed(seed)
                                            .build());
            assertThat(answer.choices().getFirst().finishReason()).isEqualTo(FinishReason.STOP);
            assertThat(validator.validate(JsonMapper.shared().readTree(text(answer))))
                    .as(text(answer))
                    .isEmpty();
        }
    }

    @Test
    void jsonModeGivesAnObject(Served stator) {
        int whole = 0;
        for (int seed = 0; seed < 10; seed++) {
            var answer =
                    stator.openAi()
                            .chat()
                            .completions()
                            .create(
                                    ask("Any object.")
                                            .responseFormat(
                                                    ResponseFormatJsonObject.builder().build())
                                            .temperature(1.5)
                                            .seed(seed)
                                            .build());
            assertThat(text(answer)).startsWith("{");
            if (answer.choices().getFirst().finishReason().equals(FinishReason.STOP)) {
                assertThat(JsonMapper.shared().readTree(text(answer)).isObject()).isTrue();
                whole++;
            }
        }
        // Such a model may also go on for ever inside a string.
        assertThat(whole).isGreaterThan(0);
    }

    @Test
    void aRequiredToolIsCalledAndItsResultTakenBack(Served stator) {
        var params =
                ask("Paint the door.")
                        .addTool(PaintDoor.class)
                        .addTool(OpenDoor.class)
                        .toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED);
        var answer = stator.openAi().chat().completions().create(params.build());

        var call = call(answer);
        switch (call.function().name()) {
            case "PaintDoor" ->
                    assertThat(call.function().arguments(PaintDoor.class).colour()).isNotNull();
            case "OpenDoor" ->
                    assertThat(call.function().arguments(OpenDoor.class).colour()).isNotNull();
            case String other -> throw new AssertionError("a tool that is none: " + other);
        }

        params.addMessage(answer.choices().getFirst().message())
                .addMessage(
                        ChatCompletionToolMessageParam.builder()
                                .toolCallId(call.id())
                                .content("{\"done\": true}")
                                .build());
        var next = stator.openAi().chat().completions().create(params.build());

        assertThat(call(next).id()).isNotEqualTo(call.id());
        long before = answer.usage().orElseThrow().promptTokens();
        assertThat(next.usage().orElseThrow().promptTokens()).isGreaterThan(before);
        assertThat(next.usage().orElseThrow().promptTokensDetails().orElseThrow().cachedTokens())
                .hasValueSatisfying(cached -> assertThat(cached).isGreaterThan(before - 32));
    }

    @Test
    void aNamedToolIsCalledAndStreamedCallsAreAssembled(Served stator) {
        var params =
                ask("Open the door.")
                        .addTool(PaintDoor.class)
                        .addTool(OpenDoor.class)
                        .toolChoice(
                                ChatCompletionNamedToolChoice.builder()
                                        .function(
                                                ChatCompletionNamedToolChoice.Function.builder()
                                                        .name("OpenDoor")
                                                        .build())
                                        .build())
                        .build();
        var whole = call(stator.openAi().chat().completions().create(params));
        assertThat(whole.function().name()).isEqualTo("OpenDoor");

        var accumulator = ChatCompletionAccumulator.create();
        try (var stream = stator.openAi().chat().completions().createStreaming(params)) {
            stream.stream().forEach(accumulator::accumulate);
        }
        var streamed = call(accumulator.chatCompletion());
        assertThat(streamed.function().name()).isEqualTo("OpenDoor");
        assertThat(streamed.id()).isNotEmpty().isNotEqualTo(whole.id());
        assertThat(streamed.function().arguments(OpenDoor.class))
                .isEqualTo(whole.function().arguments(OpenDoor.class));
    }
}
