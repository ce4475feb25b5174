package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.routing.Mode;
import dev.stator.serving.NodeOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Two tenants before a real node whose host tier is small. */
class TenantCacheTest {
    private static final int BLOCK = 32;

    @TempDir Path folder;

    @SuppressWarnings("NullAway.Init")
    private DemoNode node;

    @SuppressWarnings("NullAway.Init")
    private ApiServer server;

    @SuppressWarnings("NullAway.Init")
    private Client client;

    private void serve(ByKey<Integer> percent) {
        node =
                new DemoNode(
                        folder,
                        _ ->
                                new NodeOptions(
                                        Mode.AUTO, 0, 1, 2048, 4096, 2048, 1, 32, 512, 2, 15,
                                        4 << 20, folder, 64));
        server = ApiServer.start(options(percent, "greedy", "modest"), node.fabric());
        client = new Client(server.port());
    }

    private static ApiOptions options(ByKey<Integer> percent, String... keys) {
        var usual = ApiOptions.of("demo", 0);
        return new ApiOptions(
                        usual.host(),
                        usual.port(),
                        usual.modelName(),
                        List.of(keys),
                        usual.maxBodyBytes(),
                        usual.defaultMaxTokens(),
                        usual.eventLoops(),
                        usual.maxUnreadBytes(),
                        usual.maxStall())
                .withWaiting(
                        new WaitingOptions(
                                Duration.ZERO, WaitingOptions.TenantBy.API_KEY, percent));
    }

    @AfterEach
    void stop() {
        if (node != null) {
            client.close();
            server.close();
            node.close();
        }
    }

    private JsonNode ask(String key, String word, int words, String mark) throws Exception {
        var body =
                """
                {"messages": [{"role": "system", "content": "%s"%s},
                 {"role": "user", "content": "Who?"}], "max_tokens": 2, "temperature": 0}
                """
                        .formatted((word + " ").repeat(words), mark);
        var reply =
                client.post(
                        "/v1/chat/completions",
                        body,
                        "x-stator-trace",
                        "1",
                        "authorization",
                        "Bearer " + key);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json();
    }

    /** How many tokens of the modest one's prompt are still there after the other's flood. */
    private int cachedAfterAFlood() throws Exception {
        ask("modest", "heron", 200, "");
        for (var word : List.of("kite", "lynx", "wren", "newt", "crow", "mole", "dove", "hare")) {
            ask("greedy", word, 450, "");
        }
        return ask("modest", "heron", 200, "")
                .at("/usage/prompt_tokens_details/cached_tokens")
                .asInt();
    }

    private JsonNode cache(String key) throws Exception {
        return client.get("/admin/cache", "authorization", "Bearer " + key).json();
    }

    @Test
    void whatOneTenantFloodsTheCacheWithLeavesTheOthersPromptThere() throws Exception {
        serve(ByKey.of(50, Map.of()));

        assertThat(cachedAfterAFlood()).isGreaterThanOrEqualTo(200 / BLOCK * BLOCK);

        var cache = cache("modest");
        assertThat(cache.at("/host/evictions_quota").asInt()).isPositive();
        assertThat(cache.at("/host/evictions_room").asInt()).isZero();
        assertThat(client.get("/metrics", "authorization", "Bearer modest").text())
                .containsPattern("evictions_total\\{reason=\"quota\"} [1-9]")
                .contains("stator_host_cache_tenants 2.0");
        assertThat(
                        client.post("/admin/cache/verify", "{}", "authorization", "Bearer modest")
                                .json()
                                .at("/ok")
                                .asBoolean())
                .isTrue();
    }

    @Test
    void withoutQuotasItDoesNot() throws Exception {
        serve(ByKey.of(100, Map.of()));

        assertThat(cachedAfterAFlood()).isLessThan(BLOCK);
        assertThat(cache("modest").at("/host/evictions_quota").asInt()).isZero();
    }

    @Test
    void tenantsAreListedByTagsThatSayNothingButToThemselves() throws Exception {
        serve(ByKey.of(100, Map.of("greedy", 30)));
        ask("modest", "heron", 100, "");
        ask("greedy", "otter", 300, "");

        var seen = cache("greedy");
        var tenants = StreamSupport.stream(seen.at("/tenants").spliterator(), false).toList();
        assertThat(tenants).hasSize(2);
        var first = tenants.getFirst();
        assertThat(first.at("/tag").asString())
                .isEqualTo(seen.at("/tenant").asString())
                .matches("[0-9a-f]{12}");
        assertThat(first.at("/blocks").asInt()).isGreaterThan(tenants.get(1).at("/blocks").asInt());
        assertThat(first.at("/bytes").asLong()).isPositive();
        int slots = seen.at("/host/blocks_capacity").asInt();
        assertThat(first.at("/quota_blocks").asInt()).isEqualTo(Math.ceilDiv(slots * 30, 100));
        assertThat(tenants.get(1).has("quota_blocks")).isFalse();
        assertThat(cache("modest").at("/tenant")).isEqualTo(tenants.get(1).at("/tag"));
        assertThat(seen.toString()).doesNotContain(Auth.fingerprint("greedy"));
        assertThat(tenants.stream().mapToInt(one -> one.at("/blocks").asInt()).sum())
                .isEqualTo(seen.at("/host/blocks").asInt());
    }

    @Test
    void whatATenantPinsIsWithinItsQuota() throws Exception {
        serve(ByKey.of(100, Map.of("greedy", 1)));
        var mark = ", \"cache_control\": {\"type\": \"ephemeral\"}";

        assertThat(pinned(ask("greedy", "otter", 100, mark))).isZero();
        assertThat(pinned(ask("modest", "heron", 100, mark))).isGreaterThanOrEqualTo(3 * BLOCK);
    }

    private static int pinned(JsonNode answer) {
        return answer.at("/stator/cache_control/pinned_tokens").asInt();
    }

    @Test
    void quotasThatNobodyCouldHaveAreRefused() {
        assertThatThrownBy(() -> options(ByKey.of(50, Map.of())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tenants cannot be told apart");
        assertThatThrownBy(() -> options(ByKey.of(100, Map.of("unknown", 50)), "known"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("API key");
        assertThatThrownBy(() -> options(ByKey.of(101, Map.of()), "known"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 to 100 percent");
    }
}
