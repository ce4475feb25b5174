package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.serving.DiskCache;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code /v1/documents}, before a real node with a disk tier. */
class StoredDocumentsTest {
    private static final String PATH = "/v1/documents";
    private static final String SYSTEM = "Answer from the documents only and cite the source.";
    private static final String SHOP =
            "As its label Flebumthis Shop uses Flukelgax. The closing time of Flebumthis Shop is 3:30. As its password the shop uses Kamrurza. Visitors to it must feed the birds.";
    private static final String STATION =
            "The door of Bixden Station is painted purple. Many people visit the station every summer. The manager of the station is Hamfek Plenhend.";
    private static final String PASSWORD = "Question: What is the password of Flebumthis Shop?";

    @TempDir Path folder;
    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeEach
    void start() {
        start(options());
    }

    private static ApiOptions options(String... keys) {
        var usual = ApiOptions.of("demo", 0);
        return new ApiOptions(
                usual.host(),
                0,
                "demo",
                List.of(keys),
                usual.maxBodyBytes(),
                0,
                1,
                usual.maxUnreadBytes(),
                Duration.ofSeconds(60));
    }

    private void start(ApiOptions options) {
        node =
                new DemoNode(
                        folder.resolve("host"),
                        with -> with.withDiskCache(DiskCache.of(folder.resolve("disk"), 64 << 20)));
        server = ApiServer.start(options, node.fabric());
        client = new Client(server.port());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    private void restart(ApiOptions options) {
        stop();
        start(options);
    }

    private static String document(String id, String title, String text, String more) {
        return "{\"id\": \"%s\", \"title\": \"%s\", \"text\": \"%s\", \"system\": \"%s\"%s}"
                .formatted(id, title, text, SYSTEM, more);
    }

    private static String shop() {
        return document("shop", "Flebumthis Shop", SHOP, "");
    }

    private JsonNode store(String document, String... headers) throws Exception {
        var reply = client.post(PATH, document, headers);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json();
    }

    private JsonNode prefilled(String id) throws Exception {
        while (true) {
            var json = client.get(PATH + "/" + id).json();
            if (!json.at("/state").asString().equals("waiting")) {
                assertThat(json.at("/state").asString()).isEqualTo("prefilled");
                return json;
            }
            Thread.sleep(10);
        }
    }

    private JsonNode ask(String documents, String question, String... headers) throws Exception {
        var body =
                """
                {"temperature": 0, "max_tokens": 40, "documents": [%s], "messages": [
                  {"role": "system", "content": "%s"}, {"role": "user", "content": "%s"}]}
                """
                        .formatted(documents, SYSTEM, question);
        var reply = client.post("/v1/chat/completions", body, headers);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json();
    }

    private Client.Reply delete(String id, String... headers) throws Exception {
        return client.send(client.request(PATH + "/" + id, headers).DELETE().build());
    }

    private static int cached(JsonNode answer) {
        return answer.at("/usage/prompt_tokens_details/cached_tokens").asInt();
    }

    private static String content(JsonNode answer) {
        return answer.at("/choices/0/message/content").asString();
    }

    /**
     * In whole blocks. The end of a sequence in the midst of one is used where it is looked for.
     */
    private static int whole(int tokens) {
        return tokens / 32 * 32;
    }

    @Test
    void aDocumentIsPrefilledAndFoundByItsIdBehindTheSameSystemPrompt() throws Exception {
        var stored = store(shop());
        assertThat(stored.at("/id").asString()).isEqualTo("shop");
        assertThat(stored.at("/expires").isNull()).isTrue();
        var json = prefilled("shop");
        int tokens = json.at("/tokens").asInt();
        assertThat(tokens).isGreaterThan(50);
        assertThat(json.at("/blocks/host").asInt()).isEqualTo(json.at("/blocks/all").asInt());

        var answer = ask("{\"id\": \"shop\"}", PASSWORD);

        assertThat(content(answer)).contains("Kamrurza", "[doc shop]");
        assertThat(cached(answer)).isGreaterThanOrEqualTo(whole(tokens));
    }

    @Test
    void anIdAndTheTextItselfAreTheSame() throws Exception {
        store(shop());
        var byId = ask("{\"id\": \"shop\"}", PASSWORD);
        var byText =
                ask(
                        "{\"id\": \"shop\", \"title\": \"Flebumthis Shop\", \"text\": \"%s\"}"
                                .formatted(SHOP),
                        PASSWORD);

        assertThat(content(byText)).isEqualTo(content(byId));
        assertThat(cached(byText)).isEqualTo(byText.at("/usage/prompt_tokens").asInt() - 1);
    }

    @Test
    void anthropicsClientsNameItAsAFile() throws Exception {
        store(shop());
        int tokens = prefilled("shop").at("/tokens").asInt();
        var reply =
                client.post(
                        "/v1/messages",
                        """
                        {"max_tokens": 40, "temperature": 0, "system": "%s", "messages": [{"role": "user", "content": [
                          {"type": "document", "source": {"type": "file", "file_id": "shop"}},
                          {"type": "text", "text": "%s"}]}]}
                        """
                                .formatted(SYSTEM, PASSWORD));

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.json().at("/content/0/text").asString()).contains("Kamrurza");
        assertThat(reply.json().at("/usage/cache_read_input_tokens").asInt())
                .isGreaterThanOrEqualTo(whole(tokens));
    }

