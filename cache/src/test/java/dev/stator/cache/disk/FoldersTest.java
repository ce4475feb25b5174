package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tier over several folders, one on each disk. */
final class FoldersTest {
    private static final int KIB = 1 << 10;

    @TempDir Path folder;
    private final List<String> warnings = new ArrayList<>();

    private Path path(String name) {
        return folder.resolve(name);
    }

    private DiskTierOptions options(Path... paths) {
        return DiskTierOptions.of(
                        List.of(paths).stream()
                                .map(path -> new DiskFolder(path, 512L * KIB, 32L * KIB))
                                .toList(),
                        Chain.MODEL)
                .withWarnings(warnings::add);
    }

    private static List<Chain> chains(int first, int count) {
        var chains = new ArrayList<Chain>();
        for (int i = 0; i < count; i++) {
            chains.add(Chain.random(first + i, 3, 512));
        }
        return chains;
    }

    private static int readable(DiskTier tier, List<Chain> chains) {
        return chains.stream().mapToInt(chain -> chain.readable(tier)).sum();
    }

    private static long bytes(Path path) throws IOException {
        long bytes = 0;
        try (var files = Files.list(path)) {
            for (var file : files.filter(f -> Segment.number(f).isPresent()).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    @Test
    void blocksAreSpreadOverTheFoldersAndFoundInAllOfThem() throws IOException {
        var chains = chains(0, 60);
        try (var tier = DiskTier.open(options(path("a"), path("b"), path("c")))) {
            chains.forEach(chain -> chain.store(tier));
            assertThat(readable(tier, chains)).isEqualTo(180);
            assertThat(tier.stats().folders()).isEqualTo(3);
            tier.checkIntegrity();
        }
        for (var name : List.of("a", "b", "c")) {
            assertThat(bytes(path(name))).as(name).isGreaterThan(200 * KIB);
        }
        try (var tier = DiskTier.open(options(path("c"), path("a"), path("b")))) {
            assertThat(readable(tier, chains)).as("in whatever order").isEqualTo(180);
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void eachFolderKeepsItsOwnBound() throws IOException {
        var small = new DiskFolder(path("small"), 128L * KIB, 32L * KIB);
        var large = new DiskFolder(path("large"), 1024L * KIB, 64L * KIB);
        var options = DiskTierOptions.of(List.of(small, large), Chain.MODEL);
        try (var tier = DiskTier.open(options)) {
            for (var chain : chains(0, 300)) {
                chain.store(tier);
                assertThat(bytes(path("small"))).isLessThanOrEqualTo(128 * KIB);
                assertThat(bytes(path("large"))).isLessThanOrEqualTo(1024 * KIB);
            }
            tier.checkIntegrity();
            assertThat(tier.stats().evictedRoom()).isPositive();
            assertThat(tier.stats().capacityBytes()).isEqualTo(1152 * KIB);
        }
        assertThat(bytes(path("small"))).isGreaterThan(32 * KIB);
        assertThat(bytes(path("large"))).isGreaterThan(700 * KIB);
    }

    @Test
    void aFolderThatCannotBeWrittenLeavesTheOthersWriting() throws IOException {
        var bad = new FlakyIo();
        var io = Map.of(path("a"), bad, path("b"), new FlakyIo());
        var before = chains(0, 20);
        var after = chains(100, 15);
        try (var tier =
                DiskTier.open(
                        options(path("a"), path("b")),
                        path -> Objects.requireNonNull(io.get(path)))) {
            before.forEach(chain -> chain.store(tier));
            bad.quota.set(0);
            after.forEach(chain -> chain.store(tier));
            // What was on its way when it failed is lost, and may be offered again.
            after.forEach(chain -> chain.store(tier));
            assertThat(readable(tier, after)).isEqualTo(45);
            assertThat(readable(tier, before)).as("what is there is read").isEqualTo(60);
            assertThat(tier.stats().writable()).isTrue();
            assertThat(tier.stats().foldersWritable()).isEqualTo(1);
            tier.checkIntegrity();
        }
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains(path("a").toString(), "stores nothing more");
        try (var tier = DiskTier.open(options(path("a"), path("b")))) {
            assertThat(readable(tier, before)).isEqualTo(60);
        }
    }

    @Test
    void aFolderThatCannotBeReadLeavesTheOthersReading() {
        var bad = new FlakyIo();
        var io = Map.of(path("a"), bad, path("b"), new FlakyIo());
        var chains = chains(0, 40);
        try (var tier =
                DiskTier.open(
                        options(path("a"), path("b")),
                        path -> Objects.requireNonNull(io.get(path)))) {
            chains.forEach(chain -> chain.store(tier));
            bad.readsFail.set(true);
            for (int i = 0; i < 3; i++) {
                readable(tier, chains);
            }
            assertThat(tier.stats().readErrors()).isEqualTo(8);
            assertThat(tier.stats().foldersReadable()).isEqualTo(1);
            assertThat(tier.stats().readable()).isTrue();
            assertThat(readable(tier, chains)).isEqualTo(tier.stats().blocks()).isPositive();
            tier.checkIntegrity();
            var more = chains(200, 10);
            more.forEach(chain -> chain.store(tier));
            assertThat(readable(tier, more)).isEqualTo(30);
        }
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains("goes on without", path("a").toString());
    }

    @Test
    void foldersAreReadAtTheSameTime() throws Exception {
        var chains = chains(0, 40);
        try (var tier = DiskTier.open(options(path("a"), path("b")))) {
            chains.forEach(chain -> chain.store(tier));
        }
        // Each folder's first read waits for the other's: one after the other would not end.
        var both = new CyclicBarrier(2);
        try (var tier =
                DiskTier.open(
                        options(path("a"), path("b")),
                        _ ->
                                new FlakyIo() {
                                    private final CountDownLatch met = new CountDownLatch(1);

                                    @Override
                                    void reading() throws IOException {
                                        if (met.getCount() > 0) {
                                            meet(both);
                                            met.countDown();
                                        }
                                    }
                                })) {
            assertThat(readable(tier, chains)).isEqualTo(120);
        }
    }

    private static void meet(CyclicBarrier both) throws IOException {
        try {
            both.await(60, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IOException("the other folder is not being read", e);
        }
    }

    @Test
    void aFolderIsNamedOnceAndDoesNotLieInAnother() throws IOException {
        Files.createDirectories(path("a"));
        Files.createSymbolicLink(path("link"), path("a"));
        for (var same : List.of(path("a"), path("b/../a"), path("link"))) {
            Files.createDirectories(path("b"));
            assertThatThrownBy(() -> DiskTier.open(options(path("a"), same)))
                    .isInstanceOf(CacheException.class)
                    .hasMessageContaining("are the same: name each once");
        }
        assertThatThrownBy(() -> DiskTier.open(options(path("a/deep/er"), path("a"))))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining(path("a/deep/er") + " lies in another of its folders")
                .hasMessageContaining("beside each other");
        DiskTier.open(options(path("a"), path("b"))).close();
    }

    @Test
    void aFolderThatCannotBeUsedIsNamedAndTheOthersAreLetGo() throws IOException {
        Files.createFile(path("file"));
        assertThatThrownBy(() -> DiskTier.open(options(path("a"), path("file"))))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining(path("file").toString());
        try (var _ = DiskTier.open(options(path("b")))) {
            assertThatThrownBy(() -> DiskTier.open(options(path("a"), path("b"))))
                    .isInstanceOf(CacheException.class)
                    .hasMessageContaining(path("b") + " is in use by another server");
        }
        DiskTier.open(options(path("a"), path("b"))).close();
    }

    @Test
    void aFolderThatIsLeftOutIsThereAgainLater() {
        var chains = chains(0, 40);
        try (var tier = DiskTier.open(options(path("a"), path("b")))) {
            chains.forEach(chain -> chain.store(tier));
        }
        try (var tier = DiskTier.open(options(path("a")))) {
            assertThat(readable(tier, chains)).isBetween(1, 119);
        }
        try (var tier = DiskTier.open(options(path("a"), path("b")))) {
            assertThat(readable(tier, chains)).isEqualTo(120);
        }
    }
}
