package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.queue.Admission;
import dev.stator.routing.queue.QueueOptions;
import dev.stator.routing.queue.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DispatcherTest {
    private final Scene scene = Scene.of(Mode.AGGREGATED);
    private final List<Long> bound = new ArrayList<>();
    private final List<Decision> decisions = new ArrayList<>();
    private final List<Long> shed = new ArrayList<>();
    private Consumer<Long> onBind = _ -> {};
    private Dispatcher<Long> dispatcher = dispatcher(QueueOptions.of(10, 100_000));

    private Dispatcher<Long> dispatcher(QueueOptions options) {
        return new Dispatcher<>(
                options,
                scene.router,
                scene::nanos,
                new Dispatcher.Binding<>() {
                    @Override
                    public void bind(Long payload, Decision decision) {
                        bound.add(payload);
                        decisions.add(decision);
                        onBind.accept(payload);
                    }

                    @Override
                    public void shed(Long payload, Admission.Shed why) {
                        shed.add(payload);
                    }
                });
    }

    @BeforeEach
    void oneWorkerThatRunsOneRequest() {
        scene.router.join(
                new WorkerSpec("w", "node", "kind", WorkerRole.DECODE, 1, Scene.KV_TOKENS, 1000));
    }

    @Test
    void whatCanStartIsBoundAtOnce() {
        assertThat(submit(1)).isEqualTo(new Admission.Queued(0));

        assertThat(bound).containsExactly(1L);
        assertThat(decisions.getFirst().plan().decodeWorker()).isEqualTo("w");
    }

    @Test
    void theOthersWaitUntilAWorkerHasRoom() {
        submit(1);
        submit(2);
        submit(3);
        assertThat(bound).containsExactly(1L);
        assertThat(dispatcher.upcoming(5)).extracting(Waiting::payload).containsExactly(2L, 3L);

        workerIsIdle();
        dispatcher.pump();

        assertThat(bound).containsExactly(1L, 2L);
        assertThat(dispatcher.state().requests()).isEqualTo(1);
    }

    @Test
    void whoIsOverdueIsBoundToAWorkerThatHasNoRoomYet() {
        submit(1);
        scene.router.join(new WorkerSpec("x", "node", "kind", WorkerRole.DECODE, 8, 1000, 1000));
        submit(2);
        dispatcher.submit(prompt(3, 20, Long.MAX_VALUE), 3L);
        assertThat(bound).as("2000 tokens do not fit beside another").containsExactly(1L, 2L);
        submit(4);
        assertThat(bound).as("one passes").containsExactly(1L, 2L, 4L);
        scene.advance(5000);

        dispatcher.pump();

        assertThat(bound).containsExactly(1L, 2L, 4L, 3L);
    }

    @Test
    void whoIsRemovedIsNotBound() {
        submit(1);
        submit(2);

        assertThat(dispatcher.remove(2)).isTrue();
        assertThat(dispatcher.remove(2)).isFalse();
        assertThat(dispatcher.remove(1)).as("bound already").isFalse();
        workerIsIdle();
        dispatcher.pump();

        assertThat(bound).containsExactly(1L);
    }

    @Test
    void aDecisionThatNobodyHasHeardOfCanStillBeTakenBack() {
        var removed = new AtomicBoolean();
        onBind =
                _ -> {
                    onBind = _ -> {};
                    submit(2);
                    workerIsIdle();
                    dispatcher.pump();
                    assertThat(bound).as("calls do not nest").containsExactly(1L);
                    removed.set(dispatcher.remove(2));
                };
        submit(1);

        assertThat(removed).isTrue();
        assertThat(bound).containsExactly(1L);
        submit(3);
        assertThat(bound).as("the room of 2 is free again").containsExactly(1L, 3L);
    }

    @Test
    void whoCannotBeInTimeIsShedWhenItArrivesOrLater() {
        submit(1);
        dispatcher.submit(prompt(2, 2, scene.nanos() + 2_000_000_000L), 2L);

        assertThat(dispatcher.submit(prompt(3, 2, scene.nanos() + 1), 3L))
                .isInstanceOf(Admission.Shed.class);
        assertThat(shed).as("3 has never waited").isEmpty();
        assertThat(dispatcher.wakeNanos()).isBetween(scene.nanos(), scene.nanos() + 1_000_000_000L);

        scene.advance(2000);
        dispatcher.pump();

        assertThat(shed).containsExactly(2L);
        assertThat(dispatcher.wakeNanos()).isEqualTo(Long.MAX_VALUE);
        assertThat(dispatcher.state().shedRequests()).isEqualTo(2);
    }

    @Test
    void whoWouldBeLateBecauseOfWhatWorkersHaveIsShedInsteadOfBound() {
        scene.router.join(
                new WorkerSpec("w", "node", "kind", WorkerRole.DECODE, 8, Scene.KV_TOKENS, 1000));
        scene.teach("w", 1);
        scene.waiting("w", 20_000);
        long inASecond = scene.nanos() + 1_000_000_000L;

        dispatcher.submit(prompt(1, 2, inASecond), 1L);

        assertThat(bound).isEmpty();
        assertThat(shed).as("20,000 tokens take 2 s").containsExactly(1L);
        assertThat(dispatcher.state().shed()).containsEntry(Admission.Cause.DEADLINE, 1L);

        dispatcher.submit(prompt(2, 2, scene.nanos() + 10_000_000_000L), 2L);
        assertThat(bound).containsExactly(2L);
    }

    @Test
    void whereNobodyMayWaitWhoCannotStartIsShedAtOnce() {
        dispatcher = dispatcher(QueueOptions.of(0, 100_000));
        assertThat(submit(1)).isInstanceOf(Admission.Queued.class);

        assertThat(submit(2)).isInstanceOf(Admission.Shed.class);

        workerIsIdle();
        dispatcher.pump();
        assertThat(submit(3)).isInstanceOf(Admission.Queued.class);
        assertThat(bound).containsExactly(1L, 3L);
        assertThat(shed).as("2 has never waited").isEmpty();
    }

    @Test
    void aDispatcherThatDrainsStartsWhoWaitsAndShedsWhoComes() {
        submit(1);
        submit(2);
        dispatcher.drain();

        assertThat(submit(3)).isInstanceOf(Admission.Shed.class);
        workerIsIdle();
        dispatcher.pump();

        assertThat(bound).containsExactly(1L, 2L);
        assertThat(dispatcher.state().draining()).isTrue();
    }

    @Test
    void anAbandonedDispatcherGivesBackWhoWaits() {
        submit(1);
        submit(2);
        submit(3);

        assertThat(dispatcher.abandon()).containsExactly(2L, 3L);

        workerIsIdle();
        dispatcher.pump();
        assertThat(bound).containsExactly(1L);
        assertThat(submit(4)).isInstanceOf(Admission.Shed.class);
    }

    @Test
    void whatWasDecidedButNotYetHeardOfIsAbandonedToo() {
        var left = new ArrayList<Long>();
        onBind =
                _ -> {
                    submit(2);
                    submit(3);
                    workerIsIdle();
                    dispatcher.pump();
                    left.addAll(dispatcher.abandon());
                };
        submit(1);

        assertThat(left).containsExactly(2L, 3L);
        assertThat(bound).containsExactly(1L);
    }

    @Test
    void callsComeOneAfterTheOtherInTheOrderOfDecisionsWhoeverCalls() throws Exception {
        int threads = 4;
        int each = 200;
        var busy = new AtomicBoolean();
        var overlaps = new ConcurrentLinkedQueue<Long>();
        dispatcher = dispatcher(QueueOptions.of(threads * each, 1L << 40));
        onBind =
                payload -> {
                    if (!busy.compareAndSet(false, true)) {
                        overlaps.add(payload);
                    }
                    scene.router.finished(payload);
                    dispatcher.pump();
                    busy.set(false);
                };
        try (var executor = Executors.newFixedThreadPool(threads)) {
            for (int thread = 0; thread < threads; thread++) {
                int from = thread * each;
                var _ =
                        executor.submit(
                                () -> LongStream.range(from, from + each).forEach(this::submit));
            }
        }

        assertThat(overlaps).isEmpty();
        assertThat(bound)
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.range(0, threads * each).boxed().toList());
        assertThat(decisions).extracting(Decision::number).isSorted();
        assertThat(dispatcher.state().requests()).isZero();
    }

    private Admission submit(long id) {
        return dispatcher.submit(prompt(id, 2, Long.MAX_VALUE), id);
    }

    private static RouteRequest prompt(long id, int blocks, long deadlineNanos) {
        return new RouteRequest(
                id,
                Scene.keys(id, blocks),
                Scene.BLOCK,
                blocks * Scene.BLOCK + 1,
                100,
                "",
                0,
                deadlineNanos);
    }

    /** It has heard of all decisions and finished what it was given. */
    private void workerIsIdle() {
        long seen = decisions.isEmpty() ? 0 : decisions.getLast().number();
        scene.router.report("w", new WorkerLoad(0, 0, 0, 0, 0, Scene.KV_TOKENS, seen));
    }
}