    @Test
    void whatWasMadeOfADeletedDocumentHasGoneFromEveryTierAlsoAfterARestart() throws Exception {
        store(shop());
        store(document("station", "Bixden Station", STATION, ""));
        prefilled("station");
        ask("{\"id\": \"station\"}, {\"id\": \"shop\"}", PASSWORD);
        // Also where the text came without the id.
        ask("{\"text\": \"%s\"}".formatted(SHOP), PASSWORD);
        int blocks = prefilled("station").at("/blocks/all").asInt();

        var reply = delete("shop");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.json().at("/erased").asBoolean()).isTrue();
        assertThat(client.get(PATH + "/shop").status()).isEqualTo(404);
        var unknown =
                client.post(
                        "/v1/chat/completions",
                        "{\"documents\": [{\"id\": \"shop\"}], \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.json().at("/error/code").asString()).isEqualTo("document_not_found");
        assertThat(unknown.json().at("/error/param").asString()).isEqualTo("documents[0].id");
        // The other document keeps what was made of it alone.
        assertThat(prefilled("station").at("/blocks/host").asInt()).isEqualTo(blocks);

        restart(options());
        assertThat(client.get(PATH + "/shop").status()).isEqualTo(404);
        assertThat(prefilled("station").at("/blocks/disk").asInt()).isEqualTo(blocks);
        var again =
                ask(
                        "{\"id\": \"station\"}, {\"id\": \"shop\", \"title\": \"Flebumthis Shop\", \"text\": \"%s\"}"
                                .formatted(SHOP),
                        PASSWORD);
        assertThat(cached(again)).isLessThanOrEqualTo(blocks * 32);
    }

    @Test
    void documentsOutliveTheProcessWhereThereIsADiskTier() throws Exception {
        store(document("shop", "Flebumthis Shop", SHOP, ", \"ttl_seconds\": 3600, \"pin\": true"));
        var before = prefilled("shop");

        restart(options());

        var after = prefilled("shop");
        assertThat(after.at("/tokens")).isEqualTo(before.at("/tokens"));
        assertThat(after.at("/expires")).isEqualTo(before.at("/expires"));
        assertThat(after.at("/pinned_tokens").asInt()).isPositive();
        assertThat(content(ask("{\"id\": \"shop\"}", PASSWORD))).contains("Kamrurza");
        try (var files = Files.list(folder.resolve("disk"))) {
            for (var file : files.toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                        .doesNotContain("Kamrurza");
            }
        }
    }

