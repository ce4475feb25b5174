package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.JsonValue;
import com.anthropic.errors.BadRequestException;
import com.anthropic.errors.NotFoundException;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.messages.CacheControlEphemeral;
import com.anthropic.models.messages.ContentBlockParam;
import com.anthropic.models.messages.DocumentBlockParam;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCountTokensParams;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.StopReason;
import com.anthropic.models.messages.TextBlockParam;
import com.anthropic.models.messages.Tool;
import com.anthropic.models.messages.ToolChoiceTool;
import com.anthropic.models.messages.ToolResultBlockParam;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Anthropic's official SDK, which is told no more than an address. */
@ExtendWith(SharedServer.class)
final class AnthropicIT {
    private static final Conversation CAFE = Conversation.of(1).getFirst();

    private static AnthropicClient client(Served stator) {
        return AnthropicOkHttpClient.builder()
                .baseUrl(stator.process().url())
                .apiKey("any")
                .maxRetries(0)
                .build();
    }

    private static MessageCreateParams.Builder ask() {
        return MessageCreateParams.builder()
                .model("default")
                .maxTokens(64)
                .putAdditionalBodyProperty("temperature", JsonValue.from(0))
                .system(CAFE.system());
    }

    private static String text(Message message) {
        return message.content().stream()
                .flatMap(block -> block.text().stream())
                .map(block -> block.text())
                .collect(Collectors.joining());
    }

    private static long prompt(Message message) {
        var usage = message.usage();
        return usage.inputTokens()
                + usage.cacheReadInputTokens().orElse(0L)
                + usage.cacheCreationInputTokens().orElse(0L);
    }

    @Test
    void anAnswerIsWholeAndAccountedFor(Served stator) {
        var client = client(stator);
        try {
            var params = ask().addUserMessage(CAFE.firstMessage()).build();
            var answer = client.messages().create(params);

            assertThat(CAFE.turns().getFirst().isRight(text(answer))).isTrue();
            assertThat(answer.id()).startsWith("msg_");
            assertThat(answer.stopReason()).contains(StopReason.END_TURN);
            assertThat(prompt(answer)).isGreaterThan(40);
            assertThat(answer.usage().outputTokens()).isGreaterThan(5);
            var counted =
                    client.messages()
                            .countTokens(
                                    MessageCountTokensParams.builder()
                                            .model("default")
                                            .system(CAFE.system())
                                            .addUserMessage(CAFE.firstMessage())
                                            .build());
            assertThat(counted.inputTokens()).isEqualTo(prompt(answer));
        } finally {
            client.close();
        }
    }

    @Test
    void theAccumulatorTakesTheWholeStream(Served stator) {
        var client = client(stator);
        try {
            var params = ask().addUserMessage(CAFE.firstMessage()).build();
            var whole = client.messages().create(params);
            var accumulator = MessageAccumulator.create();
            var deltas = new StringBuilder();
            try (var stream = client.messages().createStreaming(params)) {
                stream.stream()
                        .peek(accumulator::accumulate)
                        .flatMap(event -> event.contentBlockDelta().stream())
                        .flatMap(delta -> delta.delta().text().stream())
                        .forEach(delta -> deltas.append(delta.text()));
            }

            assertThat(deltas.toString()).isEqualTo(text(whole));
            var streamed = accumulator.message();
            assertThat(text(streamed)).isEqualTo(text(whole));
            assertThat(streamed.stopReason()).contains(StopReason.END_TURN);
            assertThat(streamed.usage().outputTokens()).isEqualTo(whole.usage().outputTokens());
        } finally {
            client.close();
        }
    }

    /** On a server of its own: what is marked stays pinned for minutes, which others wait for. */
    @Test
    void documentBlocksAreReadAndWhatIsMarkedIsCachedForTheNextTurn() {
        try (var stator = new Served(StatorProcess.up())) {
            documentBlocksAreReadAndWhatIsMarkedIsCached(stator);
        }
    }

