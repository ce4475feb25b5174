package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.documents.ReuseMode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which reuse is usual, and which is allowed to whom. */
final class ReuseOptionsTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String PLAIN = "/v1/completions";
    private static final long BYTES = 1 << 20;

    @SuppressWarnings("NullAway.Init")
    private ApiServer server;

    @SuppressWarnings("NullAway.Init")
    private Client client;

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    private void serve(ReuseOptions reuse, String... keys) {
        var usual = ApiOptions.of("stub", 0);
        server =
                ApiServer.start(
                        new ApiOptions(
                                usual.host(),
                                0,
                                "stub",
                                List.of(keys),
                                usual.maxBodyBytes(),
                                0,
                                1,
                                usual.maxUnreadBytes(),
                                usual.maxStall(),
                                usual.waiting(),
                                usual.splicing(),
                                reuse,
                                usual.documentQuotaBytes(),
                                usual.answers()),
                        new StubFabric());
        client = new Client(server.port());
    }

    private Client.Reply chat(String more, String... headers) throws Exception {
        return client.post(
                CHAT,
                "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]" + more + "}",
                headers);
    }

    private Client.Reply plain(String more) throws Exception {
        return client.post(PLAIN, "{\"prompt\": \"x\"" + more + "}");
    }

    @Test
    void requestsThatSayNothingHaveTheUsualMode() throws Exception {
        serve(
                new ReuseOptions(
                        ReuseMode.EXACT_REORDER, ByKey.of(ReuseMode.SPLICED, Map.of()), BYTES));
        assertThat(chat("").header("x-stator-reuse")).isEqualTo("exact-reorder");
        assertThat(plain("").header("x-stator-reuse")).isEqualTo("exact-reorder");
        assertThat(chat(", \"reuse\": \"exact\"").header("x-stator-reuse")).isEqualTo("exact");
        assertThat(plain(", \"reuse\": \"exact\"").header("x-stator-reuse")).isEqualTo("exact");
    }

    @Test
    void nobodyGetsMoreThanTheCeiling() throws Exception {
        serve(new ReuseOptions(ReuseMode.EXACT, ByKey.of(ReuseMode.EXACT, Map.of()), BYTES));
        for (var reply :
                List.of(
                        chat(", \"reuse\": \"exact-reorder\""),
                        chat(", \"reuse\": \"spliced\""),
                        plain(", \"reuse\": \"spliced\""))) {
            assertThat(reply.status()).isEqualTo(400);
            assertThat(reply.json().at("/error/param").asString()).isEqualTo("reuse");
            assertThat(reply.text()).contains("may be at most `exact`");
        }
        assertThat(chat("").status()).isEqualTo(200);
    }

    @Test
    void keysHaveCeilingsOfTheirOwn() throws Exception {
        serve(
                new ReuseOptions(
                        ReuseMode.EXACT_REORDER,
                        ByKey.of(ReuseMode.EXACT_REORDER, Map.of("careful", ReuseMode.EXACT)),
                        BYTES),
                "careful",
                "other");
        var reorder = ", \"reuse\": \"exact-reorder\"";
        assertThat(chat(reorder, "authorization", "Bearer other").status()).isEqualTo(200);
        assertThat(chat(reorder, "authorization", "Bearer careful").status()).isEqualTo(400);
        assertThat(chat("", "authorization", "Bearer careful").header("x-stator-reuse"))
                .isEqualTo("exact");
    }

    @Test
    void unknownModesAndModesOfAnotherTypeAreRefused() throws Exception {
        serve(ReuseOptions.USUAL);
        assertThat(plain(", \"reuse\": \"sliced\"").status()).isEqualTo(400);
        assertThat(plain(", \"reuse\": 1").status()).isEqualTo(400);
        var refused = plain(", \"reuse\": \"spliced\"");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.text()).contains("nobody has measured");
    }

    @Test
    void optionsThatContradictThemselvesAreRefused() {
        serve(ReuseOptions.USUAL);
        assertThatThrownBy(
                        () ->
                                new ReuseOptions(
                                        ReuseMode.SPLICED,
                                        ByKey.of(ReuseMode.EXACT, Map.of()),
                                        BYTES))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no more than exact");
        assertThatThrownBy(
                        () ->
                                new ReuseOptions(
                                        ReuseMode.EXACT,
                                        ByKey.of(ReuseMode.EXACT, Map.of()),
                                        1_000))
                .isInstanceOf(IllegalArgumentException.class);
        var byKey =
                new ReuseOptions(
                        ReuseMode.EXACT,
                        ByKey.of(ReuseMode.EXACT, Map.of("k", ReuseMode.SPLICED)),
                        BYTES);
        assertThatThrownBy(() -> ApiOptions.of("stub", 0).withReuse(byKey))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("API key");
    }
}
