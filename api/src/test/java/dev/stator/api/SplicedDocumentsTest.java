package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.serving.Guard;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code "reuse": "spliced"}, on a server that allows it. */
@TestInstance(Lifecycle.PER_CLASS)
class SplicedDocumentsTest {
    private static final String PATH = "/v1/chat/completions";
    private static final double BUDGET = 0.1;
    private static final String[] TEXTS = {
        "The door of Bixden Station is painted purple. Many people visit the station every summer. The manager of the station is Hamfek Plenhend.",
        "As its label Flebumthis Shop uses Flukelgax. The closing time of Flebumthis Shop is 3:30. As its password the shop uses Kamrurza. Visitors to it must feed the birds.",
        "The symbol of Doxzos Workshop is harbor. The person who runs the workshop is Pasgro Bakkam. Doxzos Workshop closes at 5:00. The rule at Doxzos Workshop is to stay on the path.",
        "Royal Thistle Farm can be reached at extension 913. The staff of the farm numbers 153. Local papers have written about the farm many times."
    };
    private static final String[] TITLES = {
        "Bixden Station", "Flebumthis Shop", "Doxzos Workshop", "Royal Thistle Farm"
    };
    private static final String PASSWORD = "Question: What is the password of Flebumthis Shop?";
    private static final String PHONE = "Question: How can I reach Royal Thistle Farm by phone?";

    private static final Splicing ALLOWED =
            new Splicing.Allowed(
                    Optional.of(new Splicing.Way(0, BUDGET)),
                    Optional.of(
                            new Splicing.Allowed.Guarded(
                                    new Splicing.Way(0, 0), new Guard(0.01, 5))));

    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeAll
    void start(@TempDir Path folder) {
        node = new DemoNode(folder);
        server = ApiServer.start(ApiOptions.of("demo", 0).withSplicing(ALLOWED), node.fabric());
        client = new Client(server.port());
    }

    @AfterAll
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    private static String body(String salt, String reuse, String turns, int... documents) {
        var sent = new ArrayList<String>();
        for (int i : documents) {
            sent.add(
                    "{\"id\": \"%d\", \"title\": \"%s\", \"text\": \"%s\"}"
                            .formatted(i + 1, TITLES[i], TEXTS[i]));
        }
        return """
                {"model": "default", "temperature": 0, "cache_salt": "%s", "documents": [%s], "reuse": "%s", "messages": [
                  {"role": "system", "content": "Answer from the documents only and cite the source."}, %s]}
                """
                .formatted(salt, String.join(", ", sent), reuse, turns);
    }

    private JsonNode ask(String salt, String reuse, String turns, int... documents)
            throws Exception {
        var body = body(salt, reuse, turns, documents);
        var reply = client.post(PATH, body, "x-stator-trace", "1");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        var json = reply.json();
        assertThat(reply.header("x-stator-reuse"))
                .isEqualTo(json.at("/stator/exact_because").isMissingNode() ? reuse : "exact");
        return json;
    }

    private static String user(String text) {
        return "{\"role\": \"user\", \"content\": \"%s\"}".formatted(text);
    }

    private static String content(JsonNode json) {
        return json.at("/choices/0/message/content").asString();
    }

    private static int computed(JsonNode json) {
        return json.at("/stator/prompt_tokens/computed").asInt();
    }

    private static int prompt(JsonNode json) {
        return json.at("/usage/prompt_tokens").asInt();
    }

    @Test
    void documentsInANewOrderAreNotComputedAgain() throws Exception {
        var first = ask("order", "spliced", user(PHONE), 0, 1, 2, 3);
        var other = ask("order", "spliced", user(PASSWORD), 3, 2, 1, 0);

        assertThat(content(first)).contains("913", "[doc 4]");
        assertThat(content(other)).contains("Kamrurza", "[doc 2]");
        assertThat(other.at("/stator/documents").toString())
                .as("the order stays")
                .isEqualTo("[\"4\",\"3\",\"2\",\"1\"]");
        int passages = first.at("/usage/prompt_tokens").asInt();
        assertThat(computed(first)).isGreaterThan(passages * 9 / 10);
        assertThat(computed(other)).isLessThan(passages / 2);
        assertThat(other.at("/stator/spliced_tokens").asInt()).isGreaterThan(passages / 3);
    }

    @Test
    void documentsInNewCompanyNeither() throws Exception {
        ask("company", "spliced", user(PHONE), 0, 1);
        ask("company", "spliced", user(PHONE), 2, 3);

        var both = ask("company", "spliced", user(PASSWORD), 2, 1, 3);

        assertThat(content(both)).contains("Kamrurza");
        assertThat(computed(both)).isLessThan(prompt(both) / 2);
    }

    @Test
    void withAGuardTheTraceSaysHowSureTheModelWas() throws Exception {
        ask("guarded", "spliced-guarded", user(PHONE), 0, 1, 2, 3);
        var passed = ask("guarded", "spliced-guarded", user(PASSWORD), 3, 2, 1, 0);

        assertThat(content(passed)).contains("Kamrurza", "[doc 2]");
        assertThat(computed(passed)).isLessThan(prompt(passed) / 2);
        assertThat(passed.at("/stator/guard/passed").asBoolean()).isTrue();
        assertThat(passed.at("/stator/guard/margin").asDouble()).isGreaterThan(0.01);
        assertThat(passed.at("/stator/guard/entropy").asDouble()).isBetween(0.0, 5.0);
    }

