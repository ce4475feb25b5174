package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.openai.OpenAiTokenUsage;
import dev.langchain4j.model.output.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.json.JsonMapper;

/** LangChain4j, told no more than the server's address. */
@ExtendWith(SharedServer.class)
final class LangChain4jIT {
    private static final Conversation TALK = Conversation.of(5).getFirst();
    private static final List<String> COLOURS = List.of("red", "green");

    private static final ToolSpecification PAINT =
            ToolSpecification.builder()
                    .name("paint")
                    .description("Paints a door.")
                    .parameters(
                            JsonObjectSchema.builder()
                                    .addEnumProperty("colour", COLOURS)
                                    .required("colour")
                                    .build())
                    .build();

    private static OpenAiChatModel model(Served stator, String name) {
        return OpenAiChatModel.builder()
                .baseUrl(stator.baseUrl())
                .apiKey("any")
                .modelName(name)
                .temperature(0.0)
                .maxRetries(0)
                .build();
    }

    private static OpenAiStreamingChatModel streaming(Served stator) {
        return OpenAiStreamingChatModel.builder()
                .baseUrl(stator.baseUrl())
                .apiKey("any")
                .modelName("default")
                .temperature(0.0)
                .build();
    }

    /** A streamed answer and the text of its parts. */
    private static final class Gathered implements StreamingChatResponseHandler {
        final StringBuilder parts = new StringBuilder();
        final CompletableFuture<ChatResponse> whole = new CompletableFuture<>();

        @Override
        public void onPartialResponse(String part) {
            parts.append(part);
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            whole.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            whole.completeExceptionally(error);
        }

        ChatResponse await() throws Exception {
            return whole.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    @Test
    void aConversationGoesOnAndItsBeginningIsReused(Served stator) {
        var model = model(stator, "default");
        var messages = new ArrayList<ChatMessage>();
        messages.add(SystemMessage.from(TALK.system()));
        messages.add(UserMessage.from(TALK.firstMessage()));
        var first = model.chat(messages);
        assertThat(first.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(TALK.turns().getFirst().isRight(first.aiMessage().text())).isTrue();

        messages.add(first.aiMessage());
        messages.add(UserMessage.from(TALK.turns().get(1).question()));
        var second = model.chat(messages);

        assertThat(TALK.turns().get(1).isRight(second.aiMessage().text())).isTrue();
        assertThat(second.tokenUsage()).isInstanceOf(OpenAiTokenUsage.class);
        if (second.tokenUsage() instanceof OpenAiTokenUsage usage) {
            assertThat(usage.inputTokensDetails().cachedTokens())
                    .isGreaterThan(first.tokenUsage().inputTokenCount() - 32);
        }
    }

    @Test
    void streamedTextIsTheSame(Served stator) throws Exception {
        var messages =
                List.<ChatMessage>of(
                        SystemMessage.from(TALK.system()), UserMessage.from(TALK.firstMessage()));
        var whole = model(stator, "default").chat(messages);
        var gathered = new Gathered();
        streaming(stator).chat(messages, gathered);

        var response = gathered.await();
        assertThat(response.aiMessage().text()).isEqualTo(whole.aiMessage().text());
        assertThat(gathered.parts.toString()).isEqualTo(whole.aiMessage().text());
        assertThat(response.tokenUsage().outputTokenCount())
                .isEqualTo(whole.tokenUsage().outputTokenCount());
    }

    @Test
    void aToolIsCalledAndItsResultTakenBack(Served stator) throws Exception {
        var question = UserMessage.from("Paint the door.");
        var request =
                ChatRequest.builder()
                        .messages(question)
                        .toolSpecifications(PAINT)
                        .toolChoice(ToolChoice.REQUIRED)
                        .maxOutputTokens(400)
                        .build();
        var answer = model(stator, "default").chat(request);
        assertThat(answer.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
        var call = answer.aiMessage().toolExecutionRequests().getFirst();
        assertPaints(call.name(), call.arguments());

        var gathered = new Gathered();
        streaming(stator).chat(request, gathered);
        var streamed = gathered.await().aiMessage().toolExecutionRequests().getFirst();
        assertPaints(streamed.name(), streamed.arguments());

        var next =
                model(stator, "default")
                        .chat(
                                ChatRequest.builder()
                                        .messages(
                                                question,
                                                answer.aiMessage(),
                                                ToolExecutionResultMessage.from(call, "done"))
                                        .toolSpecifications(PAINT)
                                        .toolChoice(ToolChoice.NONE)
                                        .maxOutputTokens(16)
                                        .build());
        assertThat(next.aiMessage().hasToolExecutionRequests()).isFalse();
    }

    private static void assertPaints(String name, String arguments) {
        assertThat(name).isEqualTo("paint");
        var colour = JsonMapper.shared().readTree(arguments).get("colour").asString();
        assertThat(colour).isIn(COLOURS);
    }

    @Test
    void anAnswerFollowsAJsonSchema(Served stator) {
        var answer =
                model(stator, "default")
                        .chat(
                                ChatRequest.builder()
                                        .messages(UserMessage.from("Which door?"))
                                        .responseFormat(
                                                ResponseFormat.builder()
                                                        .type(ResponseFormatType.JSON)
                                                        .jsonSchema(
                                                                JsonSchema.builder()
                                                                        .name("door")
                                                                        .rootElement(
                                                                                PAINT.parameters())
                                                                        .build())
                                                        .build())
                                        .maxOutputTokens(400)
                                        .build());

        assertPaints("paint", answer.aiMessage().text());
    }

    @Test
    void failuresAreTheExceptionsThatItHasForThem(Served stator) {
        assertThat(catchThrowable(() -> model(stator, "gpt-17").chat("Who?")))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("gpt-17");
        var tooLong = "bakery ".repeat(9000);
        assertThat(catchThrowable(() -> model(stator, "default").chat(tooLong)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("4096");
    }
}
