package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostTierTest {
    private static final BlockKey ROOT = BlockKey.root("model");
    private static final int BLOCK_TOKENS = 4;
    private static final int SLOT_BYTES = 4096;

    @TempDir Path directory;
    private final List<String> warnings = new ArrayList<>();
    private final List<HostTier> opened = new ArrayList<>();

    @AfterEach
    void everyTierIsWhole() {
        for (HostTier tier : opened) {
            tier.checkIntegrity();
            tier.close();
        }
    }

    @Test
    void whatIsCommittedIsReadByKeyAndTokens() {
        HostTier tier = open(4);
        Sequence sequence = sequence(1, 2, 3, 4, 5, 6);
        assertThat(sequence.store(tier, 0, 10)).isTrue();
        assertThat(sequence.store(tier, 1, 10)).isTrue();
        assertThat(tier.match(sequence.keys())).isEqualTo(2);
        try (BlockLease full = sequence.acquire(tier, 0).orElseThrow();
                BlockLease tail = sequence.acquire(tier, 1).orElseThrow()) {
            assertThat(full.tokens()).isEqualTo(4);
            assertThat(full.rows().byteSize()).isEqualTo(SLOT_BYTES);
            assertThat(sequence.isIn(full.rows(), 0)).isTrue();
            assertThat(tail.tokens()).isEqualTo(2);
            assertThat(tail.rows().byteSize()).isEqualTo(SLOT_BYTES / 2);
            assertThat(sequence.isIn(tail.rows(), 1)).isTrue();
            assertThat(tier.stats().leases()).isEqualTo(2);
            assertThat(tier.stats().pinned()).isEqualTo(2);
        }
        assertThat(tier.stats().hits()).isEqualTo(2);
        assertThat(tier.stats().bytesRead()).isEqualTo(SLOT_BYTES * 3 / 2);
        assertThat(tier.stats().bytesWritten()).isEqualTo(SLOT_BYTES * 3 / 2);
        assertThat(tier.stats().pinned()).isZero();
    }

    @Test
    void readersCannotWrite() {
        HostTier tier = open(1);
        Sequence sequence = sequence(1, 2, 3, 4);
        sequence.store(tier, 0, 1);
        try (BlockLease lease = sequence.acquire(tier, 0).orElseThrow()) {
            MemorySegment rows = lease.rows();
            assertThatThrownBy(() -> rows.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aKeyWithOtherTokensIsAMiss() {
        HostTier tier = open(1);
        Sequence sequence = sequence(1, 2, 3, 4);
        sequence.store(tier, 0, 1);
        assertThat(tier.acquire(sequence.key(0), new int[] {1, 2, 3, 5}, 0, 4)).isEmpty();
        assertThat(tier.acquire(sequence.key(0), sequence.tokens(), 0, 3)).isEmpty();
        assertThat(tier.stats().collisions()).isEqualTo(2);
        assertThat(tier.stats().misses()).isEqualTo(2);
    }

    @Test
    void aLeaseKnowsWhatItsBlockWasMadeOf() {
        HostTier tier = open(4);
        Sequence sequence = sequence(1, 2, 3, 4, 5, 6);
        Sequence other = Sequence.of(BlockKey.root("other"), BLOCK_TOKENS, 1, 2, 3, 4);
        sequence.store(tier, 0, 10);
        sequence.store(tier, 1, Long.MAX_VALUE);
        other.store(tier, 0, 20);
        try (BlockLease tail = tier.hold(sequence.key(1)).orElseThrow();
                BlockLease first = tier.hold(other.key(0)).orElseThrow()) {
            assertThat(tail.tokenIds()).containsExactly(5, 6);
            assertThat(tail.root()).isEqualTo(ROOT);
            assertThat(tail.recomputeMicros()).isEqualTo(Integer.MAX_VALUE);
            assertThat(first.tokenIds()).containsExactly(1, 2, 3, 4);
            assertThat(first.root()).isEqualTo(other.root());
            assertThat(first.recomputeMicros()).isEqualTo(20);
            first.close();
            assertThatThrownBy(first::tokenIds).hasMessageContaining("closed");
            assertThatThrownBy(first::root).hasMessageContaining("closed");
        }
        assertThat(tier.chain(sequence.key(1))).isEqualTo(sequence.keys());
        assertThat(tier.chain(BlockKey.root("unknown"))).isEmpty();
    }

    @Test
    void aSlotThatChangesHandsForgetsTheTokensOfTheBlockBefore() {
        HostTier tier = open(1);
        Sequence before = sequence(1, 2, 3, 4);
        Sequence after = sequence(7);
        before.store(tier, 0, 10);
        assertThat(after.store(tier, 0, 10)).isTrue();
        assertThat(before.acquire(tier, 0)).isEmpty();
        try (BlockLease lease = after.acquire(tier, 0).orElseThrow()) {
            assertThat(lease.tokenIds()).containsExactly(7);
            assertThat(lease.rows().byteSize()).isEqualTo(SLOT_BYTES / 4);
        }
    }

    @Test
    void aBlockThatNobodyHasIsFoundByItsLongestBeginning() {
        HostTier tier = open(4);
        sequence(1, 2, 3, 4, 5).store(tier, 0, 1);
        for (int[] tokens :
                new int[][] {{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 7, 8}}) {
            sequence(tokens).store(tier, 1, 1);
        }
        Sequence longer = sequence(1, 2, 3, 4, 5, 6, 7, 8);
        try (BlockLease part =
                tier.acquirePart(longer.key(0), longer.tokens(), 4, 8).orElseThrow()) {
            assertThat(part.tokens()).isEqualTo(2);
        }
        assertThat(tier.acquirePart(longer.key(0), new int[] {1, 2, 3, 4, 9, 6}, 4, 6)).isEmpty();
        assertThat(tier.acquirePart(longer.key(0), longer.tokens(), 4, 5)).isEmpty();
        assertThat(tier.stats().misses()).isZero();
        assertThat(tier.stats().leases()).isZero();
    }

    @Test
    void anotherTenantFindsNothing() {
        HostTier tier = open(2);
        int[] tokens = {1, 2, 3, 4};
        Sequence.of(BlockKey.root("model", "salt a"), BLOCK_TOKENS, tokens).store(tier, 0, 1);
        Sequence other = Sequence.of(BlockKey.root("model", "salt b"), BLOCK_TOKENS, tokens);
        assertThat(tier.match(other.keys())).isZero();
        assertThat(other.acquire(tier, 0)).isEmpty();
    }

    @Test
    void aBlockIsSeenOnlyAfterItsCommit() {
        HostTier tier = open(1);
        Sequence sequence = sequence(1, 2, 3, 4);
        try (BlockReservation reservation = sequence.reserve(tier, 0, 1).orElseThrow()) {
            assertThat(tier.match(sequence.keys())).isZero();
            assertThat(tier.stats().writing()).isEqualTo(1);
            reservation.commit();
            assertThatThrownBy(reservation::commit).isInstanceOf(IllegalStateException.class);
        }
        assertThat(tier.match(sequence.keys())).isEqualTo(1);
        assertThat(tier.stats().writing()).isZero();
    }

    @Test
    void anAbandonedReservationGivesItsSlotBack() {
        HostTier tier = open(1);
        sequence(1, 2, 3, 4).reserve(tier, 0, 1).orElseThrow().close();
        assertThat(sequence(5, 6, 7, 8).store(tier, 0, 1)).isTrue();
        assertThat(tier.stats().evictions()).isZero();
    }

    @Test
    void badReservationsAreRefusedWithAReason() {
        HostTier tier = open(1);
        int[] tokens = {1, 2, 3, 4, 5};
        BlockKey key = ROOT.child(tokens, 0, 5);
        assertThatThrownBy(() -> tier.reserve(key, ROOT, tokens, 0, 5, 1))
                .hasMessageContaining("1 to 4 tokens");
        assertThatThrownBy(() -> tier.reserve(key, ROOT, tokens, 0, 4, 1))
                .hasMessageContaining("not the key");
        assertThatThrownBy(() -> tier.reserve(key, ROOT, tokens, 0, 4, -1))
                .hasMessageContaining("negative");
        assertThatThrownBy(() -> tier.reserve(key, ROOT, tokens, 4, 8, 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aPrefixNeverHasAHole() {
        HostTier tier = open(2);
        Sequence sequence = sequence(1, 2, 3, 4, 5, 6, 7, 8, 9);
        assertThat(sequence.store(tier, 1, 1)).isFalse();
        assertThat(tier.stats().refusedOrphan()).isEqualTo(1);
        assertThat(sequence.store(tier, 0, 1)).isTrue();
        assertThat(sequence.store(tier, 1, 1000)).isTrue();
        assertThat(sequence.store(tier, 2, 1)).isFalse();
        assertThat(tier.stats().refusedFull()).isEqualTo(1);
        // The cheap first block is held by its dear child, which goes first.
        assertThat(sequence(20, 21, 22, 23).store(tier, 0, 1)).isTrue();
        assertThat(tier.match(sequence.keys())).isEqualTo(1);
    }

    @Test
    void theCheapestToRecomputeGoesFirst() {
        HostTier tier = open(3);
        Sequence dear = sequence(1);
        Sequence cheap = sequence(2);
        Sequence middling = sequence(3);
        dear.store(tier, 0, 900_000);
        cheap.store(tier, 0, 1_000);
        middling.store(tier, 0, 50_000);
        sequence(4).store(tier, 0, 50_000);
        assertThat(present(tier, dear, cheap, middling)).containsExactly(true, false, true);
    }

    @Test
    void whatIsReadOftenStays() {
        HostTier tier = open(2);
        Sequence popular = sequence(1);
        popular.store(tier, 0, 10_000);
        sequence(2).store(tier, 0, 20_000);
        for (int i = 0; i < 4; i++) {
            popular.acquire(tier, 0).orElseThrow().close();
        }
        sequence(3).store(tier, 0, 20_000);
        assertThat(present(tier, popular, sequence(2))).containsExactly(true, false);
    }

    @Test
    void oldPopularityFades() {
        HostTier tier = open(2);
        Sequence once = sequence(1);
        once.store(tier, 0, 10_000);
        for (int i = 0; i < 10; i++) {
            once.acquire(tier, 0).orElseThrow().close();
        }
        for (int token = 100; token < 140; token++) {
            sequence(token).store(tier, 0, 10_000);
        }
        assertThat(present(tier, once)).containsExactly(false);
    }

    @Test
    void popularityOutlivesEviction() {
        int slots = 8;
        HostTier tier = open(slots);
        Sequence back = sequence(1);
        back.store(tier, 0, 10_000);
        back.acquire(tier, 0).orElseThrow().close();
        for (int token = 100; token < 130; token++) {
            sequence(token).store(tier, 0, 10_000);
        }
        assertThat(present(tier, back)).containsExactly(false);
        back.store(tier, 0, 10_000);
        for (int token = 200; token < 200 + slots; token++) {
            sequence(token).store(tier, 0, 10_000);
        }
        // The least recently used of all, but the only one that was used three times.
        assertThat(present(tier, back, sequence(200))).containsExactly(true, false);
    }

    @Test
    void leastRecentlyUsedIsAPolicyToo() {
        HostTier tier = open(options(2).withEviction(Eviction.LEAST_RECENTLY_USED));
        sequence(1).store(tier, 0, 1);
        sequence(2).store(tier, 0, 1_000_000);
        sequence(1).acquire(tier, 0).orElseThrow().close();
        sequence(3).store(tier, 0, 1);
        assertThat(present(tier, sequence(1), sequence(2), sequence(3)))
                .containsExactly(true, false, true);
    }

    @Test
    void aLeaseKeepsItsBlockAndAFullTierRefuses() {
        HostTier tier = open(1);
        Sequence sequence = sequence(1);
        sequence.store(tier, 0, 1);
        try (BlockLease lease = sequence.acquire(tier, 0).orElseThrow()) {
            assertThat(sequence(2).store(tier, 0, 1_000_000)).isFalse();
            assertThat(sequence.isIn(lease.rows(), 0)).isTrue();
            lease.close();
        }
        assertThat(sequence(2).store(tier, 0, 1)).isTrue();
        assertThat(tier.stats().refusedFull()).isEqualTo(1);
        assertThat(tier.stats().used()).isEqualTo(1);
    }

    @Test
    void aPinKeepsBlocksThatAreThereAndBlocksThatCome() {
        HostTier tier = open(2);
        Sequence there = sequence(1);
        Sequence comes = sequence(2);
        there.store(tier, 0, 1);
        try (PinSet outer = tier.pin(List.of(there.key(0)));
                PinSet pins = tier.pin(List.of(there.key(0), comes.key(0)))) {
            outer.close();
            outer.close();
            comes.store(tier, 0, 1);
            assertThat(tier.stats().pinned()).isEqualTo(2);
            assertThat(sequence(3).store(tier, 0, 1_000_000)).isFalse();
            assertThat(pins.keys()).hasSize(2);
        }
        assertThat(tier.stats().pinnedKeys()).isZero();
        assertThat(sequence(3).store(tier, 0, 1)).isTrue();
    }

    @Test
    void ofTwoClaimantsOneComputesAndTheOtherIsTold() {
        HostTier tier = open(1);
        Sequence sequence = sequence(1);
        Claimant first = new Claimant("first");
        Claimant second = new Claimant("second");
        AtomicInteger told = new AtomicInteger();
        assertThat(tier.claim(sequence.key(0), first)).isEqualTo(ClaimState.MINE);
        assertThat(tier.claim(sequence.key(0), first)).isEqualTo(ClaimState.MINE);
        assertThat(tier.claim(sequence.key(0), second)).isEqualTo(ClaimState.OTHERS);
        tier.await(sequence.key(0), told::incrementAndGet);
        try (Waiting cancelled = tier.await(sequence.key(0), () -> told.addAndGet(100))) {
            assertThat(cancelled.key()).isEqualTo(sequence.key(0));
            assertThat(tier.stats().waiters()).isEqualTo(2);
        }
        assertThat(told).hasValue(0);
        sequence.store(tier, 0, 1);
        assertThat(told).hasValue(1);
        assertThat(tier.claim(sequence.key(0), second)).isEqualTo(ClaimState.PRESENT);
        tier.release(first);
        assertThat(told).hasValue(1);
        assertThat(tier.stats().claims()).isZero();
    }

    @Test
    void aClaimThatIsGivenUpGoesToWhoeverWaits() {
        HostTier tier = open(1);
        BlockKey one = sequence(1).key(0);
        BlockKey two = sequence(2).key(0);
        Claimant fails = new Claimant("fails");
        Claimant waits = new Claimant("waits");
        List<ClaimState> then = new ArrayList<>();
        tier.claim(one, fails);
        tier.claim(two, fails);
        tier.await(one, () -> then.add(tier.claim(one, waits)));
        tier.await(two, () -> then.add(tier.claim(two, waits)));
        tier.release(waits, one);
        assertThat(then).isEmpty();
        tier.release(fails, one);
        assertThat(then).containsExactly(ClaimState.MINE);
        tier.release(fails);
        assertThat(then).containsExactly(ClaimState.MINE, ClaimState.MINE);
        tier.release(waits);
        assertThat(tier.stats().claims()).isZero();
    }

    @Test
    void waitingForWhatNobodyComputesEndsAtOnce() {
        HostTier tier = open(1);
        AtomicBoolean told = new AtomicBoolean();
        tier.await(sequence(1).key(0), () -> told.set(true));
        assertThat(told).isTrue();
        assertThat(tier.stats().waiters()).isZero();
    }

    @Test
    void aCallbackThatFailsHarmsNobody() {
        HostTier tier = open(1);
        Sequence sequence = sequence(1);
        AtomicBoolean told = new AtomicBoolean();
        tier.claim(sequence.key(0), new Claimant("claimant"));
        tier.await(
                sequence.key(0),
                () -> {
                    throw new IllegalStateException("oops");
                });
        tier.await(sequence.key(0), () -> told.set(true));
        assertThat(sequence.store(tier, 0, 1)).isTrue();
        assertThat(told).isTrue();
        assertThat(warnings).singleElement().asString().contains("oops");
    }

    @Test
    void theSecondOfTwoWritersOfOneBlockChangesNothing() {
        HostTier tier = open(2);
        Sequence sequence = sequence(1);
        try (BlockReservation one = sequence.reserve(tier, 0, 1).orElseThrow();
                BlockReservation two = sequence.reserve(tier, 0, 1).orElseThrow()) {
            sequence.fill(two.rows(), 0);
            two.commit();
            one.commit();
        }
        assertThat(sequence.reserve(tier, 0, 1)).isEmpty();
        assertThat(tier.stats().stored()).isEqualTo(1);
        try (BlockLease lease = sequence.acquire(tier, 0).orElseThrow()) {
            assertThat(sequence.isIn(lease.rows(), 0)).isTrue();
        }
    }

    @Test
    void afterCloseEverythingIsAMissAndOpenLeasesStillRead() throws IOException {
        HostTier tier = open(2);
        Sequence sequence = sequence(1);
        sequence.store(tier, 0, 1);
        BlockKey claimed = sequence(2).key(0);
        AtomicBoolean told = new AtomicBoolean();
        tier.claim(claimed, new Claimant("claimant"));
        tier.await(claimed, () -> told.set(true));
        BlockLease lease = sequence.acquire(tier, 0).orElseThrow();
        BlockReservation late = sequence(3).reserve(tier, 0, 1).orElseThrow();
        tier.close();
        tier.close();
        assertThat(told).isTrue();
        assertThat(sequence.isIn(lease.rows(), 0)).isTrue();
        late.commit();
        MemorySegment rows = lease.rows();
        lease.close();
        assertThatThrownBy(() -> rows.get(ValueLayout.JAVA_BYTE, 0))
                .isInstanceOf(IllegalStateException.class);
        assertThat(tier.match(sequence.keys())).isZero();
        assertThat(sequence.acquire(tier, 0)).isEmpty();
        assertThat(sequence.reserve(tier, 0, 1)).isEmpty();
        assertThat(tier.claim(claimed, new Claimant("later"))).isEqualTo(ClaimState.MINE);
        try (var files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void aFullFileSystemRefusesReservationsInsteadOfCrashing() {
        AtomicInteger room = new AtomicInteger(2);
        HostTier tier =
                HostTier.open(
                        options(4),
                        (file, position, bytes) -> {
                            if (room.getAndDecrement() <= 0) {
                                throw new IOException("No space left on device");
                            }
                        });
        opened.add(tier);
        Sequence held = sequence(1);
        held.store(tier, 0, 1_000);
        try (PinSet pins = tier.pin(held.keys())) {
            assertThat(sequence(2).store(tier, 0, 1)).isTrue();
            assertThat(sequence(3).store(tier, 0, 1)).isTrue();
            assertThat(tier.stats().growthFailures()).isEqualTo(1);
            assertThat(tier.stats().evictions()).isEqualTo(1);
            assertThat(pins.keys()).isEqualTo(held.keys());
            assertThat(warnings).singleElement().asString().contains("No space left", "2 blocks");
            BlockLease lease = sequence(3).acquire(tier, 0).orElseThrow();
            assertThat(sequence(4).store(tier, 0, 1)).isFalse();
            lease.close();
        }
        room.set(Integer.MAX_VALUE);
        for (int token = 10; token < 200; token++) {
            assertThat(sequence(token).store(tier, 0, 1)).isTrue();
        }
        assertThat(tier.stats().used()).isEqualTo(4);
    }

    @Test
    void theFileIsPrivateAndLeftOversOfDeadProcessesGo() throws IOException {
        Path deadProcess =
                directory.resolve(new TierFileName(999_999_999, 1, "0badcafe").toString());
        Path unrelated = directory.resolve("stator-host-notes.txt");
        Files.writeString(deadProcess, "left over");
        Files.writeString(unrelated, "keep");
        open(1);
        open(1);
        assertThat(deadProcess).doesNotExist();
        assertThat(unrelated).exists();
        try (var files = Files.list(directory)) {
            List<Path> own = files.filter(file -> file.toString().endsWith(".kv")).toList();
            assertThat(own).hasSize(2);
            if (Files.getFileStore(directory).supportsFileAttributeView("posix")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own.get(0))))
                        .isEqualTo("rw-------");
            }
        }
    }

    @Test
    void moreCapacityThanSpaceIsAWarning() throws IOException {
        int slotBytes = 1 << 30;
        long tooMuch = Files.getFileStore(directory).getUsableSpace() + 4L * slotBytes;
        open(
                HostTierOptions.of(directory, tooMuch, slotBytes, BLOCK_TOKENS)
                        .withWarnings(warnings::add));
        assertThat(warnings).singleElement().asString().contains("lower its capacity");
    }

    @Test
    void anUnusableDirectoryIsAClearError() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "");
        assertThatThrownBy(() -> HostTier.open(HostTierOptions.of(file, 4096, 4096, 4)))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("Name a directory");
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> HostTierOptions.of(directory, 4095, 4096, 4))
                .hasMessageContaining("capacityBytes");
        assertThatThrownBy(() -> HostTierOptions.of(directory, 1 << 20, 4097, 4))
                .hasMessageContaining("multiple");
    }

    private HostTierOptions options(int slots) {
        return HostTierOptions.of(directory, (long) slots * SLOT_BYTES, SLOT_BYTES, BLOCK_TOKENS)
                .withWarnings(warnings::add);
    }

    private HostTier open(int slots) {
        return open(options(slots));
    }

    private HostTier open(HostTierOptions options) {
        HostTier tier = HostTier.open(options);
        opened.add(tier);
        return tier;
    }

    private static Sequence sequence(int... tokens) {
        return Sequence.of(ROOT, BLOCK_TOKENS, tokens);
    }

    private static List<Boolean> present(HostTier tier, Sequence... sequences) {
        List<Boolean> present = new ArrayList<>();
        for (Sequence sequence : sequences) {
            present.add(tier.match(sequence.keys()) == sequence.blocks());
        }
        return present;
    }
}