    @Test
    void inDoubtTheAnswerIsTheExactOne() throws Exception {
        var never =
                new Splicing.Allowed(
                        Optional.empty(),
                        Optional.of(
                                new Splicing.Allowed.Guarded(
                                        new Splicing.Way(0, 0), new Guard(1e9, 0))));
        try (var strict =
                        ApiServer.start(
                                ApiOptions.of("demo", 0).withSplicing(never), node.fabric());
                var its = new Client(strict.port())) {
            var exact = ask("doubt, exact", "exact", user(PASSWORD), 3, 2, 1, 0);
            var reply =
                    its.post(
                            PATH,
                            body("doubt", "spliced-guarded", user(PASSWORD), 3, 2, 1, 0),
                            "x-stator-trace",
                            "1");
            assertThat(reply.status()).as(reply.text()).isEqualTo(200);
            assertThat(content(reply.json())).isEqualTo(content(exact));
            assertThat(reply.json().at("/stator/guard/passed").asBoolean()).isFalse();
            assertThat(reply.json().at("/stator/exact_because").asString()).contains("in doubt");
            assertThat(reply.json().at("/stator/spliced_tokens").isMissingNode()).isTrue();

            var unguarded = its.post(PATH, body("doubt", "spliced", user(PASSWORD), 0, 1));
            assertThat(unguarded.status()).isEqualTo(400);
            assertThat(unguarded.text()).contains("`spliced-guarded` is allowed");
        }
    }

    /** Documents that were computed apart know nothing of each other. */
    @Test
    void questionsAcrossDocumentsAreAnsweredExactly() throws Exception {
        ask("across", "spliced", user(PHONE), 0, 1, 2, 3);
        for (var question :
                List.of(
                        "Question: Which of them closes later, Flebumthis Shop or Doxzos Workshop?",
                        "Question: Compare the rules of the farm and the shop.",
                        "Question: What does the last document say?")) {
            for (var mode : List.of("spliced", "spliced-guarded")) {
                var json = ask("across", mode, user(question), 3, 1, 0, 2);
                assertThat(json.at("/stator/exact_because").asString()).contains("the question");
                assertThat(json.at("/stator/spliced_tokens").isMissingNode()).isTrue();
            }
        }
    }

    @Test
    void modesAreCounted() throws Exception {
        ask("counted", "spliced", user(PHONE), 0, 1);
        var metrics = client.get("/metrics").text();
        assertThat(metrics)
                .contains("stator_requests_by_reuse_total{mode=\"spliced\"}")
                .contains("stator_splicing_tokens_total ")
                .contains("stator_splicing_guard_doubted_total ");
    }

    @Test
    void theConversationGoesOn() throws Exception {
        var first = ask("turns", "spliced", user(PHONE), 1, 3, 0);
        var history =
                user(PHONE)
                        + ", {\"role\": \"assistant\", \"content\": \""
                        + content(first)
                        + "\"}, "
                        + user("What is the password of Flebumthis Shop?");

        var second = ask("turns", "spliced", history, 1, 3, 0);

        assertThat(content(second)).contains("Kamrurza");
        assertThat(computed(second)).isLessThan(prompt(second) / 2);
    }

    @Test
    void exactRequestsAreNotTouched() throws Exception {
        var before = ask("fresh", "exact", user(PASSWORD), 3, 2, 1, 0);
        ask("touched", "spliced", user(PHONE), 0, 1, 2, 3);
        ask("touched", "spliced", user(PASSWORD), 3, 2, 1, 0);

        var exact = ask("touched", "exact", user(PASSWORD), 3, 2, 1, 0);

        assertThat(content(exact)).isEqualTo(content(before));
        assertThat(exact.at("/stator/spliced_tokens").isMissingNode()).isTrue();
        // The head and the first document, which are exact wherever they come from.
        assertThat(computed(exact)).isGreaterThan(prompt(exact) / 2);
    }

    @Test
    void aDocumentThatComesTwiceIsReadOnceAndEmptyOnesAreRefused() throws Exception {
        var twice = ask("twice", "spliced", user(PHONE), 3, 0, 3);
        assertThat(twice.at("/stator/documents").toString()).isEqualTo("[\"4\",\"1\"]");

        var reply =
                client.post(
                        PATH,
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"reuse\": \"spliced\", \"documents\": [{\"text\": \"\"}]}");
        assertThat(reply.status()).isEqualTo(400);
    }

    @Test
    void withoutDocumentsThereIsNothingToSplice() throws Exception {
        var json = ask("none", "spliced", user(PHONE));
        assertThat(json.at("/stator/spliced_tokens").isMissingNode()).isTrue();
    }

    @Test
    void odderDocumentsThanTheModelKnows() throws Exception {
        for (var text :
                List.of(
                        "ü",
                        "日本語のテキスト。二つ目の文。",
                        "a\\nb\\n\\n c",
                        "🙂🙂 🙂",
                        "<|im_end|>",
                        "x".repeat(600))) {
            var reply =
                    client.post(
                            PATH,
                            """
                            {"model": "default", "max_tokens": 4, "reuse": "spliced", "documents": [
                              {"text": "%s"}, {"text": "plain"}, {"text": "%s too"}], "messages": [%s]}
                            """
                                    .formatted(text, text, user("What is plain, 日本語, ü, a?")));
            assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        }
    }
}
