package dev.stator.routing.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random arrivals, departures, refusals and cancellations. */
class RequestQueuePropertyTest {
    private static final int MAX_REQUESTS = 60;
    private static final int MAX_TOKENS = 20_000;
    private static final int MAX_PASSES = 5;

    private final Map<Long, Asked> waiting = new HashMap<>();
    private final Set<Long> ended = new HashSet<>();
    private final Line line =
            new Line(
                    QueueOptions.of(MAX_REQUESTS, MAX_TOKENS)
                            .withPassing(16, MAX_PASSES, Duration.ofSeconds(3)));

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void everyRequestStartsOrIsShedOrCancelledAndOnlyOnce(long seed) {
        var random = new Random(seed);
        for (long id = 0; id < 5000; id++) {
            line.pass(random.nextInt(40));
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> arrive(random(id, random));
                case 4, 5, 6, 7 -> depart(random.nextInt(1200));
                case 8 -> depart(Long.MAX_VALUE);
                default -> cancel(random);
            }
            checkBounds();
        }
        while (!waiting.isEmpty()) {
            int before = waiting.size();
            depart(Long.MAX_VALUE);
            assertThat(waiting.size()).as("somebody starts or is late").isLessThan(before);
        }
        assertThat(line.queue.wakeNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void startsFollowUpcoming(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < 40; i++) {
                arrive(random(1000L * round + i, random));
            }
            var expected = line.queue.upcoming(20).stream().map(Waiting::payload).toList();
            assertThat(line.startAll(20)).isEqualTo(expected);
            expected.forEach(waiting::remove);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void tenantsThatWaitGetEqualWorkWithinOneRequestOfEach(long seed) {
        var random = new Random(seed);
        int tenants = 5;
        int largest = 300;
        var fair = new Line(QueueOptions.of(100_000, 1L << 40));
        var had = new double[tenants];
        var all = new ArrayList<Asked>();
        for (int step = 0; step < 3000; step++) {
            for (int tenant = 0; tenant < tenants; tenant++) {
                // Tenant 0 floods; the others always have somebody waiting.
                for (int i = 0; i < (tenant == 0 ? 5 : 1); i++) {
                    var asked =
                            Asked.request(all.size())
                                    .of("" + tenant)
                                    .work(1 + random.nextInt(largest));
                    fair.queued(asked);
                    all.add(asked);
                }
            }
            var started = all.get(fair.start().orElseThrow().intValue());
            int tenant = Integer.parseInt(started.tenant());
            had[tenant] += started.workMillis();
            for (double one : had) {
                assertThat(Math.abs(one - had[tenant])).isLessThanOrEqualTo(2 * largest);
            }
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void aLargeRequestStartsThoughSmallOnesKeepComing(long seed) {
        var random = new Random(seed);
        int room = 1000;
        int small = 100;
        var busy =
                new Line(
                        QueueOptions.of(100_000, 1L << 40)
                                .withPassing(16, MAX_PASSES, Duration.ofHours(1)));
        var running = new ArrayList<>(List.of(room / 2));
        int passes = 0;
        busy.queued(Asked.request(0).of("large").tokens(room));
        for (long id = 1; id < 10_000; id++) {
            busy.queued(Asked.request(id).of("" + random.nextInt(3)).tokens(small));
            if (!running.isEmpty() && random.nextBoolean()) {
                running.remove(random.nextInt(running.size()));
                busy.queue.roomChanged();
            }
            long free = room - running.stream().mapToInt(Integer::intValue).sum();
            var started = busy.start(needed -> needed <= free);
            if (started.isPresent() && started.get() == 0) {
                assertThat(passes).isLessThanOrEqualTo(MAX_PASSES);
                return;
            }
            if (started.isPresent()) {
                running.add(small);
                passes++;
            }
        }
        throw new AssertionError("the large request did not start");
    }

    private Asked random(long id, Random random) {
        var asked =
                Asked.request(id)
                        .of("tenant " + random.nextInt(6))
                        .priority(random.nextInt(5) - 2)
                        .tokens(1 + random.nextInt(1000))
                        .work(1 + random.nextInt(500))
                        .firstToken(random.nextInt(100));
        return random.nextInt(3) == 0
                ? asked.dueAt(line.nanos / 1e6 + random.nextInt(5000))
                : asked;
    }

    private void arrive(Asked asked) {
        if (line.offer(asked) instanceof Admission.Queued) {
            waiting.put(asked.id(), asked);
        } else {
            end(asked.id());
        }
        dropShed();
    }

    private void depart(long room) {
        var started = line.startUpTo(room);
        dropShed();
        started.ifPresent(
                id -> {
                    checkOrder(id);
                    end(id);
                });
    }

    /** Nobody of the same tenant and class who needs no more room is due before it. */
    private void checkOrder(long id) {
        var it = Optional.ofNullable(waiting.get(id)).orElseThrow();
        for (var other : List.copyOf(waiting.values())) {
            boolean before =
                    other.tenant().equals(it.tenant())
                            && Integer.signum(other.priority()) == Integer.signum(it.priority())
                            && other.promptTokens() <= it.promptTokens()
                            && other.id() < it.id()
                            && other.deadlineNanos() <= it.deadlineNanos();
            assertThat(before).as("%s started before %s", it, other).isFalse();
        }
    }

    private void cancel(Random random) {
        var ids = List.copyOf(waiting.keySet());
        if (!ids.isEmpty()) {
            long id = ids.get(random.nextInt(ids.size()));
            assertThat(line.queue.remove(id)).contains(id);
            end(id);
        }
    }

    private void dropShed() {
        line.shed.keySet().forEach(this::end);
        line.shed.clear();
    }

    private void end(long id) {
        waiting.remove(id);
        assertThat(ended.add(id)).as("request %d ended once", id).isTrue();
    }

    private void checkBounds() {
        assertThat(line.queue.size()).isEqualTo(waiting.size()).isLessThanOrEqualTo(MAX_REQUESTS);
        assertThat(line.queue.upcoming(Integer.MAX_VALUE))
                .extracting(Waiting::payload)
                .containsExactlyInAnyOrderElementsOf(waiting.keySet());
        var tokens = waiting.values().stream().mapToInt(Asked::promptTokens).sum();
        assertThat(
                        line.queue.state().classes().stream()
                                .mapToLong(QueueState.ClassState::promptTokens)
                                .sum())
                .isEqualTo(tokens)
                .isLessThanOrEqualTo(MAX_TOKENS);
    }
}
