package dev.stator.cache.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RemotePromoterTest {
    private static final long LONG = TimeUnit.MINUTES.toNanos(1);

    @TempDir Path folder;
    private final MemoryStore store = new MemoryStore();

    /** Nineteen full blocks and a short one. */
    private final Chain chain = Chain.random(1, 78);

    private final Claimant request = new Claimant("request");
    private HostTier host;
    private RemoteTier remote;
    private RemotePromoter promoter;

    @BeforeEach
    void open() {
        try (var other = RemoteTier.open(store, Chain.options())) {
            chain.store(other);
        }
        open(64, Duration.ofSeconds(20));
    }

    private void open(int slots, Duration timeout) {
        remote = RemoteTier.open(store, Chain.options().withTimes(timeout, Duration.ofHours(1)));
        host =
                HostTier.open(
                        HostTierOptions.of(
                                folder.resolve("host"),
                                slots * 4096L,
                                Chain.BLOCK_BYTES,
                                Chain.BLOCK_TOKENS));
        promoter = new RemotePromoter(host, remote);
    }

    @AfterEach
    void close() {
        promoter.close();
        assertThat(host.stats().claims()).isZero();
        assertThat(host.stats().writing()).isZero();
        host.checkIntegrity();
        remote.close();
        host.close();
    }

    private static final class Heard implements RemotePromoter.Listener {
        final AtomicInteger promoted = new AtomicInteger();
        final AtomicInteger total = new AtomicInteger(-1);
        final CountDownLatch ended = new CountDownLatch(1);

        @Override
        public void promoted(int tokens) {
            promoted.addAndGet(tokens);
        }

        @Override
        public void ended(int tokens, long nanos) {
            total.set(tokens);
            ended.countDown();
        }

        int await() throws InterruptedException {
            assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(promoted.get()).isEqualTo(total.get());
            return total.get();
        }
    }

    private RemotePromoter.Prompt prompt() {
        return new RemotePromoter.Prompt(
                chain.root(), chain.keys(), chain.tokens(), chain.tokens().length, 4);
    }

    private boolean isInHost(int block) {
        var lease =
                host.acquire(
                        chain.keys().get(block),
                        chain.tokens(),
                        chain.from(block),
                        chain.to(block));
        if (lease.isEmpty()) {
            return false;
        }
        try (var held = lease.get()) {
            assertThat(held.rows().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(chain.payload(block));
            assertThat(held.recomputeMicros()).isEqualTo(1000 + block);
        }
        return true;
    }

    private int promoteAll(long mostNanos) throws Exception {
        remote.lookFor(chain.keys()).get();
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), mostNanos, heard)).isTrue();
        return heard.await();
    }

    private int inHost() {
        int count = 0;
        while (count < chain.blocks() && isInHost(count)) {
            count++;
        }
        return count;
    }

    @Test
    void bringsAllThatIsThereAndTheShortLastBlock() throws Exception {
        assertThat(promoteAll(LONG)).isEqualTo(78);
        assertThat(inHost()).isEqualTo(20);
        assertThat(remote.stats().hits()).isEqualTo(20);
    }

    @Test
    void nothingKnownMeansNothingToBring() {
        assertThat(promoter.promote(prompt(), LONG, new Heard())).isFalse();
    }

    @Test
    void whatIsOnItsWayIsClaimed() throws Exception {
        remote.lookFor(chain.keys()).get();
        store.mood = MemoryStore.Mood.SILENT;
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), TimeUnit.MILLISECONDS.toNanos(200), heard)).isTrue();
        assertThat(host.claim(chain.keys().get(19), request)).isEqualTo(ClaimState.OTHERS);
        assertThat(heard.await()).isZero();
        // Computing has become the better bet.
        assertThat(remote.stats().givenUp()).isEqualTo(1);
        assertThat(host.claim(chain.keys().getFirst(), request)).isEqualTo(ClaimState.MINE);
        host.release(request);
    }

    @Test
    void aCorruptBlockEndsThePromotionAndIsWrittenAgainOnceComputed() throws Exception {
        var name = remote.name(chain.keys().get(7));
        store.values.computeIfPresent(
                name,
                (_, value) -> {
                    value[200] ^= 4;
                    return value;
                });
        assertThat(promoteAll(LONG)).isEqualTo(28);
        assertThat(inHost()).isEqualTo(7);
        assertThat(remote.stats().checksumFailures()).isEqualTo(1);
        assertThat(remote.match(chain.keys(), 0)).isEqualTo(7);
        assertThat(chain.offer(remote, 7)).isTrue();
        remote.awaitWritten();
        assertThat(promoteAll(LONG)).isEqualTo(78 - 28);
    }

    @Test
    void aBlockThatHasGoneMeanwhileEndsThePromotion() throws Exception {
        remote.lookFor(chain.keys()).get();
        store.values.remove(remote.name(chain.keys().get(3)));
        assertThat(promoteAll(LONG)).isEqualTo(12);
        assertThat(remote.stats().misses()).isEqualTo(1);
        assertThat(remote.match(chain.keys(), 0)).isEqualTo(3);
    }

    @Test
    void anotherBlocksValueIsNotTaken() throws Exception {
        store.values.put(
                remote.name(chain.keys().get(2)),
                store.values.get(remote.name(chain.keys().get(1))));
        assertThat(promoteAll(LONG)).isEqualTo(8);
        assertThat(remote.stats().collisions()).isEqualTo(1);
    }

    @Test
    void valuesThatAreTooLongAreCorrupt() throws Exception {
        store.values.put(remote.name(chain.keys().getFirst()), new byte[1 << 20]);
        assertThat(promoteAll(LONG)).isZero();
        assertThat(remote.stats().checksumFailures()).isEqualTo(1);
        assertThat(remote.stats().bytesReceived()).isLessThan(10_000);
    }

    @Test
    void aStoreThatIsLostMeanwhileEndsThePromotion() throws Exception {
        remote.lookFor(chain.keys()).get();
        store.mood = MemoryStore.Mood.LOST;
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), LONG, heard)).isTrue();
        assertThat(heard.await()).isZero();
        assertThat(remote.stats().readErrors()).isPositive();
    }

    @Test
    void aFullHostTierEndsThePromotion() throws Exception {
        close();
        open(8, Duration.ofSeconds(20));
        assertThat(promoteAll(LONG)).isLessThanOrEqualTo(8 * 4);
    }
}
