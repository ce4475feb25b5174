package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.routing.queue.Admission.Cause;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A node that generates one answer at a time, so that all other requests wait. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class QueueingTest {
    private static final long MIB = 1 << 20;
    private static final int BLOCK = 32;
    private static final int LONG_ANSWER = 7900;

    @TempDir Path folder;
    private LlamaEngine engine;
    private final List<String> begun = Collections.synchronizedList(new ArrayList<>());

    @BeforeAll
    void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    @Test
    void aHigherClassStartsFirst() throws Exception {
        try (var node = node(16, 0)) {
            var blocker = blocker(node, ServiceClass.FLEX);
            var last = ask(node, "flex", ServiceClass.FLEX, "");
            ask(node, "default", ServiceClass.DEFAULT, "");
            ask(node, "priority", ServiceClass.PRIORITY, "");

            blocker.cancel();
            last.await();

            assertThat(begun).containsExactly("priority", "default", "flex");
        }
    }

    @Test
    void aTenantThatFloodsDelaysOthersByOneRequest() throws Exception {
        try (var node = node(16, 0)) {
            var blocker = blocker(node, ServiceClass.DEFAULT);
            var answers = new ArrayList<Collected>();
            for (int i = 0; i < 4; i++) {
                answers.add(ask(node, "flood " + i, ServiceClass.DEFAULT, "flood"));
            }
            answers.add(ask(node, "other", ServiceClass.DEFAULT, "other"));

            blocker.cancel();
            for (var answer : answers) {
                answer.await();
            }

            assertThat(begun.indexOf("other")).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void whoCannotMakeItsDeadlineIsShedWhileItWaits() throws Exception {
        try (var node = node(16, 0)) {
            // The router learns what a prompt takes.
            ask(node, "first", ServiceClass.DEFAULT, "").await();
            var blocker = blocker(node, ServiceClass.DEFAULT);
            var hurried = new Hurried();

            assertThat(node.submit(request(1, 4, due(2000)), hurried))
                    .isInstanceOf(Admission.Admitted.class);

            var shed = hurried.shed.get(60, TimeUnit.SECONDS);
            assertThat(shed.cause()).isEqualTo(Cause.DEADLINE);
            assertThat(shed.retryAfterSeconds()).isBetween(1, 60);
            assertThat(shed.reason()).contains("the first token is due");
            assertThat(node.stats().queue().requests()).isZero();
            assertThat(node.stats().queue().shed()).containsEntry(Cause.DEADLINE, 1L);
            blocker.cancel();
        }
    }

    @Test
    void whoComesTooLateIsShedAtOnce() {
        try (var node = node(16, 0)) {
            assertThat(node.submit(request(1, 4, due(-1)), new Hurried()))
                    .isInstanceOfSatisfying(
                            Admission.Shed.class,
                            shed -> assertThat(shed.cause()).isEqualTo(Cause.DEADLINE));
        }
    }

    @Test
    void whoMakesItsDeadlineIsAnswered() throws Exception {
        try (var node = node(16, 0)) {
            var collected = new Collected();
            node.submit(request(1, 4, due(60_000)), collected);

            assertThat(collected.await().reason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void withoutAQueueARequestStartsAtOnceOrIsShed() throws Exception {
        try (var node = node(0, 0)) {
            var blocker = blocker(node, ServiceClass.DEFAULT);

            assertThat(node.submit(request(1, 4, Standing.USUAL), new Collected()))
                    .isInstanceOfSatisfying(
                            Admission.Shed.class,
                            shed -> assertThat(shed.cause()).isEqualTo(Cause.QUEUE_FULL));
            blocker.cancel();
        }
    }

    @Test
    void blocksThatTheNextRequestsWillWantArePinnedUntilTheyLeave() throws Exception {
        try (var node = node(16, 64 * MIB)) {
            var first = new Collected();
            node.submit(request(7, 4, Standing.USUAL), first);
            first.await();
            var blocker = blocker(node, ServiceClass.DEFAULT);
            assertThat(pinned(node)).isZero();

            var waits = new Collected();
            var handle = (Admission.Admitted) node.submit(request(7, 4, Standing.USUAL), waits);
            assertThat(pinned(node)).isEqualTo(200 / BLOCK + 1);

            handle.cancel();
            waits.await();
            assertThat(pinned(node)).isZero();
            blocker.cancel();
        }
    }

    @Test
    void onlyAPartOfTheCacheIsPinnedForThoseWhoWait() throws Exception {
        // 40 blocks of 61,440 bytes, a quarter of which may be kept.
        try (var node = node(64, 40 * 61_440)) {
            var first = new Collected();
            node.submit(request(7, 4, Standing.USUAL), first);
            first.await();
            var blocker = blocker(node, ServiceClass.DEFAULT);
            var waiting = new ArrayList<Admission.Admitted>();
            for (int i = 0; i < 20; i++) {
                waiting.add(
                        (Admission.Admitted)
                                node.submit(request(7, 4, Standing.USUAL), new Collected()));
            }

            assertThat(pinned(node)).isBetween(1L, 10L);

            node.drain();
            waiting.forEach(Admission.Admitted::cancel);
            assertThat(pinned(node)).isZero();
            blocker.cancel();
        }
    }

    @Test
    void whoWaitsWhenTheNodeClosesHearsSo() throws Exception {
        var waits = new Collected();
        try (var node = node(16, 64 * MIB)) {
            blocker(node, ServiceClass.DEFAULT);
            node.submit(request(1, 4, due(600_000)), waits);
        }
        assertThat(waits.end).failsWithin(60, TimeUnit.SECONDS);
    }

    private static long pinned(NodeFabric node) {
        return node.stats().cache().getOrDefault("blocks_pinned", 0L);
    }

    private NodeFabric node(int maxQueue, long hostBytes) {
        begun.clear();
        return NodeFabric.start(
                engine,
                new NodeOptions(
                        Mode.AGGREGATED,
                        0,
                        1,
                        8192,
                        8192,
                        8192,
                        1,
                        BLOCK,
                        512,
                        2,
                        15,
                        hostBytes,
                        folder,
                        maxQueue));
    }

    /** An answer that runs, and goes on for long. */
    private static Admission.Admitted blocker(NodeFabric node, ServiceClass its) throws Exception {
        var running = new CompletableFuture<Void>();
        var collected = new Collected();
        collected.onFirst = java.util.Optional.of(() -> running.complete(null));
        var standing = new Standing(its, "blocker", Long.MAX_VALUE);
        var admitted =
                (Admission.Admitted) node.submit(request(99, LONG_ANSWER, standing), collected);
        running.get(60, TimeUnit.SECONDS);
        return admitted;
    }

    private Collected ask(NodeFabric node, String name, ServiceClass its, String tenant) {
        var collected = new Collected();
        collected.onFirst = java.util.Optional.of(() -> begun.add(name));
        var standing = new Standing(its, tenant, Long.MAX_VALUE);
        assertThat(node.submit(request(name.hashCode(), 4, standing), collected))
                .isInstanceOf(Admission.Admitted.class);
        return collected;
    }

    private static Standing due(long millis) {
        return new Standing(ServiceClass.DEFAULT, "", System.nanoTime() + millis * 1_000_000);
    }

    private static GenerationRequest request(int seed, int maxTokens, Standing standing) {
        int length = maxTokens == LONG_ANSWER ? 20 : 200;
        return new GenerationRequest(
                "test",
                new Random(seed).ints(length, 300, 1500).toArray(),
                maxTokens,
                SamplingOptions.GREEDY,
                List.of(),
                Set.of(),
                true,
                "",
                standing);
    }

    /** Expects to be shed. */
    private static final class Hurried implements GenerationListener {
        final CompletableFuture<Admission.Shed> shed = new CompletableFuture<>();

        @Override
        public void onToken(GeneratedToken token) {
            shed.completeExceptionally(new AssertionError("a token came"));
        }

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            shed.completeExceptionally(new AssertionError("it was answered"));
        }

        @Override
        public void onShed(Admission.Shed why) {
            shed.complete(why);
        }

        @Override
        public void onFailure(String message) {
            shed.completeExceptionally(new AssertionError(message));
        }
    }
}
