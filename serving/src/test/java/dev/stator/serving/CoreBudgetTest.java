package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class CoreBudgetTest {
    @Test
    void aPoolThatAloneHasWorkGetsAllCores() throws Exception {
        var budget = new CoreBudget(8, 0.15);
        for (var role : Role.values()) {
            var share = budget.share(role);
            share.work(1);
            try (var lease = share.take()) {
                assertThat(lease.count()).isEqualTo(8);
            }
            share.work(0);
        }
    }

    @Test
    void workersOfOnePoolShareAlike() throws Exception {
        var budget = new CoreBudget(5, 0.15);
        var one = budget.share(Role.DECODE);
        var two = budget.share(Role.DECODE);
        one.work(1);
        two.work(1);
        try (var first = one.take();
                var second = two.take()) {
            assertThat(first.count()).isEqualTo(2);
            assertThat(second.count()).isEqualTo(2);
        }
    }

    @Test
    void aStepThatPrefillsGivesWayInItsMidstToAnAnswerThatWaits() throws Exception {
        var budget = new CoreBudget(2, 0.15);
        var prefill = budget.share(Role.PREFILL);
        var decode = budget.share(Role.DECODE);
        prefill.work(1);
        assertThat(prefill.possible()).isFalse();
        var held = prefill.take();
        var stepped = new CountDownLatch(1);
        var decoding =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    decode.work(1);
                                    try (var lease = decode.take()) {
                                        assertThat(lease.count()).isEqualTo(2);
                                        stepped.countDown();
                                    } catch (InterruptedException e) {
                                        throw new AssertionError(e);
                                    }
                                    decode.work(0);
                                });
        while (stepped.getCount() > 0) {
            prefill.point();
        }
        assertThat(held.count()).isEqualTo(2);
        held.close();
        decoding.join();
    }

    @Test
    void noMoreCoresAreLentThanThereAreAndNobodyStarves() throws Exception {
        int cores = 3;
        var budget = new CoreBudget(cores, 0.15);
        var inUse = new AtomicInteger();
        var most = new AtomicInteger();
        var threads = new ArrayList<Thread>();
        var done = new CountDownLatch(4);
        for (int i = 0; i < 4; i++) {
            var role = i < 2 ? Role.DECODE : Role.PREFILL;
            var random = new Random(i);
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        work(budget.share(role), random, inUse, most);
                                        done.countDown();
                                    }));
        }
        assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
        assertThat(most.get()).isBetween(1, cores);
        assertThat(inUse.get()).isZero();
    }

    private static void work(
            CoreBudget.Share share, Random random, AtomicInteger inUse, AtomicInteger most) {
        for (int step = 0; step < 100; step++) {
            share.work(1);
            try (var lease = share.take()) {
                most.accumulateAndGet(inUse.addAndGet(lease.count()), Math::max);
                for (int pause = 0; pause < 4; pause++) {
                    Thread.sleep(0, random.nextInt(100_000));
                    if (share.possible()) {
                        inUse.addAndGet(-lease.count());
                        share.point();
                        most.accumulateAndGet(inUse.addAndGet(lease.count()), Math::max);
                    }
                }
                inUse.addAndGet(-lease.count());
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            share.work(random.nextInt(4));
        }
        share.work(0);
    }
}
