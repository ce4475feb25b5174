package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CacheException;
import dev.stator.cache.Inventory;
import dev.stator.cache.codec.PayloadCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DiskTierTest {
    private static final int KIB = 1 << 10;

    @TempDir Path folder;
    private final List<String> warnings = new ArrayList<>();

    /** Sixteen segments of 64 KiB: four blocks of chain(…) each. */
    private DiskTierOptions options() {
        return DiskTierOptions.of(folder, 1024 * KIB, 4 * KIB, Chain.MODEL)
                .withSegmentBytes(64 * KIB)
                .withWarnings(warnings::add);
    }

    private static Chain chain(long seed, int blocks) {
        return Chain.random(seed, blocks, 2 * KIB);
    }

    private List<Path> segments() throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> Segment.number(file).isPresent()).sorted().toList();
        }
    }

    @Test
    void whatIsWrittenIsReadNowAndAfterARestart() {
        var chain = chain(1, 20);
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isZero();
            chain.store(tier);
            assertThat(chain.readable(tier)).isEqualTo(20);
            assertThat(tier.match(chain.keys(), 0)).isEqualTo(20);
            tier.checkIntegrity();
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(tier.match(chain.keys(), 5)).isEqualTo(15);
            assertThat(chain.readable(tier)).isEqualTo(20);
            assertThat(tier.stats().checksumFailures()).isZero();
            tier.checkIntegrity();
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void shortBlocksAreBlocks() {
        var chain = Chain.of(100, 4, 1, 2, 3, 4, 5, 6);
        try (var tier = DiskTier.open(options())) {
            chain.store(tier);
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isEqualTo(2);
        }
    }

    @Test
    void otherTokensUnderTheSameKeyAreAMiss() {
        var chain = chain(2, 1);
        try (var tier = DiskTier.open(options())) {
            chain.store(tier);
            int[] others = chain.tokens().clone();
            others[3]++;
            assertThat(tier.read(chain.keys().getFirst(), others, 0, 4, tier.readBuffer()))
                    .isEmpty();
            assertThat(tier.read(chain.keys().getFirst(), others, 0, 3, tier.readBuffer()))
                    .isEmpty();
            assertThat(tier.stats().collisions()).isEqualTo(2);
            assertThat(chain.isIn(tier, 0)).isTrue();
        }
    }

    @Test
    void aPrefixHasNoHole() {
        var chain = chain(3, 3);
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.offer(tier, 1)).isFalse();
            assertThat(tier.stats().refusedOrphan()).isEqualTo(1);
            assertThat(chain.offer(tier, 0)).isTrue();
            assertThat(chain.offer(tier, 1)).isTrue();
            tier.awaitWritten();
            assertThat(chain.offer(tier, 0)).as("it is there").isFalse();
            assertThat(chain.readable(tier)).isEqualTo(2);
        }
    }

    @Test
    void anotherModelsBlocksAreIgnoredAndStayUntilTheirRoomIsNeeded() throws IOException {
        var other = chain(4, 5);
        try (var tier = DiskTier.open(options())) {
            other.store(tier);
        }
        var another =
                new DiskTierOptions(
                        options().folders(),
                        BlockKey.root("another model"),
                        Optional.empty(),
                        PayloadCodec.RAW,
                        KIB * KIB,
                        options().policy(),
                        Inventory.NONE,
                        warnings::add);
        var chain = chain(5, 5);
        try (var tier = DiskTier.open(another)) {
            assertThat(tier.match(other.keys(), 0)).isZero();
            long foreign = 0;
            for (var segment : segments()) {
                foreign += Files.size(segment);
            }
            assertThat(tier.stats().foreignBytes()).isEqualTo(foreign);
            chain.store(tier);
            assertThat(chain.readable(tier)).isEqualTo(5);
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(other.readable(tier)).isEqualTo(5);
            for (int i = 0; i < 200; i++) {
                chain(100 + i, 1).store(tier);
            }
            assertThat(tier.stats().foreignBytes()).isZero();
            tier.checkIntegrity();
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void anotherVersionOfTheFormatIsIgnored() throws IOException {
        var chain = chain(6, 3);
        try (var tier = DiskTier.open(options())) {
            chain.store(tier);
        }
        overwrite(segments().getFirst(), 8, new byte[] {0, 0, 0, 9});
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isZero();
            assertThat(tier.stats().foreignBytes()).isPositive();
        }
    }

    @Test
    void underAnotherKeyNothingIsReadAndNothingRemoved() throws IOException {
        var chain = chain(7, 3);
        var key = Files.write(folder.resolve("secret"), new byte[32]);
        try (var tier = DiskTier.open(options().withKeyFile(Optional.of(key)))) {
            chain.store(tier);
        }
        assertThat(folder.resolve("key")).doesNotExist();
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isZero();
        }
        try (var tier = DiskTier.open(options().withKeyFile(Optional.of(key)))) {
            assertThat(chain.readable(tier)).isEqualTo(3);
        }
    }

    @Test
    void aForgedHeadDoesNotMakeForeignBlocksOwn() throws IOException {
        var chain = chain(8, 3);
        var key = Files.write(folder.resolve("secret"), new byte[32]);
        try (var tier = DiskTier.open(options().withKeyFile(Optional.of(key)))) {
            chain.store(tier);
        }
        var forged = segments().getFirst();
        try (var tier = DiskTier.open(options())) {
            chain(9, 1).store(tier);
        }
        byte[] head = Files.readAllBytes(segments().getLast());
        overwrite(forged, 0, java.util.Arrays.copyOf(head, 64));
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isZero();
        }
    }

    @Test
    void theKeyAndTheSegmentsAreForTheOwnerOnly() throws IOException {
        try (var tier = DiskTier.open(options())) {
            chain(10, 1).store(tier);
        }
        for (var file : List.of(folder.resolve("key"), segments().getFirst())) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void neitherTokensNorRowsCanBeReadFromTheFiles() throws IOException {
        var chain = Chain.of(64, 8, 0x41414141, 0x42424242, 0x43434343, 0x44444444);
        try (var tier = DiskTier.open(options())) {
            chain.store(tier);
        }
        var file =
                new String(
                        Files.readAllBytes(segments().getFirst()),
                        java.nio.charset.StandardCharsets.ISO_8859_1);
        assertThat(file).doesNotContain("AAAA").doesNotContain("DDDD");
    }

    @Test
    void keyFilesThatHoldNoKeyAreRefused() throws IOException {
        var missing = folder.resolve("nowhere");
        assertThatThrownBy(() -> DiskTier.open(options().withKeyFile(Optional.of(missing))))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("nowhere");
        var empty = Files.write(folder.resolve("short"), new byte[31]);
        assertThatThrownBy(() -> DiskTier.open(options().withKeyFile(Optional.of(empty))))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("31 bytes")
                .hasMessageContaining("head -c 32");
    }

    @Test
    void aFolderIsForOneTierAtATime() {
        try (var _ = DiskTier.open(options())) {
            assertThatThrownBy(() -> DiskTier.open(options()))
                    .isInstanceOf(CacheException.class)
                    .hasMessageContaining("in use by another server");
        }
        DiskTier.open(options()).close();
    }

    @Test
    void aFolderThatCannotBeAFolderIsRefused() throws IOException {
        var file = Files.createFile(folder.resolve("file"));
        var options = DiskTierOptions.of(file, 1024 * KIB, 4 * KIB, Chain.MODEL);
        assertThatThrownBy(() -> DiskTier.open(options))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("Name a folder");
    }

    @Test
    void aFullDiskEndsWritingButNotReading() {
        var io = new FlakyIo();
        var chain = chain(11, 30);
        int stored;
        try (var tier = DiskTier.open(options(), _ -> io)) {
            for (int block = 0; block < 10; block++) {
                chain.offer(tier, block);
            }
            tier.awaitWritten();
            io.quota.set(30 * KIB);
            for (int block = 10; block < 30; block++) {
                chain.offer(tier, block);
                tier.awaitWritten();
            }
            assertThat(tier.stats().writable()).isFalse();
            assertThat(tier.stats().readable()).isTrue();
            stored = chain.readable(tier);
            assertThat(stored).isBetween(10, 13);
            assertThat(chain.offer(tier, stored)).isFalse();
            assertThat(warnings)
                    .singleElement()
                    .asString()
                    .contains("No space left on device")
                    .contains("stores nothing more");
            tier.checkIntegrity();
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isEqualTo(stored);
            chain.store(tier);
            assertThat(chain.readable(tier)).isEqualTo(30);
        }
    }

    @Test
    void aDiskThatBecomesReadOnlyIsStillRead() {
        var io = new FlakyIo();
        var chain = chain(16, 10);
        try (var tier = DiskTier.open(options(), _ -> io)) {
            chain.store(tier);
            io.readOnly.set(true);
            chain(17, 30).store(tier);
            assertThat(tier.stats().writable()).isFalse();
            assertThat(chain.readable(tier)).isEqualTo(10);
            tier.checkIntegrity();
        }
        assertThat(warnings).singleElement().asString().contains("Read-only file system");
        // It cannot be completed, so it is read through, and nothing more is written.
        try (var tier = DiskTier.open(options(), _ -> io)) {
            assertThat(chain.readable(tier)).isEqualTo(10);
            chain(17, 1).store(tier);
            assertThat(chain.readable(tier)).isEqualTo(10);
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isEqualTo(10);
            chain(17, 30).store(tier);
            assertThat(chain(17, 30).readable(tier)).isEqualTo(30);
        }
    }

    @Test
    void everyBlockThatIsNotAsItWasWrittenIsCounted() throws IOException {
        var chains = new ArrayList<Chain>();
        for (int i = 0; i < 40; i++) {
            chains.add(chain(5000 + i, 1));
        }
        try (var tier = DiskTier.open(options())) {
            chains.forEach(chain -> chain.store(tier));
        }
        // A bit of each page but those of heads, indexes and trailers.
        for (var segment : segments()) {
            byte[] bytes = Files.readAllBytes(segment);
            for (int at = 4096; at + 4096 <= bytes.length; at += 4096) {
                var page = java.nio.ByteBuffer.wrap(bytes, at, 4096);
                if (page.getInt(at) == RecordCodec.BLOCK_MAGIC) {
                    overwrite(segment, at + 300, new byte[] {(byte) (bytes[at + 300] ^ 16)});
                }
            }
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(chains).noneMatch(chain -> chain.isIn(tier, 0));
            assertThat(tier.stats().checksumFailures()).isEqualTo(40);
            assertThat(tier.stats().blocks()).isZero();
            chains.forEach(chain -> chain.store(tier));
            assertThat(chains).allMatch(chain -> chain.isIn(tier, 0));
        }
    }

    @Test
    void aFlippedBitOfTheKeyLosesWhatWasWrittenUnderItButNothingElse() throws IOException {
        var chain = chain(18, 3);
        try (var tier = DiskTier.open(options())) {
            chain.store(tier);
        }
        var file = folder.resolve("key");
        byte[] key = Files.readAllBytes(file);
        overwrite(file, 7, new byte[] {(byte) (key[7] ^ 1)});
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).isZero();
            chain.store(tier);
            assertThat(chain.readable(tier)).isEqualTo(3);
        }
        Files.write(file, key);
        try (var tier = DiskTier.open(options())) {
            assertThat(chain.readable(tier)).as("nothing was removed").isEqualTo(3);
        }
    }

    @Test
    void aDiskThatCannotBeReadTurnsTheTierOff() {
        var io = new FlakyIo();
        var chain = chain(12, 20);
        try (var tier = DiskTier.open(options(), _ -> io)) {
            chain.store(tier);
            io.readsFail.set(true);
            for (int block = 0; block < 20; block++) {
                assertThat(chain.isIn(tier, block)).isFalse();
            }
            assertThat(tier.stats().readErrors()).isEqualTo(8);
            assertThat(tier.stats().readable()).isFalse();
            assertThat(tier.match(chain.keys(), 0)).isZero();
            assertThat(warnings).singleElement().asString().contains("turned off");
        }
    }

    @Test
    void aBlockThatIsNotAsItWasWrittenIsNeverServedNorWhatFollowsIt() throws IOException {
        var chain = chain(13, 5);
        try (var tier = DiskTier.open(options())) {
            chain.store(tier);
        }
        // The third record begins after the head and two records of three pages.
        overwrite(segments().getFirst(), 7 * 4096 + 500, new byte[] {1, 2, 3});
        try (var tier = DiskTier.open(options())) {
            assertThat(tier.match(chain.keys(), 0)).isEqualTo(5);
            assertThat(chain.readable(tier)).isEqualTo(2);
            assertThat(tier.match(chain.keys(), 0)).isEqualTo(2);
            assertThat(tier.stats().checksumFailures()).isEqualTo(1);
            assertThat(warnings).singleElement().asString().contains("not as it was written");
            chain.store(tier);
            assertThat(chain.readable(tier)).isEqualTo(5);
            tier.checkIntegrity();
        }
    }

    @Test
    void whatWaitsIsBounded() {
        var chain = chain(14, 400);
        try (var tier = DiskTier.open(options().withQueueBytes(1))) {
            int taken = 0;
            for (int block = 0; block < 400; block++) {
                taken += chain.offer(tier, block) ? 1 : 0;
            }
            tier.awaitWritten();
            var stats = tier.stats();
            assertThat(stats.shed()).isPositive();
            assertThat(taken + stats.shed() + stats.refusedOrphan()).isEqualTo(400);
            assertThat(stats.queued()).isZero();
            assertThat(chain.readable(tier)).isPositive();
        }
    }

    @Test
    void theFolderKeepsItsBoundAndWhatIsUsedAgainStays() throws IOException {
        var hot = chain(15, 2);
        long most = 0;
        try (var tier = DiskTier.open(options())) {
            hot.store(tier);
            for (int i = 0; i < 300; i++) {
                assertThat(tier.use(hot.keys())).as("round %d", i).isEqualTo(2);
                var warm = chain(1000 + i, 1);
                warm.store(tier);
                tier.use(warm.keys());
                chain(2000 + i, 3).store(tier);
                most = Math.max(most, tier.stats().bytes());
                tier.checkIntegrity();
            }
            var stats = tier.stats();
            assertThat(most).isLessThanOrEqualTo(1024 * KIB).isGreaterThan(700 * KIB);
            assertThat(hot.readable(tier)).isEqualTo(2);
            assertThat(stats.evictedRoom()).isPositive();
            assertThat(stats.rewritten()).isPositive();
            assertThat((double) stats.bytesWritten() / stats.bytesStored())
                    .as("index, heads and what is rewritten")
                    .isBetween(1.2, 1.7);
        }
        try (var tier = DiskTier.open(options())) {
            assertThat(hot.readable(tier)).isEqualTo(2);
        }
        long bytes = 0;
        for (var segment : segments()) {
            bytes += Files.size(segment);
        }
        assertThat(bytes).isLessThanOrEqualTo(1024 * KIB);
    }

    @Test
    void aSmallerCapacityIsKeptFromTheNextSegmentOn() throws IOException {
        try (var tier = DiskTier.open(options())) {
            for (int i = 0; i < 100; i++) {
                chain(2000 + i, 1).store(tier);
            }
        }
        var smaller =
                DiskTierOptions.of(folder, 256 * KIB, 4 * KIB, Chain.MODEL)
                        .withSegmentBytes(64 * KIB);
        try (var tier = DiskTier.open(smaller)) {
            chain(3000, 1).store(tier);
            assertThat(tier.stats().bytes()).isLessThanOrEqualTo(256 * KIB);
            tier.checkIntegrity();
        }
    }

    @Test
    void theInventoryHearsOfAllThatComesAndGoes() {
        Set<BlockKey> heard = new HashSet<>();
        var options =
                options()
                        .withInventory(
                                new Inventory() {
                                    @Override
                                    public void stored(BlockKey key) {
                                        assertThat(heard.add(key)).isTrue();
                                    }

                                    @Override
                                    public void removed(BlockKey key) {
                                        assertThat(heard.remove(key)).isTrue();
                                    }

                                    @Override
                                    public void cleared() {
                                        heard.clear();
                                    }
                                });
        var chains = new ArrayList<Chain>();
        for (int i = 0; i < 100; i++) {
            chains.add(chain(4000 + i, 2));
        }
        for (int opened = 0; opened < 2; opened++) {
            try (var tier = DiskTier.open(options)) {
                chains.forEach(chain -> chain.store(tier));
                var there = new HashSet<BlockKey>();
                for (var chain : chains) {
                    there.addAll(chain.keys().subList(0, tier.match(chain.keys(), 0)));
                }
                assertThat(heard).isEqualTo(there).hasSizeLessThan(200);
            }
            assertThat(heard).isEmpty();
        }
    }

    @Test
    void aBlockThatIsNotAsItSaysIsRefused() {
        var block = new DiskBlock(Chain.MODEL, Chain.MODEL, 0, 2, 16, 0);
        try (var tier = DiskTier.open(options())) {
            var rows = java.lang.foreign.MemorySegment.ofArray(new byte[16]);
            assertThatThrownBy(() -> tier.offer(block, new int[2], rows.asSlice(1), () -> {}))
                    .hasMessageContaining("2 tokens and 16 bytes, not 2 and 15");
            assertThatThrownBy(() -> tier.offer(block, new int[3], rows, () -> {}))
                    .hasMessageContaining("not 3 and 16");
        }
    }

    @Test
    void sizesThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> DiskTierOptions.of(folder, 100 * KIB, 64 * KIB, Chain.MODEL))
                .hasMessageContaining("too small")
                .hasMessageContaining("at least 2 MiB");
    }

    static void overwrite(Path file, long position, byte[] bytes) throws IOException {
        try (var random = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            random.seek(position);
            random.write(bytes);
        }
    }
}
