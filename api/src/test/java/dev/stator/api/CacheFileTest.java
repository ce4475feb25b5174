package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.remote.SharedKey;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;

/** A prefix goes from one real node to another. */
@TestInstance(Lifecycle.PER_CLASS)
class CacheFileTest {
    private static final SharedKey KEY = SharedKey.of(new byte[32]);
    private static final String BINARY = "application/octet-stream";

    private Served from;
    private Served to;
    private Served without;

    private record Served(DemoNode node, ApiServer server, Client client) {
        static Served of(DemoNode node) {
            var server = ApiServer.start(ApiOptions.of("demo", 0), node.fabric());
            return new Served(node, server, new Client(server.port()));
        }

        void close() {
            client.close();
            server.close();
            node.close();
        }
    }

    @BeforeAll
    void start(@TempDir Path folder) {
        from = Served.of(new DemoNode(folder, options -> options.withFileKey(KEY)));
        to = Served.of(new DemoNode(folder, options -> options.withFileKey(KEY)));
        without = Served.of(new DemoNode(folder));
    }

    @AfterAll
    void stop() {
        from.close();
        to.close();
        without.close();
    }

    private static String body(String word, String salt) {
        return "{\"prompt\": \"%s\", \"max_tokens\": 1, \"cache_salt\": \"%s\"}"
                .formatted((word + " ").repeat(100), salt);
    }

    private static int cachedTokens(Served at, String word, String salt) throws Exception {
        var reply = at.client.post("/v1/completions", body(word, salt));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json().at("/usage/prompt_tokens_details/cached_tokens").asInt();
    }

    private byte[] exported(String word, String salt) throws Exception {
        cachedTokens(from, word, salt);
        var key =
                from.client
                        .get("/admin/cache?prefixes=1&order=latest")
                        .json()
                        .at("/prefixes/0/key")
                        .asString();
        var reply = from.client.get("/admin/cache/export?prefix=" + key);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.header("content-type")).isEqualTo(BINARY);
        assertThat(reply.header("content-disposition")).contains(key);
        return reply.http().body();
    }

    private static Client.Reply imported(Served at, byte[] file)
            throws IOException, InterruptedException {
        return at.client.send(
                at.client
                        .request("/admin/cache/import", "content-type", BINARY)
                        .POST(BodyPublishers.ofByteArray(file))
                        .build());
    }

    @Test
    void aPromptIsFoundWhereItsPrefixWasImported() throws Exception {
        byte[] file = exported("heron", "");

        var reply = imported(to, file);

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        int blocks = reply.json().at("/blocks").asInt();
        assertThat(blocks).isGreaterThan(2);
        assertThat(reply.json().at("/stored_blocks").asInt()).isEqualTo(blocks);
        assertThat(imported(to, file).json().at("/present_blocks").asInt()).isEqualTo(blocks);
        assertThat(cachedTokens(to, "heron", ""))
                .isGreaterThanOrEqualTo(reply.json().at("/tokens").asInt() / 32 * 32);
        assertThat(to.client.post("/admin/cache/verify", "{}").json().at("/ok").asBoolean())
                .isTrue();
    }

    @Test
    void aTenantsPrefixIsFoundByThatTenantOnly() throws Exception {
        assertThat(imported(to, exported("otter", "alice")).status()).isEqualTo(200);

        assertThat(cachedTokens(to, "otter", "bob")).isZero();
        assertThat(cachedTokens(to, "otter", "alice")).isGreaterThan(64);
    }

    @Test
    void whatIsNoIntactFileIsRefused() throws Exception {
        byte[] file = exported("kite", "");
        byte[] altered = file.clone();
        altered[altered.length - 1] ^= 1;

        var reply = imported(to, altered);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/message").asString()).contains("was altered");
        reply = imported(to, Arrays.copyOf(file, file.length / 2));
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/message").asString()).contains("cut off");
        assertThat(imported(to, new byte[0]).status()).isEqualTo(400);
        // More than any buffer between here and there holds, and it is refused for its first bytes.
        reply = imported(to, new byte[8 << 20]);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/message").asString()).contains("no file of a prefix");
    }

    @Test
    void whatIsWrongIsSaid() throws Exception {
        var absent = "0123456789abcdef0123456789abcdef";
        assertThat(from.client.get("/admin/cache/export?prefix=" + absent).status()).isEqualTo(404);
        assertThat(from.client.get("/admin/cache/export?prefix=x").status()).isEqualTo(400);
        assertThat(from.client.get("/admin/cache/export").status()).isEqualTo(400);
        assertThat(from.client.post("/admin/cache/export", "{}").status()).isEqualTo(405);
        assertThat(from.client.get("/admin/cache/import").status()).isEqualTo(405);
        assertThat(from.client.post("/admin/cache/import", "{}").status()).isEqualTo(415);
        var reply = imported(without, new byte[200]);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/message").asString()).contains("--cache-key-file");
        assertThat(without.client.get("/admin/cache/export?prefix=" + absent).status())
                .isEqualTo(400);
    }

    /** Sends the beginning of an import, and goes. */
    @Test
    void aClientThatLeavesEndsItsImport() throws Exception {
        byte[] file = exported("lynx", "");
        for (int i = 0; i < 5; i++) {
            try (var socket = new Socket("127.0.0.1", to.server.port())) {
                var head =
                        "POST /admin/cache/import HTTP/1.1\r\nhost: x\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
                                .formatted(BINARY, file.length);
                socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
                socket.getOutputStream().write(file, 0, file.length / 2);
            }
        }
        var reply = imported(to, file);
        while (reply.status() == 429) {
            Thread.sleep(50);
            reply = imported(to, file);
        }
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }

    @Test
    void aBodyLargerThanMayBeHeldIsReadToItsEnd() throws Exception {
        var sent = new AtomicLong();
        var endless =
                new InputStream() {
                    @Override
                    public int read() {
                        return 0;
                    }

                    @Override
                    public int read(byte[] to, int at, int most) {
                        sent.addAndGet(most);
                        return sent.get() > (64 << 20) ? -1 : most;
                    }
                };
        var reply =
                to.client.send(
                        to.client
                                .request("/admin/cache/import", "content-type", BINARY)
                                .POST(BodyPublishers.ofInputStream(() -> endless))
                                .build());
        assertThat(reply.status()).isEqualTo(400);
    }
}