    private static void documentBlocksAreReadAndWhatIsMarkedIsCached(Served stator) {
        // "[doc 1] TITLE", and the text.
        var lines = CAFE.documents().split("\n", 2);
        var turns = CAFE.turns();
        var client = client(stator);
        try {
            var document =
                    DocumentBlockParam.builder()
                            .textSource(lines[1])
                            .title(lines[0].substring("[doc 1] ".length()))
                            .cacheControl(CacheControlEphemeral.builder().build())
                            .build();
            var question =
                    TextBlockParam.builder()
                            .text("Question: " + turns.getFirst().question())
                            .build();
            var params =
                    ask().addUserMessageOfContentBlockParams(
                                    List.of(
                                            ContentBlockParam.ofDocument(document),
                                            ContentBlockParam.ofText(question)));
            var first = client.messages().create(params.build());

            assertThat(turns.getFirst().isRight(text(first))).isTrue();
            assertThat(prompt(first)).isGreaterThan(40);
            var usage = first.usage();
            // Whole blocks are kept.
            assertThat(
                            usage.cacheReadInputTokens().orElse(0L)
                                    + usage.cacheCreationInputTokens().orElse(0L))
                    .isGreaterThanOrEqualTo(32);
            var second =
                    client.messages()
                            .create(
                                    params.addMessage(first)
                                            .addUserMessage(
                                                    "Question: " + turns.getLast().question())
                                            .build());
            assertThat(second.usage().cacheReadInputTokens().orElse(0L))
                    .isGreaterThan(prompt(first) - 32);
        } finally {
            client.close();
        }
    }

    @Test
    void aToolIsUsedAndItsResultComesBack(Served stator) {
        var tool =
                Tool.builder()
                        .name("look_up")
                        .description("Looks a place up.")
                        .inputSchema(
                                Tool.InputSchema.builder()
                                        .properties(
                                                Tool.InputSchema.Properties.builder()
                                                        .putAdditionalProperty(
                                                                "place",
                                                                JsonValue.from(
                                                                        Map.of(
                                                                                "enum",
                                                                                List.of("cafe"))))
                                                        .build())
                                        .required(List.of("place"))
                                        .build())
                        .build();
        var client = client(stator);
        try {
            var params =
                    ask().addUserMessage("Question: What is the place?")
                            .addTool(tool)
                            .toolChoice(
                                    ToolChoiceTool.builder()
                                            .name("look_up")
                                            .disableParallelToolUse(true)
                                            .build());
            var answer = client.messages().create(params.build());

            var uses =
                    answer.content().stream().flatMap(block -> block.toolUse().stream()).toList();
            assertThat(uses).hasSize(1);
            assertThat(uses.getFirst().name()).isEqualTo("look_up");
            assertThat(uses.getFirst()._input().toString()).contains("cafe");
            var result =
                    ToolResultBlockParam.builder()
                            .toolUseId(uses.getFirst().id())
                            .content("A small cafe.")
                            .build();
            var next =
                    client.messages()
                            .create(
                                    params.addMessage(answer)
                                            .addUserMessageOfContentBlockParams(
                                                    List.of(ContentBlockParam.ofToolResult(result)))
                                            .maxTokens(8)
                                            .build());
            assertThat(prompt(next)).isGreaterThan(prompt(answer));
        } finally {
            client.close();
        }
    }

    @Test
    void errorsAreThoseOfTheSdk(Served stator) {
        var client = client(stator);
        try {
            assertThatThrownBy(
                            () ->
                                    client.messages()
                                            .create(
                                                    ask().model("no-such-model")
                                                            .addUserMessage("x")
                                                            .build()))
                    .isInstanceOf(NotFoundException.class)
                    .hasMessageContaining("no-such-model");
            assertThatThrownBy(
                            () ->
                                    client.messages()
                                            .create(
                                                    ask().putAdditionalBodyProperty(
                                                                    "temperature",
                                                                    JsonValue.from(1.5))
                                                            .addUserMessage("x")
                                                            .build()))
                    .isInstanceOf(BadRequestException.class)
                    .hasMessageContaining("temperature");
        } finally {
            client.close();
        }
    }
}
