package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletion.Choice.FinishReason;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.CompletionUsage;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The official SDK, chatting. */
@ExtendWith(SharedServer.class)
final class OpenAiChatIT {
    private static final Conversation CAFE = Conversation.of(1).getFirst();
    private static final String PROMPT = CAFE.firstMessage();

    private static ChatCompletionCreateParams.Builder chat(String message) {
        return ChatCompletionCreateParams.builder()
                .model("default")
                .addSystemMessage(CAFE.system())
                .addUserMessage(message)
                .temperature(0);
    }

    private static ChatCompletionCreateParams.Builder chat(Conversation conversation) {
        return ChatCompletionCreateParams.builder()
                .model("default")
                .addSystemMessage(conversation.system())
                .addUserMessage(conversation.firstMessage())
                .temperature(0);
    }

    private static String text(ChatCompletion answer) {
        return answer.choices().getFirst().message().content().orElseThrow();
    }

    private static long cached(CompletionUsage usage) {
        return usage.promptTokensDetails().orElseThrow().cachedTokens().orElseThrow();
    }

    @Test
    void anAnswerIsWholeAndAccountedFor(Served stator) {
        var answer = stator.openAi().chat().completions().create(chat(PROMPT).build());

        assertThat(text(answer)).endsWith(" [doc 1].");
        assertThat(CAFE.turns().getFirst().isRight(text(answer))).isTrue();
        assertThat(answer.validate().id()).startsWith("chatcmpl-");
        assertThat(answer.choices()).hasSize(1);
        assertThat(answer.choices().getFirst().finishReason()).isEqualTo(FinishReason.STOP);
        var usage = answer.usage().orElseThrow();
        assertThat(usage.promptTokens()).isGreaterThan(40);
        assertThat(usage.completionTokens()).isGreaterThan(5);
        assertThat(usage.totalTokens()).isEqualTo(usage.promptTokens() + usage.completionTokens());
    }

