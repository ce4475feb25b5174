package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Passages in prompts whose clients declare nothing, on a server that may splice. */
@TestInstance(Lifecycle.PER_CLASS)
class PlainPassagesTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String PLAIN = "/v1/completions";
    private static final String SYSTEM = "Answer from the documents only and cite the source.";

    /** Each of about 100 tokens. */
    private static final String[] PASSAGES = {
        "[doc 1] Bixden Station\nThe door of Bixden Station is painted purple. Many people visit the station every summer. The manager of the station is Hamfek Plenhend. The station opened in 1808. The staff of the station numbers 153. Local papers have written about the station many times.\n",
        "[doc 2] Flebumthis Shop\nAs its label Flebumthis Shop uses Flukelgax. The closing time of Flebumthis Shop is 3:30. As its password the shop uses Kamrurza. Visitors to it must feed the birds. A ticket for the shop costs 174 dollars. The symbol of the shop is harbor.\n",
        "[doc 3] Doxzos Workshop\nThe symbol of Doxzos Workshop is harbor. The person who runs the workshop is Pasgro Bakkam. Doxzos Workshop closes at 5:00. The rule at Doxzos Workshop is to stay on the path. The cat of the workshop is called Bakcosind. The workshop opened in 1911.\n",
        "[doc 4] Royal Thistle Farm\nRoyal Thistle Farm can be reached at extension 913. The staff of the farm numbers 153. Local papers have written about the farm many times. The door of the farm is painted green. Many people visit the farm every summer. The farm closes at 6:15.\n"
    };

    private static final String PASSWORD = "Question: What is the password of Flebumthis Shop?";
    private static final String PHONE = "Question: How can I reach Royal Thistle Farm by phone?";
    private static final String SYMBOL = "Question: What is the symbol of Doxzos Workshop?";

    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeAll
    void start(@TempDir Path folder) {
        node = new DemoNode(folder);
        server =
                ApiServer.start(
                        ApiOptions.of("demo", 0).withSplicing(new Splicing.Allowed(0, 0.1)),
                        node.fabric());
        client = new Client(server.port());
    }

    @AfterAll
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    private static String text(int... passages) {
        return Arrays.stream(passages).mapToObj(i -> PASSAGES[i]).collect(Collectors.joining());
    }

    private static String quoted(String text) {
        return Client.JSON.writeValueAsString(text);
    }

    private static String message(String role, String text) {
        return "{\"role\": \"%s\", \"content\": %s}".formatted(role, quoted(text));
    }

    private JsonNode chat(String salt, String reuse, String... turns) throws Exception {
        return chatAfter(SYSTEM, salt, reuse, turns);
    }

    private JsonNode chatAfter(String system, String salt, String reuse, String... turns)
            throws Exception {
        var messages = new ArrayList<>(List.of(message("system", system)));
        for (int i = 0; i < turns.length; i++) {
            messages.add(message(i % 2 == 0 ? "user" : "assistant", turns[i]));
        }
        return ask(
                CHAT,
                reuse,
                "{\"model\": \"default\", \"temperature\": 0, \"max_tokens\": 40, \"cache_salt\": \"%s\", \"reuse\": \"%s\", \"messages\": [%s]}"
                        .formatted(salt, reuse, String.join(", ", messages)));
    }

    private JsonNode plain(String salt, String reuse, String user) throws Exception {
        return ask(
                PLAIN,
                reuse,
                "{\"model\": \"default\", \"temperature\": 0, \"max_tokens\": 40, \"cache_salt\": \"%s\", \"reuse\": \"%s\", \"prompt\": %s}"
                        .formatted(salt, reuse, quoted(raw(user))));
    }

    private static String raw(String user) {
        return "<|im_start|>system\n%s<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n"
                .formatted(SYSTEM, user);
    }

    private JsonNode ask(String path, String reuse, String body) throws Exception {
        var reply = client.post(path, body, "x-stator-trace", "1");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.header("x-stator-reuse")).isEqualTo(reuse);
        return reply.json();
    }

    private static String content(JsonNode json) {
        var chat = json.at("/choices/0/message/content");
        return chat.isMissingNode() ? json.at("/choices/0/text").asString() : chat.asString();
    }

    private static int computed(JsonNode json) {
        return json.at("/stator/prompt_tokens/computed").asInt();
    }

    private static int spliced(JsonNode json) {
        return json.at("/stator/spliced_tokens").asInt();
    }

    private static int prompt(JsonNode json) {
        return json.at("/usage/prompt_tokens").asInt();
    }

    @Test
    void passagesOfMessagesAreComputedOnce() throws Exception {
        chat("chat", "spliced", text(0, 1, 2) + PHONE);
        chat("chat", "spliced", text(2, 3, 1) + PASSWORD);
        chat("chat", "spliced", text(3, 0) + PHONE);

        var json = chat("chat", "spliced", text(1, 3, 2) + SYMBOL);

        assertThat(content(json)).contains("harbor", "[doc 3]");
        assertThat(spliced(json)).isGreaterThan(prompt(json) / 2);
        assertThat(computed(json)).isLessThan(prompt(json) * 2 / 5);
    }

    @Test
    void andOfPlainPromptsWithoutATemplate() throws Exception {
        plain("plain", "spliced", text(0, 1, 2) + PHONE);
        plain("plain", "spliced", text(2, 3, 1) + PASSWORD);
        plain("plain", "spliced", text(3, 0) + PHONE);

        var json = plain("plain", "spliced", text(1, 3, 2) + PASSWORD);

        assertThat(content(json)).contains("Kamrurza", "[doc 2]");
        assertThat(spliced(json)).isGreaterThan(prompt(json) / 2);
        assertThat(computed(json)).isLessThan(prompt(json) * 2 / 5);
    }

    /** Token ids are a prompt like any other. */
    @Test
    void andOfTokenIds() throws Exception {
        for (var user :
                List.of(text(0, 1) + PHONE, text(2, 1, 0) + PHONE, text(1, 2, 0) + PASSWORD)) {
            var ids =
                    client.post(
                                    "/tokenize",
                                    "{\"prompt\": %s, \"add_special_tokens\": false}"
                                            .formatted(quoted(raw(user))))
                            .json()
                            .get("tokens");
            var json =
                    ask(
                            PLAIN,
                            "spliced",
                            "{\"model\": \"default\", \"temperature\": 0, \"cache_salt\": \"ids\", \"reuse\": \"spliced\", \"prompt\": %s}"
                                    .formatted(ids));
            if (user.endsWith(PASSWORD)) {
                assertThat(spliced(json)).isGreaterThan(100);
                assertThat(content(json)).contains("Kamrurza");
            }
        }
    }

    @Test
    void declaredDocumentsAreFoundInPlainText() throws Exception {
        var documents =
                "[{\"id\": \"1\", \"title\": \"Bixden Station\", \"text\": %s}, {\"id\": \"3\", \"title\": \"Doxzos Workshop\", \"text\": %s}]"
                        .formatted(
                                quoted(PASSAGES[0].split("\n")[1]),
                                quoted(PASSAGES[2].split("\n")[1]));
        var body =
                "{\"model\": \"default\", \"temperature\": 0, \"cache_salt\": \"declared\", \"reuse\": \"spliced\", \"documents\": %s, \"messages\": [%s, %s]}"
                        .formatted(documents, message("system", SYSTEM), message("user", SYMBOL));
        assertThat(content(ask(CHAT, "spliced", body))).contains("harbor");
        chat("declared", "spliced", text(1) + PASSWORD);

        var json = chat("declared", "spliced", text(1, 2) + SYMBOL);

        assertThat(content(json)).contains("harbor", "[doc 3]");
        assertThat(spliced(json)).as("its text, as it was declared").isGreaterThan(60);
    }

    @Test
    void whatWasNeverSeenIsExact() throws Exception {
        var fresh = chat("never", "spliced", text(0, 1, 2) + PASSWORD);
        var exact = chat("exact", "exact", text(0, 1, 2) + PASSWORD);
        assertThat(spliced(fresh)).isZero();
        assertThat(content(fresh)).isEqualTo(content(exact));
        assertThat(spliced(chat("never", "spliced", text(0, 1, 2) + PASSWORD))).isZero();
        assertThat(spliced(chat("never", "spliced", text(0, 1, 2) + PHONE)))
                .as("the order of an earlier prompt is exact")
                .isZero();
    }

    @Test
    void exactRequestsAreNotTouched() throws Exception {
        var before = chat("alone", "exact", text(3, 1, 2) + SYMBOL);
        for (var user : List.of(text(0, 1, 2) + PHONE, text(2, 3, 1) + PASSWORD)) {
            chat("beside", "spliced", user);
        }
        assertThat(spliced(chat("beside", "spliced", text(3, 1, 2) + SYMBOL))).isPositive();

        var exact = chat("beside", "exact", text(3, 1, 2) + SYMBOL);

        assertThat(content(exact)).isEqualTo(content(before));
        assertThat(spliced(exact)).isZero();
        assertThat(computed(exact)).isGreaterThan(prompt(exact) / 2);
    }

    @Test
    void tenantsDoNotFindEachOthersPassages() throws Exception {
        chat("one", "spliced", text(0, 1, 2) + PHONE);
        chat("one", "spliced", text(2, 3, 1) + PASSWORD);
        chat("other", "spliced", text(0) + PHONE);
        assertThat(spliced(chat("other", "spliced", text(1, 3, 2) + SYMBOL))).isZero();
    }

    @Test
    void theNextTurnReusesTheFirst() throws Exception {
        chat("turns", "spliced", text(0, 1, 2) + PHONE);
        chat("turns", "spliced", text(2, 3, 1) + PASSWORD);
        var first = chat("turns", "spliced", text(3, 1, 2) + SYMBOL);
        assertThat(spliced(first)).isPositive();

        var second =
                chat(
                        "turns",
                        "spliced",
                        text(3, 1, 2) + SYMBOL,
                        content(first),
                        "What is the password of Flebumthis Shop?");

        assertThat(content(second)).contains("Kamrurza");
        assertThat(computed(second)).isLessThan(prompt(second) / 2);
    }

    /** A clock before the passages makes every head another one, up to where it stands. */
    @Test
    void volatileInstructionsShortenTheHead() throws Exception {
        int[][] documents = {{0, 1}, {2, 0}, {3, 1}, {1, 3}, {0, 3, 1}};
        String[] clocks = {"09:10", "12:31", "17:05", "23:44", "20:26"};
        String[] questions = {PHONE, PASSWORD, SYMBOL, PASSWORD, PHONE};
        JsonNode json = Client.JSON.nullNode();
        for (int i = 0; i < clocks.length; i++) {
            json =
                    chatAfter(
                            SYSTEM + " It is " + clocks[i] + " o'clock.",
                            "clock",
                            "spliced",
                            text(documents[i]) + questions[i]);
        }
        assertThat(spliced(json)).isGreaterThan(100);
        assertThat(computed(json)).isLessThan(prompt(json) * 3 / 5);
    }

    @Test
    void oddPromptsAreServed() throws Exception {
        var odd = "日本語のテキスト。二つ目の文。🙂🙂 ü é ".repeat(12);
        for (int i = 0; i < 4; i++) {
            chat("odd", "spliced", "x".repeat(i) + odd + "y".repeat(i + 1));
            plain("odd", "spliced", "x".repeat(3 * i) + odd + odd + "?");
            plain("odd", "spliced", "a ".repeat(200) + i);
        }
        for (var prompt : List.of("\"a\"", "[1]", "[1, 2, 3]", "[\"a b\", \"c\"]")) {
            ask(
                    PLAIN,
                    "spliced",
                    "{\"model\": \"default\", \"max_tokens\": 1, \"reuse\": \"spliced\", \"prompt\": %s}"
                            .formatted(prompt));
        }
    }
}
