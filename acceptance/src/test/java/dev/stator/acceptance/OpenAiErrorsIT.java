package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Each failure is the exception that the official SDK has for it. */
@ExtendWith(SharedServer.class)
final class OpenAiErrorsIT {
    private static ChatCompletionCreateParams.Builder ask(String question) {
        return ChatCompletionCreateParams.builder()
                .model("default")
                .addUserMessage(question)
                .temperature(0)
                .maxCompletionTokens(8);
    }

    private static <E extends OpenAIServiceException> E refused(
            Class<E> type, OpenAIClient client, ChatCompletionCreateParams params) {
        return catchThrowableOfType(type, () -> client.chat().completions().create(params));
    }

    @Test
    void anUnknownModelIsNotFound(Served stator) {
        var e =
                refused(
                        NotFoundException.class,
                        stator.openAi(),
                        ask("Who?").model("gpt-17").build());

        assertThat(e.code()).hasValue("model_not_found");
        assertThat(e).hasMessageContaining("gpt-17").hasMessageContaining("default");

        assertThat(
                        catchThrowableOfType(
                                NotFoundException.class,
                                () -> stator.openAi().models().retrieve("gpt-17")))
                .hasMessageContaining("gpt-17");
    }

    @Test
    void aWrongValueIsABadRequestThatNamesTheFieldAndIsCounted(Served stator) {
        var counter = "stator_http_responses_total{status=\"400\"}";
        double before = stator.metrics().samples().getOrDefault(counter, 0.0);
        var e =
                refused(
                        BadRequestException.class,
                        stator.openAi(),
                        ask("Who?").temperature(-3).build());

        assertThat(e.param()).hasValue("temperature");
        assertThat(e.type()).hasValue("invalid_request_error");
        assertThat(stator.metrics().samples()).containsEntry(counter, before + 1);
    }

    @Test
    void aWrongValueIsTheSameWhenStreaming(Served stator) {
        var params = ask("Who?").topP(7).build();
        var e =
                catchThrowableOfType(
                        BadRequestException.class,
                        () -> {
                            try (var stream =
                                    stator.openAi().chat().completions().createStreaming(params)) {
                                stream.stream().forEach(_ -> {});
                            }
                        });

        assertThat(e.param()).hasValue("top_p");
    }

    @Test
    void aPromptBeyondTheContextIsABadRequest(Served stator) {
        var e =
                refused(
                        BadRequestException.class,
                        stator.openAi(),
                        ask("bakery ".repeat(9000)).build());

        assertThat(e.code()).hasValue("context_length_exceeded");
        assertThat(e).hasMessageContaining("4096");
    }

    @Test
    void aModelThatDoesNotEmbedSaysSo(Served stator) {
        var e =
                catchThrowableOfType(
                        BadRequestException.class,
                        () ->
                                stator.openAi()
                                        .embeddings()
                                        .create(
                                                EmbeddingCreateParams.builder()
                                                        .model("default")
                                                        .input("a bakery")
                                                        .build()));

        assertThat(e).hasMessageContaining("embed");
    }

    @Test
    void aFullQueueIsARateLimitWithRetryAfterAndAKeyIsAsked() {
        try (var stator =
                new Served(
                        StatorProcess.up(
                                "--api-key", "secret", "--max-queue", "1", "--max-running", "1"))) {
            assertThat(refused(UnauthorizedException.class, stator.openAi(), ask("Who?").build()))
                    .hasMessageContaining("key");
            assertThat(stator.http().get("/v1/models").statusCode()).isEqualTo(401);

            var keyed = Served.openAi(stator.baseUrl(), "secret");
            try (var running = Endless.start(stator.http(), "Bearer secret")) {
                running.awaitFirstToken();
                // Fills the queue.
                try (var waiting = Endless.start(stator.http(), "Bearer secret")) {
                    Await.until(() -> stator.metrics().inWork() >= 2, () -> stator.metrics());
                    var e = refused(RateLimitException.class, keyed, ask("Who?").build());
                    assertThat(e.headers().values("retry-after"))
                            .singleElement()
                            .satisfies(after -> assertThat(Integer.parseInt(after)).isPositive());
                    assertThat(e.code()).hasValue("overloaded");
                    assertThat(waiting).isNotNull();
                }
            } finally {
                keyed.close();
            }
            Metrics.awaitIdle(stator.http());
        }
    }
}