    @Test
    void streamedTextIsTheSameAndTheAccumulatorTakesItAll(Served stator) {
        var params =
                chat(PROMPT)
                        .streamOptions(
                                ChatCompletionStreamOptions.builder().includeUsage(true).build())
                        .build();
        var whole = stator.openAi().chat().completions().create(chat(PROMPT).build());
        var accumulator = ChatCompletionAccumulator.create();
        var deltas = new StringBuilder();
        try (var stream = stator.openAi().chat().completions().createStreaming(params)) {
            stream.stream()
                    .peek(accumulator::accumulate)
                    .flatMap(chunk -> chunk.choices().stream())
                    .forEach(choice -> choice.delta().content().ifPresent(deltas::append));
        }

        assertThat(deltas.toString()).isEqualTo(text(whole));
        var streamed = accumulator.chatCompletion();
        assertThat(text(streamed)).isEqualTo(text(whole));
        assertThat(streamed.choices().getFirst().finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(streamed.usage().orElseThrow().completionTokens())
                .isEqualTo(whole.usage().orElseThrow().completionTokens());
    }

    @Test
    void questionsAreAnsweredFromTheDocumentsAcrossTurns(Served stator) {
        int asked = 0;
        int right = 0;
        for (var conversation : Conversation.of(3).subList(0, 12)) {
            var params = chat(conversation);
            for (var turn : conversation.turns()) {
                if (asked > 0 && turn != conversation.turns().getFirst()) {
                    params.addUserMessage(turn.question());
                }
                var answer = stator.openAi().chat().completions().create(params.build());
                if (turn.isAnswerable()) {
                    asked++;
                    right += turn.isRight(text(answer)) ? 1 : 0;
                }
                params.addMessage(answer.choices().getFirst().message());
            }
        }
        // The model itself is right 163 times of 164 here.
        assertThat(asked).isGreaterThan(20);
        assertThat(right).as("right of %d", asked).isGreaterThanOrEqualTo(asked - 1);
    }

    @Test
    void whatWasAskedBeforeIsReused(Served stator) {
        var conversation = Conversation.of(10).getFirst();
        var first = stator.openAi().chat().completions().create(chat(conversation).build());
        var again = stator.openAi().chat().completions().create(chat(conversation).build());

        assertThat(text(again)).isEqualTo(text(first));
        long prompt = again.usage().orElseThrow().promptTokens();
        assertThat(prompt).isGreaterThan(300);
        assertThat(cached(first.usage().orElseThrow())).isLessThan(64);
        // All but the last token can be; the last must be computed for its logits.
        assertThat(cached(again.usage().orElseThrow())).isBetween(prompt - 64, prompt - 1);

        var next =
                stator.openAi()
                        .chat()
                        .completions()
                        .create(
                                chat(conversation)
                                        .addMessage(first.choices().getFirst().message())
                                        .addUserMessage(conversation.turns().get(1).question())
                                        .build());
        // The answer itself was computed once, by the worker that generated it.
        assertThat(cached(next.usage().orElseThrow())).isGreaterThan(prompt - 32);
    }

    @Test
    void severalAnswersComeFromOnePrompt(Served stator) {
        var answer =
                stator.openAi()
                        .chat()
                        .completions()
                        .create(chat(PROMPT).n(3).temperature(1).seed(7).build());

        assertThat(answer.choices()).hasSize(3);
        assertThat(answer.choices().stream().map(ChatCompletion.Choice::index))
                .containsExactly(0L, 1L, 2L);
        assertThat(answer.choices())
                .allMatch(choice -> !choice.message().content().orElse("").isEmpty());
        assertThat(answer.usage().orElseThrow().promptTokens()).isLessThan(100);
    }

    @Test
    void anAnswerEndsBeforeAStopString(Served stator) {
        var completions = stator.openAi().chat().completions();
        var whole = text(completions.create(chat(PROMPT).build()));
        // Not where a token ends.
        var stop = whole.substring(9, 15);

        var answer = completions.create(chat(PROMPT).stopOfStrings(List.of("zebra", stop)).build());

        assertThat(text(answer)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(answer.choices().getFirst().finishReason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void anAnswerEndsAtItsLengthLimit(Served stator) {
        var answer =
                stator.openAi()
                        .chat()
                        .completions()
                        .create(chat(PROMPT).maxCompletionTokens(3).build());

        assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(3);
        assertThat(answer.choices().getFirst().finishReason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void logprobsSayHowSureTheModelWas(Served stator) {
        var answer =
                stator.openAi()
                        .chat()
                        .completions()
                        .create(chat(PROMPT).logprobs(true).topLogprobs(3).build());

        var tokens = answer.choices().getFirst().logprobs().orElseThrow().content().orElseThrow();
        assertThat(String.join("", tokens.stream().map(token -> token.token()).toList()))
                .isEqualTo(text(answer));
        assertThat(tokens)
                .allSatisfy(
                        token -> {
                            assertThat(token.logprob()).isLessThanOrEqualTo(0);
                            assertThat(token.topLogprobs()).hasSize(3);
                            // Greedy: what was taken is the likeliest.
                            assertThat(token.topLogprobs().getFirst().token())
                                    .isEqualTo(token.token());
                        });
    }

    @Test
    void aSeedRepeatsAnAnswerAndOthersChangeIt(Served stator) {
        var hot = chat("Question: Tell a tale.").temperature(1.2).maxCompletionTokens(24);
        var completions = stator.openAi().chat().completions();
        // From here on the prompt is cached: seeds can repeat what is computed in the same way.
        completions.create(hot.build());

        var one = text(completions.create(hot.seed(42).build()));
        var same = text(completions.create(hot.seed(42).build()));
        var others =
                LongStream.range(43, 47)
                        .mapToObj(seed -> text(completions.create(hot.seed(seed).build())))
                        .toList();

        assertThat(same).isEqualTo(one);
        assertThat(others).anyMatch(other -> !other.equals(one));
    }
}
