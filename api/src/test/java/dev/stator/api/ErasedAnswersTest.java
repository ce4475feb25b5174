package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.api.answers.AnswerMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kept answers of the demonstration model, and documents that change and go. */
class ErasedAnswersTest {
    private static final String SHOP =
            "As its label Flebumthis Shop uses Flukelgax. The closing time of Flebumthis Shop is 3:30. As its password the shop uses Kamrurza.";
    private static final String PASSWORD = "Question: What is the password of Flebumthis Shop?";

    @TempDir Path folder;
    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeEach
    void start() {
        node = new DemoNode(folder);
        var answers =
                new AnswerOptions(
                        ByKey.of(AnswerMode.SIMILAR, Map.of()), 1 << 20, Duration.ofHours(1), 0.02);
        server = ApiServer.start(ApiOptions.of("demo", 0).withAnswers(answers), node.fabric());
        client = new Client(server.port());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    private void store(String text) throws Exception {
        var reply =
                client.post(
                        "/v1/documents",
                        "{\"id\": \"shop\", \"title\": \"Flebumthis Shop\", \"text\": \"%s\"}"
                                .formatted(text));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }

    private Client.Reply ask(String document, String question) throws Exception {
        var reply =
                client.post(
                        "/v1/chat/completions",
                        """
                        {"temperature": 0, "max_tokens": 40, "documents": [%s], "messages": [
                          {"role": "system", "content": "Answer from the documents only and cite the source."},
                          {"role": "user", "content": "%s"}]}
                        """
                                .formatted(document, question),
                        "x-stator-trace",
                        "1");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply;
    }

    private static String content(Client.Reply reply) {
        return reply.json().at("/choices/0/message/content").asString();
    }

    @Test
    void anAnswerIsGivenAgainUntilItsDocumentIsAnotherOrGone() throws Exception {
        var byId = "{\"id\": \"shop\"}";
        var byText = "{\"text\": \"%s\"}".formatted(SHOP);
        store(SHOP);
        var first = ask(byId, PASSWORD);
        ask(byText, PASSWORD);
        assertThat(content(first)).contains("Kamrurza");
        assertThat(ask(byId, PASSWORD).header("x-stator-answer-cache")).startsWith("exact");
        assertThat(content(ask(byId, PASSWORD))).isEqualTo(content(first));

        store(SHOP.replace("Kamrurza", "Bakkam"));
        var changed = ask(byId, PASSWORD);
        assertThat(changed.header("x-stator-answer-cache")).isEqualTo("miss");
        assertThat(content(changed)).contains("Bakkam");
        // The text that was replaced has gone with its answers, whoever asked about it.
        assertThat(ask(byText, PASSWORD).header("x-stator-answer-cache")).isEqualTo("miss");

        var gone = client.send(client.request("/v1/documents/shop").DELETE().build());
        assertThat(gone.json().at("/erased").asBoolean()).isTrue();
        assertThat(client.get("/admin/cache").json().at("/answers/entries").asInt()).isEqualTo(1);
        assertThat(ask(byText, PASSWORD).header("x-stator-answer-cache")).startsWith("exact");
    }

    @Test
    void otherWordsAreComputedAndComparedBeforeAnyAreGiven() throws Exception {
        var document =
                "{\"id\": \"1\", \"title\": \"Flebumthis Shop\", \"text\": \"%s\"}".formatted(SHOP);
        ask(document, PASSWORD);

        var other = ask(document, "question: what's the password of Flebumthis Shop?");

        assertThat(other.header("x-stator-answer-cache")).isEqualTo("miss");
        assertThat(other.json().at("/stator/answer_cache/result").asString())
                .isIn("verified", "false");
        var seen = client.get("/admin/cache").json().at("/answers");
        assertThat(seen.at("/verified").asInt() + seen.at("/false").asInt()).isEqualTo(1);
        assertThat(seen.at("/hits_similar").asInt()).isZero();
    }
}
