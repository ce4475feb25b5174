package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PromoterTest {
    private static final int BYTES_PER_TOKEN = 512;

    @TempDir Path folder;
    private final FlakyIo io = new FlakyIo();
    private final Chain chain = Chain.random(1, 20, BYTES_PER_TOKEN);
    private final Claimant request = new Claimant("request");
    private HostTier host;
    private DiskTier disk;
    private Promoter promoter;

    @BeforeEach
    void open() {
        disk =
                DiskTier.open(
                        DiskTierOptions.of(folder.resolve("disk"), 4 << 20, 2048, Chain.MODEL)
                                .withWarnings(_ -> {}),
                        _ -> io);
        host(64);
    }

    private void host(int slots) {
        host =
                HostTier.open(
                        HostTierOptions.of(
                                folder.resolve("host"),
                                slots * 4096L,
                                4 * BYTES_PER_TOKEN,
                                chain.blockTokens()));
        promoter = new Promoter(host, disk, Duration.ofMinutes(1));
    }

    private void promoter(Duration grace) {
        promoter = new Promoter(host, disk, grace);
    }

    @AfterEach
    void close() {
        promoter.close();
        assertThat(host.stats().claims()).isZero();
        assertThat(host.stats().writing()).isZero();
        host.checkIntegrity();
        host.close();
        disk.close();
    }

    private Promoter.Prompt prompt() {
        return prompt(chain);
    }

    private static Promoter.Prompt prompt(Chain chain) {
        return new Promoter.Prompt(
                chain.root(),
                chain.keys(),
                chain.tokens(),
                chain.tokens().length,
                chain.blockTokens());
    }

    private static final class Heard implements Promoter.Listener {
        final AtomicInteger promoted = new AtomicInteger();
        final AtomicInteger total = new AtomicInteger(-1);
        final AtomicInteger late = new AtomicInteger();
        final CountDownLatch ended = new CountDownLatch(1);

        @Override
        public void promoted(int tokens) {
            promoted.addAndGet(tokens);
        }

        @Override
        public void late(int tokens, long nanos) {
            late.addAndGet(tokens);
        }

        @Override
        public void ended(int tokens, long nanos) {
            total.set(tokens);
            ended.countDown();
        }

        void await() throws InterruptedException {
            assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(promoted.get()).isEqualTo(total.get());
        }
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
        }
        return true;
    }

    private void compute(int block) {
        try (var reservation =
                host.reserve(
                                chain.keys().get(block),
                                chain.parent(block),
                                chain.tokens(),
                                chain.from(block),
                                chain.to(block),
                                1000)
                        .orElseThrow()) {
            java.lang.foreign.MemorySegment.copy(
                    chain.payload(block), 0, reservation.rows(), ValueLayout.JAVA_BYTE, 0, 2048);
            reservation.commit();
        }
    }

    @Test
    void whatOnlyTheDiskHasComesToTheHostAndNobodyNeedComputeIt() throws Exception {
        chain.store(disk);
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), heard)).isTrue();
        for (var key : chain.keys()) {
            assertThat(host.claim(key, request)).isNotEqualTo(ClaimState.MINE);
        }
        heard.await();
        assertThat(heard.total).hasValue(80);
        for (int block = 0; block < 20; block++) {
            assertThat(isInHost(block)).isTrue();
        }
        assertThat(promoter.promote(prompt(), heard)).as("all is there").isFalse();
        assertThat(disk.stats().hits()).isEqualTo(20);
    }

    @Test
    void onlyWhatTheHostLacksIsRead() throws Exception {
        chain.store(disk);
        for (int block = 0; block < 5; block++) {
            compute(block);
        }
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), heard)).isTrue();
        heard.await();
        assertThat(heard.total).hasValue(60);
        assertThat(disk.stats().hits()).isEqualTo(15);
    }

    @Test
    void whatCannotBeReadIsGivenUpToBeComputed() throws Exception {
        chain.store(disk);
        io.readsFail.set(true);
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), heard)).isTrue();
        heard.await();
        assertThat(heard.total).hasValue(0);
        for (var key : chain.keys()) {
            assertThat(host.claim(key, request)).isEqualTo(ClaimState.MINE);
        }
        host.release(request);
    }

    @Test
    void whatFindsNoRoomIsGivenUpToBeComputed() throws Exception {
        promoter.close();
        host.close();
        host(8);
        chain.store(disk);
        var heard = new Heard();
        try (var _ = host.pin(chain.keys())) {
            assertThat(promoter.promote(prompt(), heard)).isTrue();
            heard.await();
            assertThat(heard.total).hasValue(32);
            assertThat(host.claim(chain.keys().get(8), request)).isEqualTo(ClaimState.MINE);
        }
        host.release(request);
    }

    @Test
    void aBlockThatIsBeingComputedIsWaitedFor() throws Exception {
        chain.store(disk);
        assertThat(host.claim(chain.keys().getFirst(), request)).isEqualTo(ClaimState.MINE);
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), heard)).isTrue();
        assertThat(host.claim(chain.keys().get(1), request)).isEqualTo(ClaimState.OTHERS);
        compute(0);
        heard.await();
        assertThat(heard.total).hasValue(76);
    }

    @Test
    void ifTheBlockBeforeDoesNotComeNothingIsHeldUp() throws Exception {
        chain.store(disk);
        assertThat(host.claim(chain.keys().getFirst(), request)).isEqualTo(ClaimState.MINE);
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), heard)).isTrue();
        host.release(request);
        heard.await();
        assertThat(heard.total).hasValue(0);
        assertThat(host.claim(chain.keys().get(1), request)).isEqualTo(ClaimState.MINE);
        host.release(request);
    }

    @Test
    void twoPromotionsOfOnePromptReadItOnce() throws Exception {
        chain.store(disk);
        var first = new Heard();
        var second = new Heard();
        assertThat(promoter.promote(prompt(), first)).isTrue();
        if (promoter.promote(prompt(), second)) {
            second.await();
        }
        first.await();
        assertThat(disk.stats().hits()).isEqualTo(20);
    }

    @Test
    void whoWaitsForItsTurnHasItsBlocksBroughtToo() throws Exception {
        chain.store(disk);
        var heard = new Heard();
        promoter.promoteAhead(prompt(), heard);
        heard.await();
        assertThat(heard.total).hasValue(80);
        assertThat(isInHost(19)).isTrue();
        promoter.promoteAhead(prompt(), new Heard()).run();
        assertThat(disk.stats().hits()).as("all is there").isEqualTo(20);
    }

    /** Lets reads wait from now on until the latch is counted down. */
    private CountDownLatch holdReads() {
        var held = new CountDownLatch(1);
        io.held = held;
        return held;
    }

    @Test
    void aBlockIsMeasuredWithoutComingToTheHostAndOnlyOneAtATime() throws Exception {
        chain.store(disk);
        var held = holdReads();
        var took = new LinkedBlockingQueue<Long>();
        promoter.measure(prompt(), 3, took::add);
        io.awaitReading();
        promoter.measure(prompt(), 4, took::add);
        held.countDown();
        assertThat(took.poll(60, TimeUnit.SECONDS)).isPositive();
        promoter.close();
        assertThat(took).as("the second was not read").isEmpty();
        assertThat(disk.stats().hits()).isEqualTo(1);
        assertThat(isInHost(3)).isFalse();
    }

    @Test
    void whatIsBroughtAheadClaimsNothingBeforeItIsRead() throws Exception {
        var other = Chain.random(2, 20, BYTES_PER_TOKEN);
        chain.store(disk);
        other.store(disk);
        var held = holdReads();
        var first = new Heard();
        var second = new Heard();
        promoter.promoteAhead(prompt(), first);
        io.awaitReading();
        promoter.promoteAhead(prompt(other), second);
        assertThat(host.claim(other.keys().getFirst(), request)).isEqualTo(ClaimState.MINE);
        host.release(request);
        held.countDown();
        first.await();
        second.await();
        assertThat(second.total).hasValue(80);
    }

    @Test
    void whoIsServedDoesNotWaitForWhatIsBroughtAhead() throws Exception {
        var other = Chain.random(2, 20, BYTES_PER_TOKEN);
        chain.store(disk);
        other.store(disk);
        var held = holdReads();
        var ahead = new Heard();
        promoter.promoteAhead(prompt(), ahead);
        io.awaitReading();
        io.held = new CountDownLatch(0);
        var served = new Heard();
        assertThat(promoter.promote(prompt(other), served)).isTrue();
        served.await();
        assertThat(served.total).hasValue(80);
        assertThat(ahead.total).as("still reads").hasValue(-1);
        held.countDown();
        ahead.await();
        assertThat(ahead.total).hasValue(80);
    }

    @Test
    void whatIsGivenUpBeforeItBeganIsNotRead() throws Exception {
        var other = Chain.random(2, 20, BYTES_PER_TOKEN);
        chain.store(disk);
        other.store(disk);
        var held = holdReads();
        var first = new Heard();
        var second = new Heard();
        promoter.promoteAhead(prompt(), first);
        io.awaitReading();
        promoter.promoteAhead(prompt(other), second).run();
        held.countDown();
        first.await();
        promoter.close();
        assertThat(second.total).hasValue(-1);
        assertThat(disk.stats().hits()).isEqualTo(20);
    }

    @Test
    void aReadThatTakesLongerThanComputingIsNotWaitedFor() throws Exception {
        promoter.close();
        promoter(Duration.ofMillis(20));
        chain.store(disk);
        var others = new java.util.ArrayList<Chain>();
        for (int seed = 2; seed < 4; seed++) {
            others.add(Chain.random(seed, 20, BYTES_PER_TOKEN));
            others.getLast().store(disk);
        }
        var held = holdReads();
        var first = new Heard();
        assertThat(promoter.promote(prompt(), first)).isTrue();
        first.await();
        assertThat(first.total).hasValue(0);
        assertThat(first.late).hasValue(4);
        assertThat(host.claim(chain.keys().getFirst(), request)).isEqualTo(ClaimState.MINE);
        host.release(request);
        assertThat(disk.stats().late()).isEqualTo(1);

        var second = new Heard();
        assertThat(promoter.promote(prompt(others.getFirst()), second)).isTrue();
        second.await();
        assertThat(promoter.promote(prompt(others.getLast()), new Heard()))
                .as("no read comes back")
                .isFalse();
        assertThat(host.stats().claims()).isZero();

        held.countDown();
        promoter.close();
        promoter(Duration.ofMinutes(1));
        var again = new Heard();
        assertThat(promoter.promote(prompt(), again)).isTrue();
        again.await();
        assertThat(again.total).hasValue(80);
    }

    @Test
    void aDiskThatHangsDoesNotKeepTheTierFromClosing() throws Exception {
        promoter.close();
        promoter(Duration.ofMillis(20));
        chain.store(disk);
        var held = holdReads();
        var heard = new Heard();
        assertThat(promoter.promote(prompt(), heard)).isTrue();
        heard.await();
        promoter.close();
        disk.close();
        held.countDown();
    }

    @Test
    void aClosedOneBeginsNothing() {
        chain.store(disk);
        promoter.close();
        assertThat(promoter.promote(prompt(), new Heard())).isFalse();
        assertThat(host.stats().claims()).isZero();
    }
}
