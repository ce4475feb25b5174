package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that dies at any point of its writing: what changed files in several lives, with
 * segments filled, sealed, gone on with, written again and evicted, is recorded, and done again up
 * to each of many points, the write at that point in part. All that had been said to be stored and
 * not to have gone is served, and nothing is served wrong.
 */
final class CrashPointTest {
    private static final int POINTS = Integer.getInteger("stator.crash.points", 1_000);
    private static final int LIVES = 6;

    @TempDir Path temporary;
    private final RecordingIo io = new RecordingIo();
    private final List<Chain> chains = new ArrayList<>();
    private byte[] key = {};

    private DiskTierOptions options(Path folder) {
        return DiskTierOptions.of(folder, 8 * 32 << 10, 1024, Chain.MODEL)
                .withSegmentBytes(32 << 10)
                .withWarnings(_ -> {});
    }

    private DiskTier openCrashed(Path folder) {
        return DiskTier.open(options(folder));
    }

    @BeforeEach
    void record() throws IOException {
        var folder = temporary.resolve("recorded");
        var random = new Random(1);
        for (int i = 0; i < 90; i++) {
            chains.add(Chain.random(i, 3, 100 + 500 * (i % 3)));
        }
        for (int life = 0; life < LIVES; life++) {
            try (var tier = DiskTier.open(options(folder).withInventory(io), _ -> io)) {
                for (int i = 0; i < 30; i++) {
                    var chain = chains.get(random.nextInt(chains.size()));
                    for (int block = 0; block < chain.blocks(); block++) {
                        chain.offer(tier, block, random.nextInt(10_000));
                    }
                    if (random.nextInt(3) > 0) {
                        tier.awaitWritten();
                    }
                    tier.use(chains.get(random.nextInt(chains.size())).keys());
                }
            }
        }
        key = Files.readAllBytes(folder.resolve(NodeKey.FILE));
    }

    /** What kind of point it is, so that the test knows that it saw them all. */
    private static String kind(RecordingIo.Event event) {
        return switch (event) {
            case RecordingIo.Event.Create _ -> "create";
            case RecordingIo.Event.Remove _ -> "evict";
            case RecordingIo.Event.Truncate _ -> "cut the index off, or what follows it";
            case RecordingIo.Event.Write write ->
                    switch (java.nio.ByteBuffer.wrap(write.bytes()).getInt()) {
                        case RecordCodec.INDEX_MAGIC -> "index";
                        case RecordCodec.BLOCK_MAGIC -> "records";
                        default -> "head and records";
                    };
            case RecordingIo.Event.Stored _ -> "stored";
            case RecordingIo.Event.Removed _ -> "removed";
        };
    }

    @Test
    void whereverAProcessDiesNothingThatWasStoredIsLostAndNothingServedWrong() throws IOException {
        var events = io.events();
        var random = new Random(2);
        // A point in a write is worth several: it may stop anywhere in it.
        double perEvent = 1.2 * POINTS / events.size();
        var live = temporary.resolve("live");
        Files.createDirectories(live);
        var there = new HashSet<BlockKey>();
        var seen = new TreeMap<String, Integer>();
        int points = 0;
        for (var event : events) {
            int times = (int) (perEvent + random.nextDouble());
            for (int i = 0; i < times; i++) {
                crash(live, event, there, random, points++);
                seen.merge(kind(event), 1, Integer::sum);
            }
            RecordingIo.replay(event, live);
            RecordingIo.account(event, there);
        }
        assertThat(points).isGreaterThanOrEqualTo(POINTS);
        assertThat(seen.keySet())
                .contains("create", "evict", "index", "records", "head and records")
                .contains("cut the index off, or what follows it", "stored", "removed");
    }

    private void crash(
            Path live, RecordingIo.Event event, Set<BlockKey> there, Random random, int point)
            throws IOException {
        var folder = temporary.resolve("crash-" + point);
        Files.createDirectories(folder);
        try (var files = Files.list(live)) {
            for (var file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.write(folder.resolve(NodeKey.FILE), key);
        if (event instanceof RecordingIo.Event.Write write) {
            RecordingIo.tear(write, folder, random);
        }
        check(folder, there, "before event %d, %s".formatted(point, kind(event)));
        try (var files = Files.list(folder)) {
            for (var file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private void check(Path folder, Set<BlockKey> there, String where) {
        var next = Chain.random(9999, 2, 400);
        try (var tier = openCrashed(folder)) {
            tier.checkIntegrity();
            assertServed(tier, there, where);
            assertThat(tier.stats().checksumFailures()).as(where).isZero();
            next.store(tier);
            assertThat(next.readable(tier)).as(where).isEqualTo(2);
        }
        try (var tier = openCrashed(folder)) {
            tier.checkIntegrity();
            assertThat(next.readable(tier)).as(where).isEqualTo(2);
        }
    }

    private void assertServed(DiskTier tier, Set<BlockKey> there, String where) {
        for (var chain : chains) {
            for (int block = 0; block < chain.blocks(); block++) {
                boolean served = chain.isIn(tier, block);
                if (there.contains(chain.keys().get(block)) && !served) {
                    throw new AssertionError(
                            "%s: block %d of %s is lost".formatted(where, block, chain));
                }
            }
        }
    }
}
