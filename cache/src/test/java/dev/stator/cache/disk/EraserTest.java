package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Erased blocks are nowhere: in no index, in no file, at no later start. */
final class EraserTest {
    private static final int KIB = 1 << 10;
    private static final int BLOCK_BYTES = 700;

    @TempDir Path place;

    /** Segments of 64 KiB, each for some fourteen blocks of a page. */
    private DiskTier open(Path folder) {
        return DiskTier.open(
                DiskTierOptions.of(folder, 16 << 20, 4 * KIB, Chain.MODEL)
                        .withSegmentBytes(64 * KIB)
                        .withWarnings(
                                warning -> {
                                    throw new AssertionError(warning);
                                }));
    }

    private static Chain chain(long seed, int blocks) {
        return Chain.random(seed, blocks, BLOCK_BYTES / 4);
    }

    /** A sequence that has the first so many blocks of another, and goes on in its own way. */
    private static Chain branch(Chain of, int blocks, long seed) {
        int shared = blocks * of.blockTokens();
        var own = chain(seed, of.blocks() - blocks).tokens();
        return Chain.of(
                BLOCK_BYTES / 4,
                of.blockTokens(),
                IntStream.concat(IntStream.of(of.tokens()).limit(shared), IntStream.of(own))
                        .toArray());
    }

    private static boolean erase(DiskTier tier, BlockKey first, Set<BlockKey> keys) {
        keys.add(first);
        return tier.erase(keys);
    }

    /** Keys of records in the folder's files: they stand in their headers. */
    private static Set<BlockKey> written(Path folder) throws IOException {
        var keys = new HashSet<BlockKey>();
        try (var files = Files.list(folder)) {
            for (var file : files.filter(each -> Segment.number(each).isPresent()).toList()) {
                var bytes = ByteBuffer.wrap(Files.readAllBytes(file));
                for (int at = 0;
                        at + RecordCodec.PAGE <= bytes.capacity();
                        at += RecordCodec.PAGE) {
                    if (bytes.getInt(at) == RecordCodec.BLOCK_MAGIC) {
                        keys.add(new BlockKey(bytes.getLong(at + 48), bytes.getLong(at + 56)));
                    }
                }
            }
        }
        return keys;
    }

    @Test
    void aBlockGoesWithAllThatFollowItFromFilesThatAreFullAndFromTheOneThatIsFilled()
            throws IOException {
        var folder = place.resolve("tier");
        var head = chain(1, 30);
        var other = branch(head, 2, 2);
        var third = branch(head, 10, 3);
        try (var tier = open(folder)) {
            for (var each : List.of(head, other, third)) {
                each.store(tier);
            }
            var keys = new HashSet<BlockKey>();

            assertThat(erase(tier, head.keys().get(5), keys)).isFalse();

            assertThat(keys).hasSize(25 + 20);
            assertThat(head.readable(tier)).isEqualTo(5);
            assertThat(third.readable(tier)).isEqualTo(5);
            assertThat(other.readable(tier)).isEqualTo(30);
            assertThat(written(folder)).doesNotContainAnyElementsOf(keys);
            assertThat(tier.stats().checksumFailures()).isZero();
            tier.checkIntegrity();
        }
        try (var tier = open(folder)) {
            assertThat(head.readable(tier)).isEqualTo(5);
            assertThat(other.readable(tier)).isEqualTo(30);
            assertThat(tier.stats().blocks()).isEqualTo(5 + 28);
            assertThat(tier.stats().checksumFailures()).isZero();
            tier.checkIntegrity();
        }
    }

    @Test
    void aStartAfterACrashDoesNotFindThemEither() throws IOException {
        var folder = place.resolve("tier");
        var crashed = place.resolve("crashed");
        var head = chain(1, 30);
        try (var tier = open(folder)) {
            head.store(tier);
            erase(tier, head.keys().get(20), new HashSet<>());
            // What a process leaves that is killed now.
            Files.createDirectory(crashed);
            try (var files = Files.list(folder)) {
                for (var file : files.toList()) {
                    Files.copy(file, crashed.resolve(file.getFileName()));
                }
            }
        }
        try (var tier = open(crashed)) {
            assertThat(head.readable(tier)).isEqualTo(20);
            assertThat(tier.stats().checksumFailures()).isZero();
        }
    }

    @Test
    void whatWasErasedCanBeStoredAgain() {
        var folder = place.resolve("tier");
        var head = chain(1, 30);
        for (int life = 0; life < 3; life++) {
            try (var tier = open(folder)) {
                head.store(tier);
                assertThat(head.readable(tier)).isEqualTo(30);
                erase(tier, head.keys().get(3), new HashSet<>());
                assertThat(head.readable(tier)).isEqualTo(3);
                head.store(tier);
                assertThat(head.readable(tier)).isEqualTo(30);
                tier.checkIntegrity();
            }
        }
    }

    @Test
    void whatWaitsToBeWrittenIsTakenBackAndComesWithAnotherCallWhereItWasUnderWay()
            throws IOException {
        var folder = place.resolve("tier");
        try (var tier = open(folder)) {
            for (int seed = 0; seed < 50; seed++) {
                var head = chain(seed, 40);
                for (int block = 0; block < head.blocks(); block++) {
                    head.offer(tier, block);
                }
                var keys = new HashSet<BlockKey>();
                erase(tier, head.keys().get(7), keys);
                tier.awaitWritten();
                while (tier.erase(keys)) {
                    tier.awaitWritten();
                }
                assertThat(head.readable(tier)).isLessThanOrEqualTo(7);
                var gone = new HashSet<>(head.keys().subList(7, 40));
                assertThat(written(folder)).doesNotContainAnyElementsOf(gone);
                tier.checkIntegrity();
            }
        }
    }
}
