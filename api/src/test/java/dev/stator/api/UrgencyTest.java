package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Admission;
import dev.stator.serving.Standing;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a request says of how it waits beside others, and what it hears if it has waited in vain.
 */
final class UrgencyTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String DEADLINE = "x-stator-ttft-deadline-ms";

    private final StubFabric fabric = new StubFabric();
    private ApiServer server = ApiServer.start(ApiOptions.of("stub", 0), fabric);
    private Client client = new Client(server.port());

    private void serve(WaitingOptions waiting, String... keys) {
        stop();
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
                                waiting,
                                usual.splicing(),
                                usual.reuse(),
                                usual.documentQuotaBytes(),
                                usual.answers()),
                        fabric);
        client = new Client(server.port());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    @Test
    void whoSaysNothingWaitsLikeMost() throws Exception {
        assertThat(client.post(CHAT, chat("")).json().has("service_tier")).isFalse();

        assertThat(standing()).isEqualTo(Standing.USUAL);
    }

    @ParameterizedTest
    @CsvSource({"priority,priority", "default,default", "flex,flex", "auto,default"})
    void theServiceTierIsTheClass(String asked, String given) throws Exception {
        var field = ", \"service_tier\": \"%s\"".formatted(asked);

        var whole = client.post(CHAT, chat(field));
        assertThat(whole.json().get("service_tier").asString()).isEqualTo(given);
        assertThat(standing().serviceClass().label()).isEqualTo(given);

        for (var chunk : client.post(CHAT, chat(field + ", \"stream\": true")).chunks()) {
            assertThat(chunk.get("service_tier").asString()).isEqualTo(given);
        }
        standing();

        var text = client.post("/v1/completions", "{\"prompt\": \"x\"" + field + "}");
        assertThat(text.json().get("service_tier").asString()).isEqualTo(given);
        assertThat(standing().serviceClass().label()).isEqualTo(given);
    }

    @Test
    void aDeadlineCountsFromTheArrivalOfTheRequest() throws Exception {
        long before = System.nanoTime();
        client.post(CHAT, chat(""), DEADLINE, "1500");
        long after = System.nanoTime();

        assertThat(standing().deadlineNanos())
                .isBetween(before + 1_500_000_000L, after + 1_500_000_000L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "-1", "1.5", "86400001", "1e3", "", "99999999999999999999"})
    void aDeadlineThatIsNoneIsRefused(String header) throws Exception {
        var reply = client.post(CHAT, chat(""), DEADLINE, header);

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/param").asString()).isEqualTo(DEADLINE);
        assertThat(reply.json().at("/error/message").asString())
                .contains("milliseconds from 1 to 86400000, or 0 for no deadline")
                .contains("\"" + header + "\"");
        assertThat(fabric.requests).isEmpty();
    }

    @Test
    void theServersDeadlineIsForThoseWhoNameNoneAndAreNotFlex() throws Exception {
        serve(new WaitingOptions(Duration.ofSeconds(2), WaitingOptions.TenantBy.API_KEY));

        client.post(CHAT, chat(""));
        assertThat(standing().deadlineNanos()).isLessThan(System.nanoTime() + 2_000_000_000L);
        client.post(CHAT, chat(", \"service_tier\": \"flex\""));
        assertThat(standing().deadlineNanos()).isEqualTo(Long.MAX_VALUE);
        client.post(CHAT, chat(""), DEADLINE, "0");
        assertThat(standing().deadlineNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aTenantIsAKeyAndNothingThatAClientCanMakeUp() throws Exception {
        serve(WaitingOptions.USUAL, "key-a", "key-b");
        var made = ", \"user\": \"u\", \"safety_identifier\": \"s\", \"cache_salt\": \"c\"";

        client.post(CHAT, chat(""), "authorization", "Bearer key-a");
        var first = standing().tenant();
        client.post(CHAT, chat(made), "authorization", "bearer  key-a");
        var second = standing().tenant();
        client.post(CHAT, chat(""), "authorization", "Bearer key-b");

        assertThat(second).isEqualTo(first).doesNotContain("key");
        assertThat(standing().tenant()).isNotEqualTo(first);
    }

    @Test
    void withoutKeysAllAreOneTenant() throws Exception {
        client.post(CHAT, chat(", \"user\": \"u\""), "authorization", "Bearer made-up");

        assertThat(standing().tenant()).isEmpty();
    }

    @Test
    void fieldsThatAreTrustedTellTenantsApartWithinAKey() throws Exception {
        serve(
                new WaitingOptions(Duration.ZERO, WaitingOptions.TenantBy.SAFETY_IDENTIFIER),
                "key-a",
                "key-b");
        var field = ", \"safety_identifier\": \"s\"";
        client.post(CHAT, chat(""), "authorization", "Bearer key-a");
        var none = standing().tenant();
        client.post(CHAT, chat(field), "authorization", "Bearer key-a");
        var inA = standing().tenant();
        client.post(CHAT, chat(field), "authorization", "Bearer key-b");
        var inB = standing().tenant();

        assertThat(List.of(none, inA, inB)).doesNotHaveDuplicates();
        var wrong =
                client.post(
                        CHAT, chat(", \"safety_identifier\": 5"), "authorization", "Bearer key-a");
        assertThat(wrong.status()).isEqualTo(400);
        assertThat(wrong.json().at("/error/param").asString()).isEqualTo("safety_identifier");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoWaitedInVainIsAnswered429(boolean stream) throws Exception {
        fabric.script(
                (_, listener) -> {
                    listener.onShed(
                            new Admission.Shed(Cause.DEADLINE, 9, "the first token is late"));
                    return fabric.admitted();
                });

        var reply = client.post(CHAT, chat(", \"n\": 2, \"stream\": " + stream));

        assertThat(reply.status()).isEqualTo(429);
        assertThat(reply.header("retry-after")).isEqualTo("9");
        assertThat(reply.json().at("/error/message").asString())
                .isEqualTo("The first token is late.");
        assertThat(reply.json().at("/error/code").asString()).isEqualTo("overloaded");
    }

    private Standing standing() throws InterruptedException {
        var request = fabric.requests.poll(10, TimeUnit.SECONDS);
        assertThat(request).isNotNull();
        return request.standing();
    }

    private static String chat(String fields) {
        return "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]%s}".formatted(fields);
    }
}
