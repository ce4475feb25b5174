package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a crash or a bad disk may leave: the log cut off, or bytes of it changed, at seeded
 * positions. All that was written before is served, and nothing is served wrong.
 */
final class TornWriteTest {
    private static final int POSITIONS = Integer.getInteger("stator.torn.positions", 600);

    @TempDir Path folder;

    /** The files of a tier whose process died: two sealed segments and one that is not. */
    private final TreeMap<Long, byte[]> log = new TreeMap<>();

    private byte[] key = {};
    private final List<Chain> chains = new ArrayList<>();

    /** Blocks in the order of the log. */
    private final List<Written> written = new ArrayList<>();

    private record Written(long segment, long end, Chain chain, int block) {}

    private DiskTier open() {
        return DiskTier.open(
                DiskTierOptions.of(folder, 1 << 20, 2048, Chain.MODEL)
                        .withSegmentBytes(48 << 10)
                        .withWarnings(_ -> {}));
    }

    @BeforeEach
    void write() throws IOException {
        for (int i = 0; i < 6; i++) {
            chains.add(Chain.random(i, 4, 100 + 300 * (i % 3)));
        }
        try (var tier = open()) {
            // By turns, so that each segment has parts of several sequences.
            for (int block = 0; block < 4; block++) {
                for (var chain : chains) {
                    chain.offer(tier, block);
                }
                tier.awaitWritten();
            }
            awaitSealed();
            keepFiles();
        }
        key = Files.readAllBytes(folder.resolve(NodeKey.FILE));
        assertThat(log).hasSize(3);
        locate();
    }

    /** A segment gets its index after its blocks count as written. */
    private void awaitSealed() throws IOException {
        var nodeKey = NodeKey.of(Files.readAllBytes(folder.resolve(NodeKey.FILE)));
        var reader = new SegmentReader(nodeKey, new ReadBuffer(Chain.MODEL));
        var io = SegmentIo.system(folder);
        for (long left = segments().size() - 1; left > 0; LockSupport.parkNanos(1_000_000)) {
            left = segments().size() - 1;
            for (long segment : segments()) {
                try (var file = io.open(Segment.path(folder, segment), false)) {
                    left -= reader.read(file, file.size()).sealed() ? 1 : 0;
                }
            }
        }
    }

    private List<Long> segments() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(Segment::number).flatMapToLong(OptionalLong::stream).boxed().toList();
        }
    }

    private void keepFiles() throws IOException {
        try (var files = Files.list(folder)) {
            for (var file : files.toList()) {
                var number = Segment.number(file);
                if (number.isPresent()) {
                    log.put(number.getAsLong(), Files.readAllBytes(file));
                }
            }
        }
    }

    private void locate() throws IOException {
        restore();
        var io = SegmentIo.system(folder);
        var reader = new SegmentReader(NodeKey.of(key), new ReadBuffer(Chain.MODEL));
        for (long segment : log.keySet()) {
            try (var file = io.open(Segment.path(folder, segment), false)) {
                var contents = reader.read(file, file.size());
                assertThat(contents.sealed()).isEqualTo(segment != log.lastKey());
                for (var found : contents.found()) {
                    written.add(written(segment, found));
                }
            }
        }
        assertThat(written).hasSize(24);
    }

    private Written written(long segment, SegmentReader.Found found) {
        for (var chain : chains) {
            int block = chain.keys().indexOf(found.block().key());
            if (block >= 0) {
                long end = found.offset() + found.block().recordBytes();
                return new Written(segment, end, chain, block);
            }
        }
        throw new AssertionError("an unknown block " + found);
    }

    private byte[] bytes(long segment) {
        return log.getOrDefault(segment, new byte[0]);
    }

    /** The folder as the process left it. */
    private void restore() throws IOException {
        try (var files = Files.list(folder)) {
            for (var file : files.toList()) {
                Files.delete(file);
            }
        }
        for (var segment : log.entrySet()) {
            Files.write(Segment.path(folder, segment.getKey()), segment.getValue());
        }
        Files.write(folder.resolve(NodeKey.FILE), key);
    }

    private void check(long segment, long position, String what) {
        try (var tier = open()) {
            tier.checkIntegrity();
            for (var block : written) {
                boolean before =
                        block.segment < segment
                                || (block.segment == segment && block.end <= position);
                boolean served = block.chain.isIn(tier, block.block);
                if (before && !served) {
                    throw new AssertionError(
                            "%s at byte %d of segment %d lost a block that ends at %d of %d"
                                    .formatted(what, position, segment, block.end, block.segment));
                }
            }
            // And it goes on.
            var next = Chain.random(99, 2, 400);
            next.store(tier);
            assertThat(next.readable(tier)).isEqualTo(2);
        }
        try (var tier = open()) {
            tier.checkIntegrity();
            for (var block : written) {
                block.chain.isIn(tier, block.block);
            }
        }
    }

    @Test
    void whateverIsCutOffWhatStoodBeforeIsServed() throws IOException {
        var random = new Random(1);
        for (int i = 0; i < POSITIONS; i++) {
            restore();
            long segment = 1 + random.nextInt(log.size());
            int position = random.nextInt(bytes(segment).length);
            try (var file =
                    new java.io.RandomAccessFile(Segment.path(folder, segment).toFile(), "rw")) {
                file.setLength(position);
            }
            check(segment, position, "a cut");
        }
    }

    @Test
    void whateverIsGarbledWhatStoodBeforeIsServedAndNothingWrong() throws IOException {
        var random = new Random(2);
        for (int i = 0; i < POSITIONS; i++) {
            restore();
            long segment = 1 + random.nextInt(log.size());
            int position = random.nextInt(bytes(segment).length);
            byte[] junk = new byte[1 + random.nextInt(random.nextBoolean() ? 1 : 5000)];
            random.nextBytes(junk);
            junk[0] = (byte) (bytes(segment)[position] ^ (1 << random.nextInt(8)));
            DiskTierTest.overwrite(Segment.path(folder, segment), position, junk);
            // A segment whose head is changed cannot be told from another model's.
            check(segment, position < 64 ? 0 : position, "garbage");
        }
    }

    @Test
    void aSegmentThatIsWrittenOutOfOrderLosesOnlyWhatIsMissing() throws IOException {
        // Without power, pages reach the disk in any order: some of the last segment stay zero.
        var random = new Random(3);
        long segment = log.lastKey();
        for (int i = 0; i < POSITIONS / 4; i++) {
            restore();
            int pages = bytes(segment).length / RecordCodec.PAGE;
            int missing = 1 + random.nextInt(pages - 1);
            long position = (long) missing * RecordCodec.PAGE;
            DiskTierTest.overwrite(
                    Segment.path(folder, segment), position, new byte[RecordCodec.PAGE]);
            check(segment, position, "a missing page");
        }
    }
}
