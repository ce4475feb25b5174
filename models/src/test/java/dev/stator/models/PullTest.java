package dev.stator.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.models.FakeServer.Handler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PullTest {
    private static final RetryPolicy IMPATIENT =
            new RetryPolicy(4, Duration.ofMillis(1), Duration.ofSeconds(2), Duration.ofSeconds(20));
    private static final String ETAG = "\"v1\"";

    @TempDir static Path shared;

    @TempDir Path folder;

    private static byte[] model = new byte[0];
    private final List<FakeServer> servers = new ArrayList<>();

    @BeforeAll
    static void synthesise() throws IOException {
        var file = shared.resolve("tiny.gguf");
        Synth.write(
                new SynthOptions(Shape.named("tiny"), WeightType.Q4_0, file, Optional.empty(), 1),
                Progress.NONE);
        model = Files.readAllBytes(file);
    }

    @AfterEach
    void stopServers() throws IOException {
        for (var server : servers) {
            server.close();
            assertThat(server.failures()).isEmpty();
        }
    }

    // ---- from an address ----

    @Test
    void fetchesAFileOnceAndThenFindsIt() throws IOException {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));

        var pulled = pull(server.uri("/models/tiny.gguf"));
        var again = pull(server.uri("/models/tiny.gguf"));

        assertThat(pulled.downloaded()).isTrue();
        assertThat(pulled.model()).hasFileName("tiny.gguf").hasBinaryContent(model);
        assertThat(pulled.files()).containsExactly(pulled.model());
        assertThat(again.downloaded()).isFalse();
        assertThat(again.model()).isEqualTo(pulled.model());
        assertThat(server.requests()).hasSize(1);
        assertThat(names()).containsExactlyInAnyOrder("tiny.gguf", "tiny.gguf.lock");
    }

    @Test
    void keepsFilesOfDifferentAddressesApart() {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));

        assertThat(pull(server.uri("/a/model.gguf")).model())
                .isNotEqualTo(pull(server.uri("/b/model.gguf")).model());
    }

    @Test
    void followsRelativeAndAbsoluteRedirects() {
        var store = serve((request, answer) -> answer.range(request, model, ETAG, model.length));
        var server =
                serve(
                        (request, answer) -> {
                            switch (request.path()) {
                                case "/m.gguf" -> answer.head(302, "Location: b/c?x=1");
                                case "/b/c?x=1" -> answer.head(308, "Location: " + store.uri("/d"));
                                default -> answer.text(404, "");
                            }
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
        assertThat(store.requests()).hasSize(1);
    }

    @Test
    void givesUpOnRedirectsInACircle() {
        var server = serve((_, answer) -> answer.head(302, "Location: /m.gguf"));

        assertFails(() -> pull(server.uri("/m.gguf")), "redirects more than 10 times");
        assertThat(server.requests()).hasSize(11);
    }

    @ParameterizedTest
    @CsvSource({
        "ftp://h/x, cannot be fetched",
        "'http://h/a b', is not an address",
        "https:///x, cannot be fetched"
    })
    void refusesRedirectsToNowhere(String location, String reason) {
        var server = serve((_, answer) -> answer.head(302, "Location: " + location));

        assertFails(() -> pull(server.uri("/m.gguf")), reason);
    }

    @Test
    void refusesToLeaveHttps() {
        assertFails(
                () -> Http.target(URI.create("https://hub/x"), "http://hub/x"),
                "from https to unprotected http");
        assertThat(Http.target(URI.create("https://hub/a/x"), "y")).hasToString("https://hub/a/y");
        assertThat(Http.target(URI.create("http://hub/x"), "https://store/x"))
                .hasToString("https://store/x");
    }

    @Test
    void resumesWhereTheConnectionBroke() {
        var breaks = List.of(50_000, 120_000, model.length);
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) ->
                                answer.range(
                                        request, model, ETAG, breaks.get(turn.getAndIncrement())));

        var pulled = pull(server.uri("/m.gguf"));

        assertThat(pulled.model()).hasBinaryContent(model);
        assertThat(server.requests()).extracting(FakeServer.Request::from).first().isEqualTo(0);
        assertThat(server.requests()).extracting(FakeServer.Request::from).isSorted();
        assertThat(server.requests().getLast().from()).isBetween(1, 120_000);
        assertThat(server.requests().getLast().header("if-range")).contains(ETAG);
    }

    @Test
    void aLaterPullGoesOnFromAnEarlierOne() {
        var healed = new AtomicBoolean();
        var server = serve((request, answer) -> rangeUpTo100kB(request, answer, ETAG, healed));
        var uri = server.uri("/m.gguf");
        assertFails(() -> pull(uri), "Pull again to go on from");
        assertThat(names()).contains("m.gguf.part", "m.gguf.part.json").doesNotContain("m.gguf");
        healed.set(true);

        assertThat(pull(uri).model()).hasBinaryContent(model);
        assertThat(server.requests().getLast().from()).isBetween(1, 100_000);
        assertThat(names()).containsExactlyInAnyOrder("m.gguf", "m.gguf.lock");
    }

    @Test
    void startsAfreshWithoutAStrongEtag() {
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) ->
                                answer.range(
                                        request,
                                        model,
                                        "W/\"weak\"",
                                        turn.getAndIncrement() == 0 ? 70_000 : model.length));

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
        assertThat(server.requests()).extracting(FakeServer.Request::from).containsExactly(0, 0);
    }

    @Test
    void startsAfreshWhereTheServerIgnoresRanges() {
        var turn = new AtomicInteger();
        var server =
                serve(
                        (_, answer) -> {
                            answer.head(200, "Content-Length: " + model.length, "ETag: " + ETAG);
                            answer.bytes(
                                    model, 0, turn.getAndIncrement() == 0 ? 70_000 : model.length);
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
        assertThat(server.requests().getLast().from()).isPositive();
    }

    @Test
    void startsAfreshWhenTheFileChangesMeanwhile() {
        byte[] changed = model.clone();
        changed[changed.length - 1] ^= 1;
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) -> {
                            boolean first = turn.getAndIncrement() == 0;
                            answer.range(
                                    request,
                                    first ? model : changed,
                                    "\"" + Disk.sha256(first ? model : changed) + "\"",
                                    first ? 70_000 : changed.length);
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(changed);
    }

    @ParameterizedTest
    @CsvSource({
        "'ETag: \"v2\"', 0, 0",
        "'X: y', -7, 0",
        "'X: y', 0, 5",
    })
    void startsAfreshWhenTheServerSendsAnotherRange(String header, int shift, int longer) {
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) -> {
                            switch (turn.getAndIncrement()) {
                                case 0 -> answer.range(request, model, ETAG, 70_000);
                                case 1 -> {
                                    int from = request.from();
                                    answer.head(
                                            206,
                                            "Content-Length: " + (model.length - from),
                                            header,
                                            "Content-Range: bytes %d-%d/%d"
                                                    .formatted(
                                                            from + shift,
                                                            model.length - 1,
                                                            model.length + longer));
                                    answer.bytes(model, from, model.length);
                                }
                                default -> {
                                    assertThat(request.from()).isZero();
                                    answer.range(request, model, ETAG, model.length);
                                }
                            }
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
        assertThat(server.requests()).hasSize(3);
    }

    @Test
    void startsAfreshWhereTheRangeCannotBeSatisfied() {
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) -> {
                            switch (turn.getAndIncrement()) {
                                case 0 -> answer.range(request, model, ETAG, 70_000);
                                case 1 -> answer.text(416, "");
                                default -> answer.range(request, model, ETAG, model.length);
                            }
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
        assertThat(server.requests().getLast().from()).isZero();
    }

    @Test
    void damagedRemainsOfAnEarlierPullAreFetchedAgain() throws IOException {
        var hash = "\"" + Disk.sha256(model) + "\"";
        var healed = new AtomicBoolean();
        var server = serve((request, answer) -> rangeUpTo100kB(request, answer, hash, healed));
        var uri = server.uri("/m.gguf");
        assertFails(() -> pull(uri), "Pull again");
        healed.set(true);
        var part = only("m.gguf.part");
        byte[] remains = Files.readAllBytes(part);
        remains[remains.length / 2] ^= 1;
        Files.write(part, remains);

        assertThat(pull(uri).model()).hasBinaryContent(model);
        var last =
                server.requests().subList(server.requests().size() - 2, server.requests().size());
        assertThat(last.getFirst().from()).isPositive();
        assertThat(last.getLast().from()).isZero();
    }

    @Test
    void aServerThatLiesAboutTheLengthLeavesNoModel() {
        var server =
                serve(
                        (_, answer) -> {
                            answer.head(200, "Content-Length: " + (model.length + 100));
                            answer.bytes(model, 0, model.length);
                        });

        assertFails(() -> pull(server.uri("/m.gguf")), "cannot fetch " + server.uri("/m.gguf"));
        assertThat(server.requests()).hasSize(IMPATIENT.attempts());
        assertThat(names()).doesNotContain("m.gguf");
    }

    @Test
    void aModelCutShortLeavesNoFile() {
        // Without a length the end of the connection is the end of the file.
        var server =
                serve(
                        (_, answer) -> {
                            answer.head(200);
                            answer.bytes(model, 0, model.length - 1000);
                        });

        assertFails(
                () -> pull(server.uri("/m.gguf")),
                "is not a model and was deleted",
                "the download is incomplete");
        assertThat(names()).containsExactly("m.gguf.lock");
    }

    @Test
    void aWebPageIsNoModel() {
        var server = serve((_, answer) -> answer.text(200, "<!DOCTYPE html><p>Please log in"));

        assertFails(
                () -> pull(server.uri("/m.gguf")),
                "it begins with '<!DOCTYP', so it is a web page");
        assertThat(names()).containsExactly("m.gguf.lock");
    }

    @Test
    void contentThatDoesNotHashRightLeavesNoFile() {
        byte[] corrupt = model.clone();
        corrupt[corrupt.length - 5] ^= 1;
        var server =
                serve(
                        (_, answer) ->
                                answer.whole(200, corrupt, "ETag: \"" + Disk.sha256(model) + "\""));

        assertFails(
                () -> pull(server.uri("/m.gguf")),
                "has the SHA-256 " + Disk.sha256(corrupt) + " instead of " + Disk.sha256(model));
        assertThat(names()).containsExactly("m.gguf.lock");
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void checksTheHashThatTheUserGives() {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));
        var options = options(server.uri("/m.gguf").toString());

        assertFails(() -> fetch(options.withSha256("0".repeat(64))), "instead of 0000");
        assertThat(names()).containsExactly("m.gguf.lock");
        assertThat(fetch(options.withSha256(Disk.sha256(model).toUpperCase(Locale.ROOT))).model())
                .hasBinaryContent(model);
        assertFails(() -> options.withSha256("abc"), "'abc' is not a SHA-256");
    }

    @Test
    void aDamagedModelInTheCacheIsFetchedAgain() throws IOException {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));
        var file = pull(server.uri("/m.gguf")).model();
        Files.write(file, Arrays.copyOf(model, model.length / 2));

        assertThat(pull(server.uri("/m.gguf")).downloaded()).isTrue();
        assertThat(file).hasBinaryContent(model);
    }

    @ParameterizedTest
    @CsvSource({
        "401, wants credentials",
        "403, refuses access",
        "404, check the name",
        "410, check the name",
        "418, status 418"
    })
    void saysWhatARefusalMeansAndDoesNotInsist(int status, String sentence) {
        var server = serve((_, answer) -> answer.text(status, "no"));

        assertFails(() -> pull(server.uri("/m.gguf")), sentence);
        assertThat(server.requests()).hasSize(1);
        assertThat(names()).containsExactly("m.gguf.lock");
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 503})
    void triesAgainWhenTheServerStumbles(int status) {
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) -> {
                            if (turn.getAndIncrement() < 2) {
                                answer.text(status, "", "Retry-After: 0");
                            } else {
                                answer.range(request, model, ETAG, model.length);
                            }
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
    }

    @Test
    void givesUpOnAServerThatStaysDown() {
        var server = serve((_, answer) -> answer.text(503, ""));

        assertFails(() -> pull(server.uri("/m.gguf")), "status 503. Try again later");
        assertThat(server.requests()).hasSize(IMPATIENT.attempts());
    }

    @Test
    void doesNotWaitForHours() {
        var server = serve((_, answer) -> answer.text(429, "", "Retry-After: 7200"));

        assertFails(() -> pull(server.uri("/m.gguf")), "asks to wait 7200 s");
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void aConnectionThatStallsIsDropped() {
        var over = new CountDownLatch(1);
        var turn = new AtomicInteger();
        var server =
                serve(
                        (request, answer) -> {
                            if (turn.getAndIncrement() == 0) {
                                answer.range(request, model, ETAG, 70_000);
                                over.await();
                            } else {
                                answer.range(request, model, ETAG, model.length);
                            }
                        });
        var policy =
                new RetryPolicy(
                        4, Duration.ofMillis(1), Duration.ofSeconds(2), Duration.ofMillis(600));

        var pulled = Pull.fetch(options(server.uri("/m.gguf").toString()), Progress.NONE, policy);
        over.countDown();

        assertThat(pulled.model()).hasBinaryContent(model);
        assertThat(server.requests().getLast().from()).isPositive();
    }

    @Test
    void aSlowServerIsWaitedFor() {
        var server =
                serve(
                        (_, answer) -> {
                            answer.head(200, "Content-Length: " + model.length);
                            for (int at = 0; at < model.length; at += 1000) {
                                answer.bytes(model, at, Math.min(model.length, at + 1000));
                                Thread.onSpinWait();
                            }
                        });

        assertThat(pull(server.uri("/m.gguf")).model()).hasBinaryContent(model);
    }

    @Test
    void twoPullsOfOneFileDownloadItOnce() throws Exception {
        var both = new CountDownLatch(2);
        var server =
                serve(
                        (request, answer) -> {
                            both.countDown();
                            both.await();
                            answer.range(request, model, ETAG, model.length);
                        });
        var uri = server.uri("/m.gguf");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            // Whoever waits for the other reports it; the server holds the first until then.
            Callable<Pull.Pulled> pull =
                    () ->
                            Pull.fetch(
                                    options(uri.toString()),
                                    (_, _, _, _) -> both.countDown(),
                                    IMPATIENT);
            var one = threads.submit(pull);
            var other = threads.submit(pull);
            assertThat(one.get().model()).hasBinaryContent(model);
            assertThat(other.get().model()).isEqualTo(one.get().model());
            assertThat(one.get().downloaded()).isNotEqualTo(other.get().downloaded());
        }
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void reportsItsProgress() {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));
        var seen = new ArrayList<Long>();

        Pull.fetch(
                options(server.uri("/m.gguf").toString()),
                (file, bytes, total, _) -> {
                    assertThat(file).isEqualTo("m.gguf");
                    assertThat(total).hasValue(model.length);
                    seen.add(bytes);
                },
                IMPATIENT);

        assertThat(seen).isSorted().last().isEqualTo((long) model.length);
    }

    @Test
    void aFileThatTheDiskCannotHoldIsNotBegun() {
        var server = serve((_, answer) -> answer.head(200, "Content-Length: 900000000000000000"));

        assertFails(() -> pull(server.uri("/m.gguf")), "900.0 PB more are needed", "make room");
        assertThat(names()).containsExactly("m.gguf.lock");
    }

    @Test
    void refusesEncodedContent() {
        var server = serve((_, answer) -> answer.whole(200, model, "Content-Encoding: gzip"));

        assertFails(() -> pull(server.uri("/m.gguf")), "encoded as gzip");
    }

    @Test
    void saysThatNobodyListens() {
        var server = serve((_, _) -> {});
        var uri = server.uri("/m.gguf");
        stop(server);

        assertFails(() -> pull(uri), "cannot fetch " + uri, "Try again later");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%2e%2e%2fevil.gguf", "/a%5cb.gguf", "/.hidden.gguf", "/"})
    void writesOnlyHarmlessNames(String path) {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));

        assertFails(() -> pull(server.uri(path)), "names no file|is not a file name");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void fetchesAllPartsOfASplitModel() {
        var server = serve((request, answer) -> answer.range(request, model, ETAG, model.length));

        var pulled = pull(server.uri("/x/big-00002-of-00003.gguf?download=true"));

        assertThat(pulled.files())
                .extracting(file -> file.getFileName().toString())
                .containsExactly(
                        "big-00001-of-00003.gguf",
                        "big-00002-of-00003.gguf",
                        "big-00003-of-00003.gguf");
        assertThat(pulled.model()).isEqualTo(pulled.files().getFirst());
        assertThat(server.requests())
                .extracting(FakeServer.Request::path)
                .containsExactly(
                        "/x/big-00001-of-00003.gguf?download=true",
                        "/x/big-00002-of-00003.gguf?download=true",
                        "/x/big-00003-of-00003.gguf?download=true");
        assertFails(
                () ->
                        fetch(
                                options(server.uri("/x/big-00002-of-00003.gguf").toString())
                                        .withSha256("0".repeat(64))),
                "one SHA-256 cannot check it");
    }

    // ---- from a hub ----

    @Test
    void choosesQ4KMOfSeveralFiles() {
        var hub =
                hub(
                        "m-IQ4_K_M.gguf",
                        "m-Q4_K_M.gguf",
                        "m-Q8_0.gguf",
                        "mmproj-Q4_K_M.gguf",
                        "README.md");

        var pulled = fetch(hubOptions(hub, "hf:owner/repo"));

        assertThat(pulled.model())
                .isEqualTo(folder.resolve("hf/owner/repo/m-Q4_K_M.gguf"))
                .hasBinaryContent(model);
        assertThat(hub.requests())
                .extracting(FakeServer.Request::path)
                .containsExactly(
                        "/api/models/owner/repo?blobs=true",
                        "/owner/repo/resolve/main/m-Q4_K_M.gguf");
    }

    @Test
    void choosesByQuantisation() {
        var hub = hub("q8/m Q.Q8_0.gguf", "m-Q4_K_M.gguf");

        assertThat(fetch(hubOptions(hub, "hf:owner/repo:q8_0")).model())
                .isEqualTo(folder.resolve("hf/owner/repo/q8/m Q.Q8_0.gguf"));
        assertThat(hub.requests().getLast().path())
                .isEqualTo("/owner/repo/resolve/main/q8/m%20Q.Q8_0.gguf");
    }

    @Test
    void takesTheOnlyFile() {
        assertThat(fetch(hubOptions(hub("m-Q8_0.gguf", "config.json"), "hf:owner/repo")).model())
                .hasFileName("m-Q8_0.gguf");
    }

    @Test
    void listsTheChoicesWhereNoneIsPreferred() {
        var hub = hub("m-Q8_0.gguf", "m-Q6_K.gguf");

        assertFails(
                () -> fetch(hubOptions(hub, "hf:owner/repo")),
                "Name one as hf:owner/repo:FILE of: m-Q8_0.gguf, m-Q6_K.gguf");
        assertFails(
                () -> fetch(hubOptions(hub("a-Q4_K_M.gguf", "b-Q4_K_M.gguf"), "hf:owner/repo")),
                "has several files of Q4_K_M",
                "a-Q4_K_M.gguf, b-Q4_K_M.gguf");
        assertFails(
                () -> fetch(hubOptions(hub("model.safetensors"), "hf:owner/repo")),
                "has no GGUF file");
    }

    @Test
    void ignoresListedNamesThatLeaveTheFolder() {
        assertFails(
                () ->
                        fetch(
                                hubOptions(
                                        hub("../../evil.gguf", "/etc/evil.gguf", "a/../b.gguf"),
                                        "hf:owner/repo")),
                "has no GGUF file");
        assertFails(
                () -> fetch(hubOptions(hub("x.gguf"), "hf:owner/repo:../x.gguf")),
                "is not a file name");
    }

    @Test
    void aNamedFileNeedsNoListingAndIsFoundOffline() {
        var hub = hub("m-Q8_0.gguf");
        var options = hubOptions(hub, "hf:owner/repo:m-Q8_0.gguf");
        fetch(options);
        assertThat(hub.requests()).hasSize(1);
        stop(hub);

        assertThat(fetch(options).downloaded()).isFalse();
    }

    @Test
    void fetchesSplitModelsTogether() {
        var hub = hub("d/m-Q4_K_M-00001-of-00002.gguf", "d/m-Q4_K_M-00002-of-00002.gguf");

        assertThat(fetch(hubOptions(hub, "hf:owner/repo")).files()).hasSize(2);
        assertFails(
                () -> fetch(hubOptions(hub("m-Q4_K_M-00001-of-00002.gguf"), "hf:owner/repo")),
                "but not its other part m-Q4_K_M-00002-of-00002.gguf");
    }

    @Test
    void theTokenGoesToTheHubAlone() {
        var store = serve((request, answer) -> answer.range(request, model, ETAG, model.length));
        var hub =
                serve(
                        (_, answer) ->
                                answer.head(
                                        302,
                                        "Location: " + store.uri("/blob"),
                                        "X-Linked-Size: " + model.length,
                                        "X-Linked-ETag: \"" + Disk.sha256(model) + "\""));

        fetch(hubOptions(hub, "hf:owner/repo:m.gguf"));

        assertThat(hub.requests().getFirst().header("authorization")).contains("Bearer secret");
        assertThat(store.requests().getFirst().header("authorization")).isEmpty();
    }

    @Test
    void checksTheHashOfTheHubAgainstWhatTheStoreSends() {
        byte[] corrupt = model.clone();
        corrupt[corrupt.length - 5] ^= 1;
        var store =
                serve((request, answer) -> answer.range(request, corrupt, ETAG, corrupt.length));
        var hub =
                serve(
                        (_, answer) ->
                                answer.head(
                                        302,
                                        "Location: " + store.uri("/blob"),
                                        "X-Linked-ETag: \"" + Disk.sha256(model) + "\""));

        assertFails(
                () -> fetch(hubOptions(hub, "hf:owner/repo:m.gguf")),
                "instead of " + Disk.sha256(model));
        assertThat(names()).containsExactly("m.gguf.lock");
    }

    @Test
    void refusesAFileOfAnotherSizeThanTheHubStates() {
        var store = serve((request, answer) -> answer.range(request, model, ETAG, model.length));
        var hub =
                serve(
                        (_, answer) ->
                                answer.head(
                                        302, "Location: " + store.uri("/b"), "X-Linked-Size: 7"));

        assertFails(
                () -> fetch(hubOptions(hub, "hf:owner/repo:m.gguf")),
                "but the hub says that the file has 7");
    }

    @ParameterizedTest
    @CsvSource({"401, set HF_TOKEN", "403, accept the model's conditions", "404, check the name"})
    void explainsTheRefusalsOfAHub(int status, String sentence) {
        var hub = serve((_, answer) -> answer.text(status, "{}"));

        assertFails(() -> fetch(hubOptions(hub, "hf:owner/repo")), sentence);
        assertFails(() -> fetch(hubOptions(hub, "hf:owner/repo:m.gguf")), sentence);
    }

    @Test
    void asksAStumblingHubAgain() {
        var turn = new AtomicInteger();
        var hub =
                serve(
                        (request, answer) -> {
                            if (turn.getAndIncrement() < 2) {
                                answer.text(502, "");
                            } else if (request.path().startsWith("/api")) {
                                answer.text(200, "{\"siblings\":[{\"rfilename\":\"m.gguf\"}]}");
                            } else {
                                answer.range(request, model, ETAG, model.length);
                            }
                        });

        assertThat(fetch(hubOptions(hub, "hf:owner/repo")).model()).hasBinaryContent(model);
        var down = serve((_, answer) -> answer.text(502, ""));
        assertFails(() -> fetch(hubOptions(down, "hf:owner/repo")), "status 502. Try again later");
    }

    @Test
    void saysWhenTheEndpointIsNoHub() {
        var hub = serve((_, answer) -> answer.text(200, "<html>"));

        assertFails(() -> fetch(hubOptions(hub, "hf:owner/repo")), "check HF_ENDPOINT");
    }

    // ---- what users write ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "hf:",
                "hf:owner",
                "hf:owner/..",
                "hf:a/b/c",
                "hf:a/b c",
                "ftp://h/x.gguf",
                "https://",
                "http://h/a b.gguf",
                "https://me:secret@h/x.gguf"
            })
    void saysHowToNameAModel(String source) {
        assertFails(
                () -> fetch(options(source)),
                "Write hf:|cannot be fetched|cannot be pulled|not an address");
    }

    @Test
    void theEnvironmentSetsFolderEndpointAndToken() {
        var options =
                PullOptions.of(
                        "hf:a/b",
                        Map.of(
                                "STATOR_MODELS", "/m",
                                "HF_ENDPOINT", "https://mirror.example/hub/",
                                "HF_TOKEN", " secret "));
        assertThat(options.folder()).isEqualTo(Path.of("/m"));
        assertThat(options.endpoint()).hasToString("https://mirror.example/hub");
        assertThat(options.token()).contains("secret");
        assertThat(options.toString()).doesNotContain("secret");

        assertThat(PullOptions.cacheFolder(Map.of("XDG_CACHE_HOME", "/c")))
                .isEqualTo(Path.of("/c/stator/models"));
        assertThat(PullOptions.cacheFolder(Map.of("XDG_CACHE_HOME", "relative")))
                .isEqualTo(Path.of(System.getProperty("user.home"), ".cache/stator/models"));
        assertThat(PullOptions.of("hf:a/b", Map.of()).endpoint())
                .hasToString("https://huggingface.co");
        assertFails(
                () -> PullOptions.of("hf:a/b", Map.of("HF_ENDPOINT", "mirror example")),
                "correct HF_ENDPOINT");
        assertFails(
                () -> PullOptions.of("hf:a/b", Map.of("HF_ENDPOINT", "ftp://mirror")),
                "correct HF_ENDPOINT");
    }

    // ---- means ----

    /** A hub that lists files, all of them the same model. */
    private FakeServer hub(String... files) {
        var siblings = new ArrayList<String>();
        for (var file : files) {
            siblings.add(
                    "{\"rfilename\":\"%s\",\"size\":%d,\"lfs\":{\"sha256\":\"%s\"}}"
                            .formatted(file, model.length, Disk.sha256(model)));
        }
        var listing = "{\"siblings\":[%s]}".formatted(String.join(",", siblings));
        return serve(
                (request, answer) -> {
                    if (request.path().startsWith("/api/")) {
                        answer.text(200, listing);
                    } else {
                        answer.range(request, model, ETAG, model.length);
                    }
                });
    }

    /** Never gets beyond 100 kB until it is healed. */
    private static void rangeUpTo100kB(
            FakeServer.Request request, FakeServer.Answer answer, String etag, AtomicBoolean healed)
            throws IOException {
        answer.range(request, model, etag, healed.get() ? model.length : 100_000);
    }

    private FakeServer serve(Handler handler) {
        var server = FakeServer.start(handler);
        servers.add(server);
        return server;
    }

    private static void stop(FakeServer server) {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Pull.Pulled pull(URI uri) {
        return fetch(options(uri.toString()));
    }

    private static Pull.Pulled fetch(PullOptions options) {
        return Pull.fetch(options, Progress.NONE, IMPATIENT);
    }

    private PullOptions options(String source) {
        return PullOptions.of(source, Map.of()).withFolder(folder);
    }

    private PullOptions hubOptions(FakeServer hub, String source) {
        return PullOptions.of(
                        source, Map.of("HF_ENDPOINT", hub.uri("").toString(), "HF_TOKEN", "secret"))
                .withFolder(folder);
    }

    /** Names of all files below the folder. */
    private List<String> names() {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path only(String name) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> file.endsWith(name)).findFirst().orElseThrow();
        }
    }

    /** Every sentence may be a pattern. */
    private static void assertFails(ThrowingCallable call, String... sentences) {
        var thrown = assertThatThrownBy(call).isInstanceOf(ModelFileException.class);
        for (var sentence : sentences) {
            thrown.satisfies(
                    failure ->
                            assertThat(failure.getMessage())
                                    .satisfiesAnyOf(
                                            message -> assertThat(message).contains(sentence),
                                            message ->
                                                    assertThat(message).containsPattern(sentence)));
        }
    }
}
