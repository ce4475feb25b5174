package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.core.JsonValue;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Many at once ask about the same documents. */
@ExtendWith(SharedServer.class)
final class ManyClientsIT {
    private static final int CLIENTS = 32;
    private static final int DOCUMENTS = 8;

    /**
     * @param bySource the prompt's tokens by where they came from
     */
    private record Answer(
            Conversation.Turn turn, String text, long promptTokens, Map<String, Long> bySource) {
        boolean isRight() {
            return turn.isRight(text);
        }
    }

    /** The documents of several conversations, and the questions that say what they are about. */
    private static Conversation joined() {
        var documents = new StringBuilder();
        var turns = new ArrayList<Conversation.Turn>();
        var conversations = Conversation.of(1).subList(20, 20 + DOCUMENTS);
        for (int i = 0; i < DOCUMENTS; i++) {
            var one = conversations.get(i);
            documents.append(one.documents().replace("[doc 1]", "[doc " + (i + 1) + "]"));
            var title = one.documents().lines().findFirst().orElseThrow().substring(8);
            one.turns().stream()
                    .filter(Conversation.Turn::isAnswerable)
                    .filter(turn -> turn.question().contains(title))
                    .forEach(turns::add);
        }
        return new Conversation(
                "joined", conversations.getFirst().system(), documents.toString(), turns);
    }

    @Test
    void allAreAnsweredRightAndTheDocumentsAreComputedOnce(Served stator) throws Exception {
        var conversation = joined();
        var turns = conversation.turns();
        assertThat(turns).hasSizeGreaterThan(DOCUMENTS);

        var asked = new ArrayList<Future<Answer>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CLIENTS; i++) {
                var turn = turns.get(i % turns.size());
                asked.add(threads.submit(() -> ask(stator, conversation, turn)));
            }
        }
        var answers = new ArrayList<Answer>();
        for (var one : asked) {
            answers.add(one.get());
        }

        // The model alone is right in 95 of 100 about so many documents.
        assertThat(answers.stream().filter(Answer::isRight).count())
                .as("right of %s", answers)
                .isGreaterThanOrEqualTo(CLIENTS * 9 / 10);
        assertThat(answers)
                .allSatisfy(
                        answer ->
                                assertThat(total(answer.bySource)).isEqualTo(answer.promptTokens));
        long all = answers.stream().mapToLong(Answer::promptTokens).sum();
        long computed = answers.stream().mapToLong(answer -> answer.bySource.get("computed")).sum();
        assertThat(computed).as("computed of %d", all).isLessThan(all / 4);
        Metrics.awaitIdle(stator.http());
    }

    private static long total(Map<String, Long> bySource) {
        return bySource.values().stream().mapToLong(count -> count).sum();
    }

    private static Answer ask(Served stator, Conversation conversation, Conversation.Turn turn) {
        var params =
                ChatCompletionCreateParams.builder()
                        .model("default")
                        .addSystemMessage(conversation.system())
                        .addUserMessage(conversation.ask(turn))
                        .temperature(0)
                        .maxCompletionTokens(48)
                        .streamOptions(
                                ChatCompletionStreamOptions.builder().includeUsage(true).build())
                        .putAdditionalHeader("x-stator-trace", "1")
                        .build();
        var accumulator = ChatCompletionAccumulator.create();
        List<JsonValue> traces;
        try (var stream = stator.openAi().chat().completions().createStreaming(params)) {
            traces =
                    stream.stream()
                            .peek(accumulator::accumulate)
                            .map(
                                    chunk ->
                                            Optional.ofNullable(
                                                    chunk._additionalProperties().get("stator")))
                            .flatMap(Optional::stream)
                            .toList();
        }
        assertThat(traces).hasSize(1);
        var whole = accumulator.chatCompletion();
        return new Answer(
                turn,
                whole.choices().getFirst().message().content().orElseThrow(),
                whole.usage().orElseThrow().promptTokens(),
                bySource(traces.getFirst()));
    }

    private static Map<String, Long> bySource(JsonValue trace) {
        JsonNode tree = JsonMapper.shared().valueToTree(trace.convert(Object.class));
        return tree.get("prompt_tokens").properties().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().asLong()));
    }
}