    @Test
    void aDocumentOfTheSameIdTakesTheOthersPlace() throws Exception {
        store(shop());
        prefilled("shop");
        store(document("shop", "Bixden Station", STATION, ""));
        prefilled("shop");

        assertThat(
                        content(
                                ask(
                                        "{\"id\": \"shop\"}",
                                        "Question: Who is the manager of Bixden Station?")))
                .contains("Hamfek");
        restart(options());
        assertThat(prefilled("shop").at("/title").asString()).isEqualTo("Bixden Station");
        assertThat(client.get(PATH).json().at("/data").size()).isEqualTo(1);
    }

    @Test
    void theEndOfItsTimeDeletesADocument() throws Exception {
        store(document("shop", "", SHOP, ", \"ttl_seconds\": 1"));

        while (client.get(PATH + "/shop").status() != 404) {
            Thread.sleep(20);
        }
        assertThat(client.get(PATH).json().at("/data").isEmpty()).isTrue();
    }

    @Test
    void manyComeInAnArrayAndAreListedPageByPage() throws Exception {
        var many = new ArrayList<String>();
        for (int i = 0; i < 5; i++) {
            many.add(document("d" + i, "", "Text number " + i + ".", ""));
        }
        var stored = store("[" + String.join(",", many) + "]");
        assertThat(stored.at("/data").size()).isEqualTo(5);

        var ids = new ArrayList<String>();
        var after = "";
        JsonNode page;
        do {
            page = client.get(PATH + "?limit=2" + after).json();
            page.at("/data").forEach(each -> ids.add(each.at("/id").asString()));
            after = "&after=" + page.at("/last_id").asString("");
        } while (page.at("/has_more").asBoolean());
        assertThat(ids).containsExactly("d0", "d1", "d2", "d3", "d4");
        assertThat(page.at("/totals/tokens").asInt()).isPositive();

        var bad = client.post(PATH, "[%s, {\"id\": \"x\"}]".formatted(many.getFirst()));
        assertThat(bad.status()).isEqualTo(400);
        assertThat(bad.json().at("/error/param").asString()).isEqualTo("[1].text");
    }

    private Client.Reply upload(String lines, String accept) throws Exception {
        return client.send(
                client.request(PATH)
                        .header("content-type", "application/jsonl")
                        .header("accept", accept)
                        .POST(BodyPublishers.ofString(lines))
                        .build());
    }

    @Test
    void linesAreStoredOneByOneAndWhatIsWrongWithThemIsSaid() throws Exception {
        var lines =
                "{\"id\": \"a\", \"text\": \"One.\"}\n\nno json\n{\"id\": \"b\"}\r\n{\"id\": \"c\", \"text\": \"Three.\"}";

        var whole = upload(lines, "*/*").json();
        assertThat(whole.at("/stored").asInt()).isEqualTo(2);
        assertThat(whole.at("/failed").asInt()).isEqualTo(2);
        assertThat(whole.at("/problems/0/line").asInt()).isEqualTo(2);
        assertThat(whole.at("/problems/1/error").asString()).contains("text");

        var told = upload(lines, "application/x-ndjson");
        var news = told.text().lines().map(Client.JSON::readTree).toList();
        assertThat(told.header("content-type")).isEqualTo("application/x-ndjson");
        assertThat(news).hasSize(5);
        assertThat(news.getFirst().at("/id").asString()).isEqualTo("a");
        assertThat(news.get(1).at("/state").asString()).isEqualTo("refused");
        assertThat(news.getLast().at("/done").asBoolean()).isTrue();

        var events = upload(lines, "text/event-stream");
        assertThat(events.events()).hasSize(5);
        assertThat(client.get(PATH).json().at("/data").size()).isEqualTo(2);
    }

