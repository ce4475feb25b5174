package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** A server that keeps answers: the same question is computed once, and figures say so. */
final class AnswersIT {
    private static final Conversation CAFE = Conversation.of(1).getFirst();

    private static HttpResponse<String> ask(Served stator, String path, boolean stream) {
        var body = JsonMapper.shared().createObjectNode().put("model", "default");
        body.put("temperature", 0).put("max_tokens", 48).put("stream", stream);
        body.putArray("messages")
                .addObject()
                .put("role", "user")
                .put("content", CAFE.firstMessage());
        return stator.http().post(path, body.toString());
    }

    @Test
    void anAnswerIsComputedOnceForBothApisWholeAndStreamed() {
        try (var stator = new Served(StatorProcess.up("--answer-cache", "exact"))) {
            var first = ask(stator, "/v1/chat/completions", false);
            assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
            var text = Http.json(first).at("/choices/0/message/content").asString();
            var generated = stator.metrics().sum("stator_generation_tokens_total");

            var again = ask(stator, "/v1/chat/completions", false);
            assertThat(again.headers().firstValue("x-stator-answer-cache").orElse(""))
                    .startsWith("exact; age=");
            assertThat(Http.json(again).at("/choices/0/message/content").asString())
                    .isEqualTo(text);
            assertThat(ask(stator, "/v1/chat/completions", true).body())
                    .contains("chat.completion.chunk", "[DONE]");
            var anthropic = Http.json(ask(stator, "/v1/messages", false));
            assertThat(anthropic.at("/content/0/text").asString()).isEqualTo(text);

            var metrics = stator.metrics();
            assertThat(metrics.sum("stator_generation_tokens_total")).isEqualTo(generated);
            assertThat(metrics.sum("stator_answer_cache_hits_total")).isEqualTo(3);
            assertThat(metrics.sum("stator_answer_cache_misses_total")).isEqualTo(1);
        }
    }
}
