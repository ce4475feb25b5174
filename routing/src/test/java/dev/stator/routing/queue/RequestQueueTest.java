package dev.stator.routing.queue;

import static dev.stator.routing.queue.Asked.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RequestQueueTest {
    private static final QueueOptions ROOMY =
            QueueOptions.of(1000, 1_000_000).withPassing(8, 3, Duration.ofSeconds(1));

    private Line line = new Line(ROOMY);

    @Nested
    class WithinATenant {
        @Test
        void whoComesFirstStartsFirst() {
            line.queued(request(3), request(1), request(2));

            assertThat(line.startAll()).containsExactly(3L, 1L, 2L);
        }

        @Test
        void whoIsDueFirstStartsFirst() {
            line.queued(request(1).dueAt(9000), request(2).dueAt(7000), request(3).dueAt(8000));

            assertThat(line.startAll()).containsExactly(2L, 3L, 1L);
        }

        @Test
        void withoutADeadlineARequestIsDueWhenThePatienceOfItsClassEnds() {
            line.queued(request(1).dueAt(40_000), request(2), request(3).dueAt(29_999));

            assertThat(line.startAll())
                    .as("a deadline that is farther away counts no more than none")
                    .containsExactly(3L, 1L, 2L);
        }
    }

    @Nested
    class AmongTenants {
        @Test
        void equalTenantsAlternate() {
            line.queued(request(1).of("a"), request(2).of("a"), request(3).of("a"));
            line.queued(request(4).of("b"), request(5).of("b"), request(6).of("b"));

            assertThat(line.startAll()).containsExactly(1L, 4L, 2L, 5L, 3L, 6L);
        }

        @Test
        void workCountsAndNotRequests() {
            line.queued(request(1).of("a").work(300), request(2).of("a").work(300));
            for (int id = 3; id <= 8; id++) {
                line.queued(request(id).of("b").work(100));
            }

            assertThat(line.startAll()).containsExactly(1L, 3L, 4L, 5L, 2L, 6L, 7L, 8L);
        }

        @Test
        void whoHasMoreWeightGetsMoreInProportion() {
            line = new Line(ROOMY.withTenantWeights(Map.of("a", 2.0)));
            for (int id = 1; id <= 20; id++) {
                line.queued(request(id).of("a"), request(100 + id).of("b"));
            }

            assertThat(line.startAll(15)).filteredOn(id -> id < 100).hasSize(10);
        }

        @Test
        void aFloodDelaysANewcomerByOneRequest() {
            for (int id = 1; id <= 500; id++) {
                line.queued(request(id).of("flood"));
            }
            line.startAll(100);
            line.queued(request(1000).of("other"));

            assertThat(line.startAll(2)).contains(1000L);
        }

        @Test
        void whoHasHadATurnRecentlyIsNotTakenForANewcomer() {
            for (int id = 1; id <= 5; id++) {
                line.queued(request(id).of("a"), request(10 + id).of("b"));
            }
            line.queued(request(20).of("c").work(1000));
            assertThat(line.startAll(3)).containsExactly(1L, 11L, 20L);

            line.queued(request(21).of("c"));

            assertThat(line.startAll()).endsWith(21L);
        }

        @Test
        void whoWasAwayHasSavedNoTurns() {
            for (int id = 1; id <= 20; id++) {
                line.queued(request(id).of("a"));
            }
            line.startAll(10);
            for (int id = 101; id <= 110; id++) {
                line.queued(request(id).of("b"));
            }

            assertThat(line.startAll(10)).filteredOn(id -> id < 100).hasSize(5);
        }
    }

    @Nested
    class AmongClasses {
        @Test
        void theyShareByWeight() {
            line =
                    new Line(
                            ROOMY.withClasses(
                                    List.of(
                                            new ClassOptions("high", 0, 3, Duration.ZERO),
                                            new ClassOptions("low", -1, 1, Duration.ZERO))));
            for (int id = 1; id <= 100; id++) {
                line.queued(request(id), request(1000 + id).priority(-1));
            }

            assertThat(line.startAll(40)).filteredOn(id -> id < 1000).hasSize(30);
        }

        @Test
        void aHigherClassDoesNotWaitBehindTheRequestsOfALower() {
            for (int id = 1; id <= 100; id++) {
                line.queued(request(id).priority(-1));
            }
            line.startAll(10);
            line.queued(request(1000).priority(1));

            assertThat(line.start()).contains(1000L);
        }

        @Test
        void aLowerClassIsNotStarvedBySteadyArrivalsInAHigher() {
            line.queued(request(1).priority(-1));
            long id = 100;
            while (line.queue.remove(1).isPresent()) {
                line.queued(request(1).priority(-1));
                line.queued(request(id++).priority(1), request(id++).priority(1));
                assertThat(line.start()).isPresent();
                assertThat(id).isLessThan(1000);
            }
        }

        @Test
        void prioritiesOutsideOfAllBandsBelongToTheLastClass() {
            line.queued(request(1).priority(-1000));

            assertThat(line.queue.state().classes().getLast().requests()).isEqualTo(1);
        }
    }

    @Nested
    class WhenTheNextCannotStart {
        @Test
        void othersMayPassSoManyTimes() {
            line.queued(request(1).tokens(500));
            for (int id = 2; id <= 9; id++) {
                line.queued(request(id).tokens(100));
            }

            assertThat(line.startUpTo(100)).contains(2L);
            assertThat(line.startUpTo(100)).contains(3L);
            assertThat(line.startUpTo(100)).contains(4L);
            assertThat(line.overdues).isEmpty();
            assertThat(line.startUpTo(100)).as("the fourth pass").isEmpty();
            assertThat(line.overdues).containsExactly(1L);
            assertThat(line.startUpTo(500)).contains(1L);
            assertThat(line.startUpTo(100)).contains(5L);
        }

        @Test
        void othersMayPassForSoLongAfterTheFirst() {
            line.queued(request(1).tokens(500), request(2), request(3), request(4));
            line.pass(5000);
            assertThat(line.startUpTo(100)).contains(2L);
            line.pass(999);
            assertThat(line.startUpTo(100)).contains(3L);
            line.pass(1);

            assertThat(line.startUpTo(100)).isEmpty();
            assertThat(line.overdues).containsExactly(1L);
        }

        @Test
        void withoutPassesNobodyIsOverdue() {
            line.queued(request(1), request(2));

            for (int i = 0; i < 100; i++) {
                assertThat(line.startUpTo(50)).isEmpty();
                line.pass(100);
            }

            assertThat(line.overdues).isEmpty();
        }

        @Test
        void aRequestOfTheSameTenantMayPassAsWell() {
            line.queued(request(1).of("a").tokens(500), request(2).of("a"), request(3).of("b"));

            assertThat(line.startUpTo(100)).contains(3L);
            assertThat(line.startUpTo(100)).contains(2L);
        }

        @Test
        void eachIsAskedAboutOnceUntilRoomChanges() {
            line.queued(request(1), request(2).tokens(200));
            assertThat(line.startUpTo(50)).isEmpty();
            line.queued(request(3).tokens(40));
            assertThat(line.start(tokens -> tokens <= 50)).contains(3L);
            assertThat(line.askedFor).containsExactly(1L, 2L, 3L);

            assertThat(line.startUpTo(100)).contains(1L);
        }

        @Test
        void onlySoManyAreLookedAt() {
            for (int id = 1; id <= 8; id++) {
                line.queued(request(id).tokens(500));
            }
            line.queued(request(9).tokens(10));

            assertThat(line.startUpTo(10)).isEmpty();
        }

        @Test
        void withoutPassingTheLineStandsStill() {
            line = new Line(ROOMY.withPassing(8, 0, Duration.ZERO));
            line.queued(request(1).tokens(500), request(2));
            assertThat(line.startUpTo(100)).isEmpty();
            assertThat(line.overdues).isEmpty();

            assertThat(line.queue.remove(1)).contains(1L);

            assertThat(line.start(tokens -> tokens <= 100)).contains(2L);
        }
    }

    @Nested
    class Deadlines {
        Deadlines() {
            var firstComeFirstServed = new ClassOptions("only", 0, 1, Duration.ZERO);
            line = new Line(ROOMY.withClasses(List.of(firstComeFirstServed)));
        }

        @Test
        void whatCannotBeInTimeEvenIfItStartsNowIsShed() {
            var answer = line.offer(request(1).firstToken(500).dueAt(400));

            assertThat(answer)
                    .isEqualTo(
                            new Admission.Shed(
                                    Admission.Cause.DEADLINE,
                                    1,
                                    "the first token is due in 400 ms and predicted in 500 ms"));
            assertThat(line.queue.size()).isZero();
        }

        @Test
        void aDeadlineThatHasPassedIsSaidToHavePassed() {
            assertThat(line.offer(request(1).firstToken(500).dueAt(-2)))
                    .isEqualTo(
                            new Admission.Shed(
                                    Admission.Cause.DEADLINE,
                                    1,
                                    "the first token was due 2 ms ago and predicted in 500 ms"));
        }

        @Test
        void theWaitIsPredictedFromHowFastTheClassDrained() {
            backlogThatDrainsAtHalfSpeed();

            assertThat(line.offer(request(100)))
                    .isInstanceOfSatisfying(
                            Admission.Queued.class,
                            queued ->
                                    assertThat(queued.waitMillis())
                                            .isCloseTo(5 * 2 * 100, within(0.01)));
            assertThat(line.offer(request(101).dueAt(line.nanos / 1e6 + 1200)))
                    .as("six before it take 1200 ms, its own first token 10 ms")
                    .isEqualTo(
                            new Admission.Shed(
                                    Admission.Cause.DEADLINE,
                                    1,
                                    "the first token is due in 1200 ms and predicted in 1210 ms"));
        }

        @Test
        void anEarlierDeadlineWaitsForLess() {
            line = new Line(ROOMY);
            backlogThatDrainsAtHalfSpeed();
            line.queued(request(100).dueAt(line.nanos / 1e6 + 2000));

            assertThat(line.offer(request(101).dueAt(line.nanos / 1e6 + 1500)))
                    .isInstanceOf(Admission.Queued.class);
            assertThat(line.queue.upcoming(2))
                    .extracting(Waiting::payload)
                    .containsExactly(101L, 100L);
        }

        @Test
        void anotherTenantDoesNotWaitForTheBacklogOfOne() {
            backlogThatDrainsAtHalfSpeed();

            assertThat(line.offer(request(100).of("other"))).isEqualTo(new Admission.Queued(0));
        }

        @Test
        void retryAfterIsWhenItWouldBeInTime() {
            backlogThatDrainsAtHalfSpeed();
            line.queued(request(100).work(20_000));

            var answer = line.offer(request(101).dueAt(line.nanos / 1e6 + 1010));

            assertThat(answer)
                    .isInstanceOfSatisfying(
                            Admission.Shed.class,
                            shed -> assertThat(shed.retryAfterSeconds()).isEqualTo(40));
        }

        @Test
        void whoWaitsIsShedWhenItGetsTooLateForIt() {
            line.queued(request(1).dueAt(1000));
            assertThat(line.queue.wakeNanos()).isEqualTo(495_000_000);

            line.pass(990);
            assertThat(line.startUpTo(0)).isEmpty();
            assertThat(line.shed).isEmpty();
            assertThat(line.queue.wakeNanos()).isEqualTo(990_000_001);
            line.pass(1);
            assertThat(line.startUpTo(0)).isEmpty();

            assertThat(line.shed).containsOnlyKeys(1L);
            assertThat(line.queue.size()).isZero();
            assertThat(line.queue.wakeNanos()).isEqualTo(Long.MAX_VALUE);
        }

        @Test
        void whoWaitsIsShedEarlyWhenTheQueueDrainsSlowerThanItDid() {
            backlogThatDrainsAtHalfSpeed();
            line.queued(request(100).dueAt(line.nanos / 1e6 + 1500));

            line.pass(800);
            line.startUpTo(0);

            assertThat(line.shed.get(100L))
                    .extracting(Admission.Shed::cause)
                    .isEqualTo(Admission.Cause.DEADLINE);
        }

        /** Five requests of 100 ms wait; others started every 200 ms. */
        private void backlogThatDrainsAtHalfSpeed() {
            for (int id = 1; id <= 15; id++) {
                line.queued(request(id));
            }
            for (int i = 0; i < 10; i++) {
                line.pass(200);
                line.start();
            }
        }
    }

    @Nested
    class WhenFull {
        @Test
        void theNewcomerIsShed() {
            line = new Line(QueueOptions.of(2, 1_000_000));
            line.queued(request(1), request(2));

            assertThat(line.offer(request(3)))
                    .isEqualTo(
                            new Admission.Shed(
                                    Admission.Cause.QUEUE_FULL,
                                    1,
                                    "all workers are busy and the queue is full: 2 requests with"
                                            + " 200 prompt tokens wait"));
            assertThat(line.startAll()).containsExactly(1L, 2L);
        }

        @Test
        void aClassCanHaveABoundOfItsOwn() {
            line =
                    new Line(
                            ROOMY.withClasses(
                                    List.of(
                                            new ClassOptions("high", 0, 1, Duration.ZERO),
                                            new ClassOptions("low", -1, 1, Duration.ZERO)
                                                    .withMaxRequests(2))));
            line.queued(request(1).priority(-1), request(2).priority(-1), request(3), request(4));

            assertThat(line.offer(request(5).priority(-1)))
                    .isInstanceOfSatisfying(
                            Admission.Shed.class,
                            shed -> assertThat(shed.reason()).contains("queue of class low"));
            assertThat(line.queue.size()).isEqualTo(4);

            line.queued(request(6).priority(-1).of("another tenant"));
            assertThat(line.shed).as("room within the class is shared too").containsOnlyKeys(2L);
            line.queued(request(7));
        }

        @Test
        void whereNobodyMayWaitARequestStartsAtOnceOrNot() {
            line = new Line(QueueOptions.of(0, 1_000_000));
            line.queued(request(1));
            assertThat(line.start()).contains(1L);
            assertThat(line.queue.refuse(1)).as("it has started").isEmpty();

            line.queued(request(2));
            assertThat(line.startUpTo(0)).isEmpty();
            assertThat(line.queue.refuse(2))
                    .hasValueSatisfying(
                            shed -> assertThat(shed.cause()).isEqualTo(Admission.Cause.QUEUE_FULL));
            assertThat(line.queue.size()).isZero();
            assertThat(line.queue.state().shedRequests()).isEqualTo(1);
        }

        @Test
        void whereSomeMayWaitNobodyIsRefused() {
            line.queued(request(1));

            assertThat(line.queue.refuse(1)).isEmpty();
            assertThat(line.startAll()).containsExactly(1L);
        }

        @Test
        void retryAfterIsHowLongTheClassDrains() {
            line = new Line(QueueOptions.of(3, 1_000_000));
            line.queued(request(1).work(1000), request(2).work(1000), request(3).work(1000));
            line.start();
            line.pass(4000);
            line.start();
            line.queued(request(4).work(1000), request(5).work(1000));

            assertThat(line.offer(request(6)))
                    .isInstanceOfSatisfying(
                            Admission.Shed.class,
                            shed -> assertThat(shed.retryAfterSeconds()).isEqualTo(12));
        }

        @Test
        void promptTokensAreLimitedToo() {
            line = new Line(QueueOptions.of(100, 1000));
            line.queued(request(1).tokens(600), request(2).tokens(400));

            assertThat(line.offer(request(3).tokens(1))).isInstanceOf(Admission.Shed.class);
        }

        @Test
        void aPromptThatExceedsTheLimitAloneMayWaitAlone() {
            line = new Line(QueueOptions.of(100, 1000));

            line.queued(request(1).tokens(5000));

            assertThat(line.offer(request(2).tokens(1))).isInstanceOf(Admission.Shed.class);
        }

        @Test
        void aHigherClassTakesTheRoomOfTheLowest() {
            line = new Line(QueueOptions.of(3, 1_000_000));
            line.queued(request(1), request(2).priority(-1), request(3).priority(-1));

            line.queued(request(4).priority(1));

            assertThat(line.shed).containsOnlyKeys(3L);
            assertThat(line.shed.get(3L))
                    .extracting(Admission.Shed::cause)
                    .isEqualTo(Admission.Cause.QUEUE_FULL);
            assertThat(line.startAll()).containsExactly(4L, 1L, 2L);
        }

        @Test
        void aHigherClassTakesAsManyPlacesAsItNeedsOrNone() {
            line = new Line(QueueOptions.of(100, 1000));
            line.queued(request(1).tokens(400).priority(1));
            for (int id = 2; id <= 4; id++) {
                line.queued(request(id).tokens(200).priority(-1));
            }

            assertThat(line.offer(request(5).tokens(601).priority(1)))
                    .isInstanceOf(Admission.Shed.class);
            assertThat(line.shed).isEmpty();

            line.queued(request(6).tokens(300).priority(1));
            assertThat(line.shed).containsOnlyKeys(4L, 3L);
        }

        @Test
        void theLongestLineMakesRoomForAShorterOne() {
            line = new Line(QueueOptions.of(4, 1_000_000));
            line.queued(request(1).of("flood"), request(2).of("flood"), request(3).of("flood"));
            line.queued(request(4).of("flood"));

            line.queued(request(5).of("other"), request(6).of("other"));

            assertThat(line.shed).containsOnlyKeys(4L, 3L);
            assertThat(line.offer(request(7).of("other")))
                    .as("the lines are equally long now")
                    .isInstanceOf(Admission.Shed.class);
            assertThat(line.offer(request(8).of("flood"))).isInstanceOf(Admission.Shed.class);
        }
    }

    @Test
    void aRequestCannotWaitTwice() {
        line.queued(request(7));

        assertThatThrownBy(() -> line.offer(request(7)))
                .hasMessage("request 7 waits already: ids must be unique");
    }

    @Test
    void whoIsRemovedDoesNotStart() {
        line.queued(request(1), request(2));

        assertThat(line.queue.remove(1)).contains(1L);
        assertThat(line.queue.remove(1)).isEmpty();
        assertThat(line.startAll()).containsExactly(2L);
    }

    @Test
    void aQueueThatDrainsTakesNobodyInButStartsWhoWaits() {
        line.queued(request(1));

        line.queue.drain();

        assertThat(line.offer(request(2)))
                .isEqualTo(
                        new Admission.Shed(
                                Admission.Cause.DRAINING, 1, "the server is shutting down"));
        assertThat(line.startAll()).containsExactly(1L);
        assertThat(line.queue.state().draining()).isTrue();
    }

    @Test
    void clearGivesAllBackInOrderOfTurn() {
        line.queued(request(1).priority(-1), request(2), request(3).priority(1).dueAt(1000));

        assertThat(line.queue.clear()).containsExactly(3L, 2L, 1L);
        assertThat(line.queue.size()).isZero();
        assertThat(line.queue.wakeNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void upcomingIsTheOrderOfStartsAndTakesNobodyOut() {
        for (int id = 1; id <= 30; id++) {
            line.queued(request(id).of("tenant " + id % 4).priority(id % 3 - 1).work(10 * id));
        }
        line.startAll(5);

        var upcoming = line.queue.upcoming(20).stream().map(Waiting::payload).toList();

        assertThat(upcoming).hasSize(20).isEqualTo(line.startAll(20));
        assertThat(line.queue.upcoming(20)).hasSize(5);
    }

    @Test
    void theStateSaysWhatWaitsInEachClassAndWhatWasShed() {
        line = new Line(QueueOptions.of(3, 1_000_000));
        line.queued(request(1).priority(1).tokens(50), request(2).tokens(70).work(30));
        line.queued(request(3).priority(-1));
        line.offer(request(4).priority(1));
        line.offer(request(5).dueAt(1));

        var state = line.queue.state();

        assertThat(state.classes())
                .containsExactly(
                        new QueueState.ClassState("interactive", 2, 150, 200, 0),
                        new QueueState.ClassState("standard", 1, 70, 30, 0),
                        new QueueState.ClassState("batch", 0, 0, 0, 0));
        assertThat(state.requests()).isEqualTo(3);
        assertThat(state.shed())
                .isEqualTo(Map.of(Admission.Cause.QUEUE_FULL, 1L, Admission.Cause.DEADLINE, 1L));
        assertThat(state.shedRequests()).isEqualTo(2);
    }

    @Test
    void aHundredThousandRequestsOfAThousandTenantsAllStartInTheOrderOfTheirTenants() {
        int requests = 100_000;
        int tenants = 1000;
        line = new Line(QueueOptions.of(requests, 1L << 40));
        for (int id = 0; id < requests; id++) {
            line.queued(request(id).of("tenant " + id % tenants));
        }

        var started = line.startAll();

        assertThat(started)
                .as("equal tenants with equal requests take turns")
                .isEqualTo(LongStream.range(0, requests).boxed().toList());
    }
}