    @Test
    void othersDocumentsAreUnknown() throws Exception {
        restart(options("one", "two"));
        var one = new String[] {"authorization", "Bearer one"};
        var two = new String[] {"authorization", "Bearer two"};
        store(shop(), one);

        assertThat(client.get(PATH + "/shop", one).status()).isEqualTo(200);
        assertThat(client.get(PATH + "/shop", two).status()).isEqualTo(404);
        assertThat(client.get(PATH + "/shop?cache_salt=other", one).status()).isEqualTo(404);
        assertThat(client.get(PATH, two).json().at("/data").isEmpty()).isTrue();
        assertThat(delete("shop", two).status()).isEqualTo(404);
        var body =
                "{\"documents\": [{\"id\": \"shop\"}], \"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"max_tokens\": 1%s}";
        assertThat(client.post("/v1/chat/completions", body.formatted(""), two).status())
                .isEqualTo(404);
        assertThat(client.post("/v1/messages", body.formatted(""), two).status()).isEqualTo(404);
        assertThat(
                        client.post(
                                        "/v1/chat/completions",
                                        body.formatted(", \"cache_salt\": \"other\""),
                                        one)
                                .status())
                .isEqualTo(404);
        assertThat(client.post("/v1/messages", body.formatted(""), one).status()).isEqualTo(200);
        assertThat(delete("shop", one).status()).isEqualTo(200);
    }

    @Test
    void aTenantStoresNoMoreThanItsQuota() throws Exception {
        restart(options("one", "two").withDocumentQuota(SHOP.length() + SYSTEM.length() + 100));
        var one = new String[] {"authorization", "Bearer one"};
        store(document("shop", "", SHOP, ""), one);

        var more = client.post(PATH, document("station", "", STATION, ""), one);
        assertThat(more.status()).isEqualTo(413);
        assertThat(more.json().at("/error/code").asString()).isEqualTo("document_quota_exceeded");
        // In the place of another it fits; and the other tenant has a quota of its own.
        store(document("shop", "", STATION, ""), one);
        store(document("shop", "", SHOP, ""), "authorization", "Bearer two");
        assertThat(delete("shop", one).status()).isEqualTo(200);
        store(document("station", "", STATION, ""), one);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "text | {\"id\": \"x\"}",
                "text | {\"text\": \" \"}",
                "text | {\"text\": 5}",
                "id | {\"id\": \"a]\", \"text\": \"x\"}",
                "title | {\"title\": \"a\\nb\", \"text\": \"x\"}",
                "ttl_seconds | {\"ttl_seconds\": 0, \"text\": \"x\"}",
                "pin | {\"pin\": 1, \"text\": \"x\"}",
                "system | {\"system\": 1, \"text\": \"x\"}"
            })
    void whatIsWrongIsNamed(String param, String body) throws Exception {
        var reply = client.post(PATH, body);

        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.json().at("/error/param").asString()).isEqualTo(param);
    }

    @Test
    void whatDoesNotFitIsRefused() throws Exception {
        var tooLong = client.post(PATH, document("long", "", "word ".repeat(3_000), ""));
        assertThat(tooLong.status()).isEqualTo(400);
        assertThat(tooLong.text()).contains("the context is 2048 tokens");
        assertThat(client.post(PATH, "5").status()).isEqualTo(400);
        assertThat(client.get(PATH + "?limit=0").status()).isEqualTo(400);
        var put =
                client.send(
                        client.request(PATH + "/x")
                                .PUT(HttpRequest.BodyPublishers.noBody())
                                .build());
        assertThat(put.status()).isEqualTo(405);
        assertThat(put.header("allow")).isEqualTo("GET, DELETE");
        var typed =
                client.send(
                        client.request(PATH)
                                .header("content-type", "text/plain")
                                .POST(BodyPublishers.ofString("x"))
                                .build());
        assertThat(typed.status()).isEqualTo(415);
    }
}
