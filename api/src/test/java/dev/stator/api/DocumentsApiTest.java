package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Documents beside the messages, with a model that answers from them. */
@TestInstance(Lifecycle.PER_CLASS)
class DocumentsApiTest {
    private static final String PATH = "/v1/chat/completions";
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

    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeAll
    void start(@TempDir Path folder) {
        node = new DemoNode(folder);
        server = ApiServer.start(ApiOptions.of("demo", 0), node.fabric());
        client = new Client(server.port());
    }

    @AfterAll
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    private static String body(String salt, String question, String more, int... documents) {
        var sent = new ArrayList<String>();
        for (int i : documents) {
            sent.add(
                    "{\"id\": \"%d\", \"title\": \"%s\", \"text\": \"%s\"}"
                            .formatted(i + 1, TITLES[i], TEXTS[i]));
        }
        return """
        {"model": "default", "temperature": 0, "cache_salt": "%s", "documents": [%s]%s, "messages": [
          {"role": "system", "content": "Answer from the documents only and cite the source."},
          {"role": "user", "content": "%s"}]}
        """
                .formatted(salt, String.join(", ", sent), more, question);
    }

    private JsonNode ask(String body) throws Exception {
        var reply = client.post(PATH, body, "x-stator-trace", "1");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json();
    }

    private static String content(JsonNode json) {
        return json.at("/choices/0/message/content").asString();
    }

    private static List<String> order(JsonNode json) {
        var names = new ArrayList<String>();
        json.at("/stator/documents").forEach(name -> names.add(name.asString()));
        return names;
    }

    @Test
    void theModelAnswersFromDocumentsAndCitesThem() throws Exception {
        var json = ask(body("cite", PASSWORD, "", 3, 1, 2, 0));

        assertThat(content(json)).contains("Kamrurza", "[doc 2]");
        assertThat(order(json)).containsExactly("4", "2", "3", "1");
    }

    @Test
    void documentsAreReadAsIfTheyStoodInTheMessage() throws Exception {
        var apart = ask(body("apart", PASSWORD, "", 0, 1));
        var written =
                "[doc 1] %s\\n%s\\n[doc 2] %s\\n%s\\n%s"
                        .formatted(TITLES[0], TEXTS[0], TITLES[1], TEXTS[1], PASSWORD);
        var together = ask(body("together", written, ""));

        assertThat(content(apart)).isEqualTo(content(together));
        assertThat(apart.at("/usage/prompt_tokens").asInt())
                .isEqualTo(together.at("/usage/prompt_tokens").asInt());
    }

    @Test
    void aListKeepsItsOrderWhateverWasComputedBefore() throws Exception {
        ask(body("list", PHONE, "", 0, 1, 2, 3));

        var json = ask(body("list", PHONE, "", 3, 2, 1, 0));

        assertThat(order(json)).containsExactly("4", "3", "2", "1");
    }

    @Test
    void aSetIsReadInTheOrderThatIsComputedAlready() throws Exception {
        var set = ", \"reuse\": \"exact-reorder\"";
        ask(body("set", PHONE, set, 0, 1, 2, 3));

        var json = ask(body("set", PASSWORD, set, 3, 2, 1, 0));

        assertThat(order(json)).containsExactly("1", "2", "3", "4");
        assertThat(content(json)).contains("Kamrurza");
        int computed = json.at("/stator/prompt_tokens/computed").asInt();
        assertThat(computed).isLessThan(json.at("/usage/prompt_tokens").asInt() / 2);
    }

    @Test
    void theHeaderSaysWhatWasAllowed() throws Exception {
        var exact = client.post(PATH, body("header", PHONE, "", 0, 1));
        var reorder =
                client.post(PATH, body("header", PHONE, ", \"reuse\": \"exact-reorder\"", 0, 1));

        assertThat(exact.header("x-stator-reuse")).isEqualTo("exact");
        assertThat(reorder.header("x-stator-reuse")).isEqualTo("exact-reorder");
    }

    @Test
    void saltsKeepTheirOrdersToThemselves() throws Exception {
        var set = ", \"reuse\": \"exact-reorder\"";
        ask(body("one", PHONE, set, 0, 1));

        var json = ask(body("other", PHONE, set, 1, 0));

        // What one salt computed tells another nothing.
        assertThat(order(json)).containsExactly("2", "1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "documents | \"documents\": 5",
                "documents[0] | \"documents\": [\"text\"]",
                "documents[0].text | \"documents\": [{\"title\": \"x\"}]",
                "documents[0].text | \"documents\": [{\"text\": \" \"}]",
                "documents[0].text | \"documents\": [{\"text\": 5}]",
                "documents[0].title | \"documents\": [{\"title\": \"a\\nb\", \"text\": \"x\"}]",
                "documents[0].id | \"documents\": [{\"id\": \"a]b\", \"text\": \"x\"}]",
                "documents[0].id | \"documents\": [{\"id\": 1.5, \"text\": \"x\"}]",
                "documents[1].id | \"documents\": [{\"id\": 1, \"text\": \"x\"}, {\"id\": \"1\", \"text\": \"y\"}]",
                "reuse | \"reuse\": \"spliced\"",
                "reuse | \"reuse\": true",
                "rank_note | \"rank_note\": 1"
            })
    void whatIsWrongIsNamed(String param, String field) throws Exception {
        var reply =
                client.post(
                        PATH,
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], %s}"
                                .formatted(field));

        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.json().at("/error/param").asString("")).as(reply.text()).isEqualTo(param);
    }

    @Test
    void moreDocumentsThanAnybodyRetrievesAreRefused() throws Exception {
        var many = new String[1_001];
        Arrays.fill(many, "{\"text\": \"x\"}");
        var reply =
                client.post(
                        PATH,
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"documents\": [%s]}"
                                .formatted(String.join(",", many)));

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text()).contains("1000");
    }

    @Test
    void documentsNeedAUsersMessage() throws Exception {
        var reply =
                client.post(
                        PATH,
                        "{\"messages\": [{\"role\": \"system\", \"content\": \"x\"}], \"documents\": [{\"text\": \"x\"}]}");

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text()).contains("user's message");
    }
}
