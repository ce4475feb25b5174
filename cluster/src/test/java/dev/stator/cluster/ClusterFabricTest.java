package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cluster.wire.Member;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.ClusterStatus;
import dev.stator.serving.Continuation;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import dev.stator.serving.ServiceClass;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A frontend and real nodes over the demonstration model, with faulty ways between them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ClusterFabricTest {
    private static final Path DEMO = Path.of(System.getProperty("stator.demo"));
    private static final int CONTEXT = 2048;
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    @TempDir Path folder;
    private LlamaEngine engine;
    private final List<Node> nodes = new ArrayList<>();
    private Optional<ClusterFabric> fabric = Optional.empty();
    private Consumer<List<Member>> group = _ -> {};

    private record Node(NodeFabric fabric, NodeServer server, FaultyProxy way, Member member) {}

    @BeforeAll
    void load() {
        engine =
                LlamaEngine.load(
                        LlamaOptions.of(
                                DEMO.resolve("model.gguf"),
                                Platform.libraries(Path.of(System.getProperty("stator.natives")))));
    }

    @AfterAll
    void unload() {
        engine.close();
    }

    @AfterEach
    void close() {
        fabric.ifPresent(ClusterFabric::close);
        fabric = Optional.empty();
        nodes.forEach(
                node -> {
                    node.way.close();
                    node.server.close();
                    node.fabric.close();
                });
        nodes.clear();
    }

    private static ClusterOptions member(String name, Optional<ClusterKey> key) {
        return new ClusterOptions("test", name, "1", "127.0.0.1", 0, 0, 0, List.of(), key);
    }

    /** Tests say themselves who is there. */
    static final class Alone implements Membership {
        @Override
        public List<Member> members() {
            return List.of();
        }

        @Override
        public void close() {}
    }

    private Node node(String name) {
        return node(name, Optional.empty());
    }

    private Node node(String name, Optional<ClusterKey> key) {
        var its =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                Mode.AUTO, 1, 1, CONTEXT, 4096, 8192, 32, 32, 512, 1, 15, 32L << 20,
                                folder, 64));
        var server =
                NodeServer.start(
                        member(name, key), WorkerRole.BOTH, its, "demo", (_, _, _) -> new Alone());
        var way = new FaultyProxy(server.port());
        var member = server.self().toBuilder().setPort(way.port()).build();
        var node = new Node(its, server, way, member);
        nodes.add(node);
        return node;
    }

    private ClusterFabric frontend(int retries, Duration patience) {
        return frontend(retries, patience, Optional.empty());
    }

    private ClusterFabric frontend(int retries, Duration patience, Optional<ClusterKey> key) {
        return frontend(Policy.PREDICTED, retries, patience, key);
    }

    private ClusterFabric frontend(
            Policy policy, int retries, Duration patience, Optional<ClusterKey> key) {
        var started =
                ClusterFabric.start(
                        member("f", key),
                        new FrontendOptions(
                                policy,
                                Mode.AUTO,
                                CONTEXT,
                                32,
                                ServiceClass.queue(64),
                                TIMEOUT,
                                retries,
                                patience),
                        engine.model(),
                        engine.tokenizer(),
                        Surroundings.of(
                                key,
                                (_, _, onChange) -> {
                                    group = onChange;
                                    return new Alone();
                                }));
        fabric = Optional.of(started);
        group.accept(nodes.stream().map(Node::member).toList());
        return started;
    }

    private ClusterFabric frontend() {
        return frontend(3, Duration.ofSeconds(30));
    }

    /** Keeps what it hears. */
    static final class Heard implements GenerationListener {
        record End(FinishReason reason, Account account) {}

        final List<Integer> tokens = new ArrayList<>();
        final StringBuilder text = new StringBuilder();
        final CompletableFuture<End> end = new CompletableFuture<>();
        final CompletableFuture<Admission.Shed> shed = new CompletableFuture<>();

        @Override
        public synchronized void onToken(GeneratedToken token) {
            tokens.add(token.sampled().token());
            text.append(token.text());
        }

        @Override
        public synchronized void onFinish(FinishReason reason, String tail, Account account) {
            text.append(tail);
            end.complete(new End(reason, account));
        }

        @Override
        public void onShed(Admission.Shed why) {
            shed.complete(why);
        }

        @Override
        public void onFailure(String message) {
            end.completeExceptionally(new IllegalStateException(message));
        }

        synchronized int count() {
            return tokens.size();
        }

        End await() throws Exception {
            return end.get(120, TimeUnit.SECONDS);
        }

        void awaitTokens(int count) throws InterruptedException {
            GroupTest.await(() -> count() >= count || end.isDone(), "tokens");
        }
    }

    /** Long and without an end of its own. */
    private GenerationRequest asked(String question, int tokens) {
        var text = "<|im_start|>user\nQuestion: %s<|im_end|>\n<|im_start|>assistant\n";
        var sampling =
                new SamplingOptions(
                        0,
                        1,
                        0,
                        0,
                        0.3f,
                        0,
                        1,
                        Map.of(1535, -100f),
                        OptionalLong.empty(),
                        false,
                        0,
                        Optional.empty());
        return new GenerationRequest(
                question,
                engine.tokenizer().encode(text.formatted(question), true, true),
                tokens,
                sampling,
                List.of(),
                Set.of(),
                false,
                "");
    }

    private static Heard start(ClusterFabric fabric, GenerationRequest request) {
        var heard = new Heard();
        assertThat(fabric.submit(request, heard)).isInstanceOf(Admission.Admitted.class);
        return heard;
    }

    /**
     * A question whose answer is the same when it goes on elsewhere. Sums are rounded in another
     * way where its first tokens are computed together, so it must not come to two tokens that are
     * all but equally likely.
     */
    private GenerationRequest steady(int tokens) throws Exception {
        for (var question : List.of("Who?", "Where?", "When?", "What?", "Which?", "Why?")) {
            var asked = asked(question, tokens);
            var whole = undisturbed(asked);
            boolean same = true;
            for (int cut = 25; same && cut < tokens; cut += 50) {
                int[] sent = whole.stream().limit(cut).mapToInt(Integer::intValue).toArray();
                same =
                        Continuation.of(asked, sent, engine.tokenizer())
                                        instanceof Continuation.Rest rest
                                && undisturbed(rest.request())
                                        .equals(whole.subList(cut, whole.size()));
            }
            if (same) {
                return asked;
            }
        }
        throw new AssertionError("each answer turns where it is gone on with");
    }

    private List<Integer> undisturbed(GenerationRequest request) throws Exception {
        try (var alone =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                Mode.AGGREGATED,
                                0,
                                1,
                                CONTEXT,
                                4096,
                                4096,
                                4,
                                32,
                                512,
                                1,
                                15,
                                0,
                                folder,
                                64))) {
            var heard = new Heard();
            alone.submit(request, heard);
            heard.await();
            return heard.tokens;
        }
    }

    private ClusterStatus status() {
        return fabric.orElseThrow().cluster().orElseThrow();
    }

    private Map<String, String> states() {
        var states = new TreeMap<String, String>();
        status().members().stream()
                .filter(member -> member.role().equals("node"))
                .forEach(member -> states.put(member.name(), member.state()));
        return states;
    }

    private void awaitStates(Map<String, String> expected) throws InterruptedException {
        GroupTest.await(() -> states().equals(expected), expected);
    }

    /** The node that generates, as the first with a running answer says. */
    private Node running() throws InterruptedException {
        GroupTest.await(
                () -> nodes.stream().anyMatch(node -> node.fabric.load(0).running() > 0),
                "running");
        return nodes.stream()
                .filter(node -> node.fabric.load(0).running() > 0)
                .findFirst()
                .orElseThrow();
    }

    private void assertQuiet(Node node) throws InterruptedException {
        GroupTest.await(
                () -> {
                    var load = node.fabric.load(0);
                    var cache = node.fabric.stats().cache();
                    return load.running() == 0
                            && load.waitingPrompts() == 0
                            && cache.getOrDefault("blocks_pinned", 0L) == 0
                            && cache.getOrDefault("blocks_claimed", 0L) == 0
                            && cache.getOrDefault("leases", 0L) == 0;
                },
                node.fabric.stats());
    }

    @Test
    void anAnswerIsThatOfTheNodeAndASecondTimeNothingIsComputed() throws Exception {
        node("a");
        node("b");
        var frontend = frontend();
        awaitStates(Map.of("a", "serving", "b", "serving"));
        var question = asked("Who? ".repeat(60), 40);

        var first = start(frontend, question);
        var end = first.await();
        assertThat(first.tokens).isEqualTo(undisturbed(question));
        assertThat(end.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(end.account().generated()).hasSize(40);
        assertThat(end.account().cachedTokens()).isZero();

        // Until the frontend has heard of the blocks.
        Thread.sleep(500);
        var second = start(frontend, question);
        // Where its blocks are, or wherever they are fetched to.
        assertThat(second.await().account().cachedTokens())
                .isGreaterThanOrEqualTo((question.prompt().length - 1) / 32 * 32);
        assertThat(second.tokens).isEqualTo(first.tokens);
        var routed = second.await().account().routed().orElseThrow();
        assertThat(routed.decision().plan().supply().blocks()).isPositive();
        assertThat(routed.actual()).isPresent();
    }

    @Test
    void whatAnotherNodeComputedIsFetchedFromIt() throws Exception {
        node("a");
        node("b");
        var frontend = frontend(Policy.ROUND_ROBIN, 3, Duration.ofSeconds(30), Optional.empty());
        awaitStates(Map.of("a", "serving", "b", "serving"));
        var question = asked("Who? ".repeat(120), 20);
        var first = start(frontend, question);
        var there = first.await().account().decodeWorker();
        // Until the frontend has heard of the blocks.
        Thread.sleep(500);

        var second = start(frontend, question);

        var account = second.await().account();
        assertThat(account.decodeWorker()).isNotEqualTo(there);
        assertThat(second.tokens).isEqualTo(first.tokens);
        assertThat(account.promptTokensBySource().getOrDefault("peer", 0))
                .isEqualTo(question.prompt().length - 1);
        assertThat(account.cachedTokens()).isPositive();
    }

    @Test
    void whenTheNodeDiesTheAnswerGoesOnAtAnother() throws Exception {
        node("a");
        node("b");
        var frontend = frontend();
        awaitStates(Map.of("a", "serving", "b", "serving"));
        var question = steady(400);
        var expected = undisturbed(question);

        var heard = start(frontend, question);
        heard.awaitTokens(20);
        var dead = running();
        dead.way.cut();

        assertThat(heard.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(heard.tokens).isEqualTo(expected);
        assertThat(heard.await().account().generated()).hasSize(400);
        assertThat(heard.await().account().decodeWorker()).doesNotStartWith(dead.member.getName());
        assertThat(status().counters()).containsEntry("moved", 1L).containsEntry("failed", 0L);
        for (var node : nodes) {
            assertQuiet(node);
        }

        dead.way.heal();
        awaitStates(Map.of("a", "serving", "b", "serving"));
    }

    @Test
    void whenTheNodeFreezesTheAnswerGoesOnAtAnotherAndNothingIsSaidTwice() throws Exception {
        node("a");
        node("b");
        var frontend = frontend();
        awaitStates(Map.of("a", "serving", "b", "serving"));
        var question = steady(400);
        var expected = undisturbed(question);

        var heard = start(frontend, question);
        heard.awaitTokens(20);
        var frozen = running();
        frozen.way.freeze();
        assertThat(heard.await().reason()).isEqualTo(FinishReason.LENGTH);
        // What was on its way comes now, to nobody.
        frozen.way.heal();

        assertThat(heard.tokens).isEqualTo(expected);
        awaitStates(Map.of("a", "serving", "b", "serving"));
        assertThat(heard.tokens).isEqualTo(expected);
        for (var node : nodes) {
            assertQuiet(node);
        }
    }

    @Test
    void whenANodeStopsItsAnswersGoOnElsewhereAndNoneFails() throws Exception {
        node("a");
        node("b");
        var frontend = frontend();
        awaitStates(Map.of("a", "serving", "b", "serving"));
        var questions = new ArrayList<GenerationRequest>();
        var answers = new ArrayList<Heard>();
        for (int i = 0; i < 6; i++) {
            questions.add(asked("Who " + i + "?", 200));
            answers.add(start(frontend, questions.getLast()));
        }
        for (var answer : answers) {
            answer.awaitTokens(5);
        }

        var stopping = running();
        stopping.server.drain(Duration.ZERO);

        for (int i = 0; i < 6; i++) {
            assertThat(answers.get(i).await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(answers.get(i).tokens).hasSize(200);
        }
        assertThat(status().counters()).containsEntry("failed", 0L).containsEntry("nodes_lost", 0L);
        assertThat(status().counters().get("moved")).isPositive();
        assertThat(states()).containsEntry(stopping.member.getName(), "draining");
        assertQuiet(stopping);
    }

    @Test
    void aRequestThatNodesDieOfIsNotTriedOnAllOfThem() throws Exception {
        var names = List.of("a", "b", "c", "d");
        for (var name : names) {
            node(name);
        }
        var serving = names.stream().collect(Collectors.toMap(each -> each, _ -> "serving"));
        var frontend = frontend();
        awaitStates(serving);
        // So long that a node has the request for a while before it says a word of its own.
        var question = asked("Who? ".repeat(400), 800);

        var heard = start(frontend, question);
        heard.awaitTokens(5);
        var alive = new ArrayList<>(nodes);
        var first = running();
        first.way.cut();
        alive.remove(first);
        while (!heard.end.isDone()) {
            for (var node : List.copyOf(alive)) {
                if (node.fabric.load(0).waitingPrompts() > 0) {
                    // A node counts once the frontend has heard that it has the request.
                    Thread.sleep(20);
                    node.way.cut();
                    alive.remove(node);
                }
            }
            Thread.sleep(1);
        }

        assertThat(heard.end)
                .failsWithin(Duration.ofMinutes(1))
                .withThrowableThat()
                .withMessageContaining("died one after the other");
        assertThat(status().counters()).containsEntry("quarantined", 1L);
        assertThat(alive).isNotEmpty();
        nodes.forEach(node -> node.way.heal());
        awaitStates(serving);
        assertThat(start(frontend, question).end)
                .failsWithin(Duration.ofMinutes(1))
                .withThrowableThat()
                .withMessageContaining("not tried again");
        assertThat(start(frontend, asked("And who?", 5)).await().reason())
                .isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void anAnswerIsGivenUpAfterSoManyLosses() throws Exception {
        node("a");
        node("b");
        var frontend = frontend(0, Duration.ofSeconds(30));
        awaitStates(Map.of("a", "serving", "b", "serving"));

        var heard = start(frontend, asked("Who?", 1500));
        heard.awaitTokens(5);
        running().way.cut();

        assertThat(heard.end)
                .failsWithin(Duration.ofMinutes(1))
                .withThrowableThat()
                .withMessageContaining("lost 1 times");
        assertThat(status().counters()).containsEntry("failed", 1L);
    }

    @Test
    void aRequestWaitsForANodeToComeAndIsShedIfNoneDoes() throws Exception {
        var frontend = frontend(3, Duration.ofSeconds(2));

        var late = start(frontend, asked("Who?", 5));
        assertThat(late.shed.get(60, TimeUnit.SECONDS).cause()).isEqualTo(Cause.DRAINING);
        assertThat(late.shed.join().reason()).contains("no node");
        assertThat(frontend.submit(asked("Who?", 5), new Heard()))
                .isInstanceOf(Admission.Shed.class);
        assertThat(status().wrong()).contains("no node serves the model");

        node("a");
        group.accept(nodes.stream().map(Node::member).toList());
        awaitStates(Map.of("a", "serving"));
        GroupTest.await(
                () -> frontend.submit(asked("Who?", 5), new Heard()) instanceof Admission.Admitted,
                "admitted");
    }

    @Test
    void aClientThatLeavesIsHeardOfAtTheNode() throws Exception {
        var node = node("a");
        var frontend = frontend();
        awaitStates(Map.of("a", "serving"));
        var heard = new Heard();

        var admitted = (Admission.Admitted) frontend.submit(asked("Who?", 1900), heard);
        heard.awaitTokens(5);
        admitted.cancel();

        assertThat(heard.await().reason()).isEqualTo(FinishReason.CANCELLED);
        assertQuiet(node);
        assertThat(heard.tokens).hasSizeLessThan(1900);
        assertThat(states()).containsEntry("a", "serving");
    }

    @Test
    void nodesThatServeSomethingElseAreRefusedInWords() throws Exception {
        var node = node("a");
        frontend();
        awaitStates(Map.of("a", "serving"));

        var shape = node.member.getShape();
        var other = shape.toBuilder().setModel("llama").setFingerprint("00ff").build();
        var coarse = shape.toBuilder().setBlockTokens(64).build();
        var small = shape.toBuilder().setContextTokens(512).build();
        group.accept(
                List.of(
                        node.member,
                        node.member.toBuilder().setName("b").setShape(other).build(),
                        node.member.toBuilder().setName("c").setShape(coarse).build(),
                        node.member.toBuilder().setName("d").setShape(small).build(),
                        node.member.toBuilder().setIncarnation(5).build()));

        assertThat(states()).isEqualTo(Map.of("a", "serving"));
        assertThat(status().wrong())
                .hasSize(4)
                .anyMatch(line -> line.contains("node b") && line.contains("serves llama"))
                .anyMatch(line -> line.contains("node c") && line.contains("--block-tokens"))
                .anyMatch(line -> line.contains("node d") && line.contains("512"))
                .anyMatch(line -> line.contains("call themselves a"));
    }

    @Test
    void aNodeAsksItsCallersForTheKey() throws Exception {
        byte[] other = new byte[32];
        other[0] = 1;
        node("a", Optional.of(ClusterKey.of(other)));
        frontend(3, Duration.ofSeconds(30), Optional.of(ClusterKey.of(new byte[32])));
        GroupTest.await(() -> states().containsValue("lost"), states());

        close();
        node("a", Optional.of(ClusterKey.of(other)));
        var knows = frontend(3, Duration.ofSeconds(30), Optional.of(ClusterKey.of(other)));
        awaitStates(Map.of("a", "serving"));
        assertThat(start(knows, asked("Who?", 5)).await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void badRequestsAreRefusedBeforeTheyGoAnywhere() {
        var frontend = frontend();
        assertThatThrownBy(() -> frontend.submit(asked("Who?", CONTEXT), new Heard()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("exceed the context");
    }
}
