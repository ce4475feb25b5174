package dev.stator.routing.index;

import static dev.stator.routing.index.Chains.chain;
import static dev.stator.routing.index.Chains.depths;
import static dev.stator.routing.index.Chains.device;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.routing.index.BlockEvents.Change;
import dev.stator.routing.index.Chains.Source;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SnapshotTest {
    private static final IndexOptions SMALL = new IndexOptions(256 << 10);
    private static final IndexOptions SMALLEST = new IndexOptions(64 << 10);

    private final SplittableRandom random = new SplittableRandom(1);
    private final BlockIndex index = new BlockIndex(SMALL);

    private byte[] snapshot() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        index.write(out);
        return out.toByteArray();
    }

    private static BlockIndex read(byte[] bytes) throws IOException {
        return read(bytes, SMALL);
    }

    private static BlockIndex read(byte[] bytes, IndexOptions options) throws IOException {
        return BlockIndex.read(new ByteArrayInputStream(bytes), options);
    }

    /** Few blocks, but several places and sets, one place out of step. */
    private long[] fill() {
        long[] prompt = chain(random, 30);
        for (int worker = 0; worker < 30; worker++) {
            new Source(device(worker), index::apply).stores(Arrays.copyOf(prompt, worker + 1));
        }
        index.apply(new BlockEvents(device(3), 7, Change.STORED, chain(random, 2)));
        return prompt;
    }

    @Test
    void anotherIndexHoldsTheSame() throws IOException {
        long[] prompt = fill();
        BlockIndex other = read(snapshot());

        assertThat(depths(other, prompt)).isEqualTo(depths(index, prompt)).hasSize(30);
        assertThat(other.stats())
                .usingRecursiveComparison()
                .ignoringFields("gaps", "bytes")
                .isEqualTo(index.stats());
    }

    @Test
    void anotherIndexGoesOnFromTheNumbers() throws IOException {
        long[] prompt = fill();
        BlockIndex other = read(snapshot());

        assertThat(other.apply(new BlockEvents(device(0), 1, Change.REMOVED, prompt))).isTrue();
        assertThat(depths(other, prompt)).containsEntry("worker-0", 1);
        assertThat(other.apply(new BlockEvents(device(0), 2, Change.STORED, prompt))).isTrue();
        assertThat(depths(other, prompt)).containsEntry("worker-0", 30);
        assertThat(other.apply(new BlockEvents(device(1), 3, Change.STORED, prompt))).isFalse();
        assertThat(other.apply(new BlockEvents(device(3), 8, Change.STORED, prompt))).isFalse();
    }

    @Test
    void aSmallerIndexTakesWhatFits() throws IOException {
        new Source(device(0), index::apply).stores(chain(random, 8_000));
        BlockIndex other = read(snapshot(), SMALLEST);

        assertThat(other.stats().blocks() + other.stats().forgottenBlocks()).isEqualTo(8_000);
        assertThat(other.stats().forgottenBlocks()).isPositive();
    }

    @Test
    void whatIsExpectedOrDroppedIsLeftOut() throws IOException {
        long[] prompt = fill();
        long[] expected = chain(random, 5);
        index.expect(index.place(device(0)), expected, 0, 5, Long.MAX_VALUE);
        index.drop(device(29));

        BlockIndex other = read(snapshot());

        assertThat(depths(other, expected)).isEmpty();
        assertThat(depths(other, prompt)).isEqualTo(depths(index, prompt)).hasSize(29);
    }

    @Test
    void batchesFollowedWhileItIsWrittenMayBeFollowedAgain() throws IOException {
        int workers = 20;
        long[] keys = chain(random, 8_000);
        Source[] sources = new Source[workers];
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        TreeMap<Long, BlockEvents> sent = new TreeMap<>();
        for (int worker = 0; worker < workers; worker++) {
            sources[worker] =
                    new Source(
                            device(worker),
                            events -> {
                                index.apply(events);
                                sent.put(sent.size() + 1L, events);
                            });
            sources[worker].stores(Arrays.copyOfRange(keys, worker * 400, worker * 400 + 400));
        }
        OutputStream busy =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        bytes.write(b);
                    }

                    @Override
                    public void write(byte[] b, int offset, int length) {
                        bytes.write(b, offset, length);
                        Source source = sources[random.nextInt(workers)];
                        int from = random.nextInt(keys.length - 100);
                        long[] some = Arrays.copyOfRange(keys, from, from + 100);
                        switch (random.nextInt(8)) {
                            case 0 -> source.clears();
                            case 1, 2, 3 -> source.removes(some);
                            default -> source.stores(some);
                        }
                    }
                };
        index.write(busy);
        BlockIndex other = read(bytes.toByteArray());

        sent.values().forEach(events -> assertThat(other.apply(events)).isTrue());

        for (long key : keys) {
            assertThat(depths(other, key)).isEqualTo(depths(index, key));
        }
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        fill();
        byte[] whole = snapshot();
        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> read(part, SMALLEST))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageStartingWith("the snapshot is truncated: it ends ");
        }
    }

    @Test
    void everyFlippedBitIsRefused() throws IOException {
        fill();
        byte[] whole = snapshot();
        for (int i = 0; i < whole.length; i++) {
            byte[] damaged = whole.clone();
            damaged[i] ^= (byte) (1 << random.nextInt(8));
            assertThatThrownBy(() -> read(damaged, SMALLEST)).isInstanceOf(SnapshotException.class);
        }
    }

    @Test
    void refusalsSayWhatIsWrong() throws IOException {
        fill();
        byte[] whole = snapshot();
        assertThatThrownBy(() -> read("{\"magic\": 1}".getBytes(StandardCharsets.UTF_8)))
                .hasMessage(
                        "not a snapshot of a block index: it begins with 7b226d6167696322 instead"
                                + " of 535441544f524958");
        byte[] newer = whole.clone();
        newer[11] = 2;
        assertThatThrownBy(() -> read(newer))
                .hasMessage(
                        "the snapshot has version 2, but only version 1 can be read; let a router"
                                + " of this release write one");
        byte[] damaged = whole.clone();
        damaged[40] ^= 1;
        assertThatThrownBy(() -> read(damaged))
                .hasMessage("part 0 of the snapshot is damaged: its checksum does not fit");
    }

    @Test
    void contentsThatFitTheirChecksumButMakeNoSenseAreRefused() {
        assertRefused(
                "part 0 of the snapshot is malformed: the list of places must come first, and once",
                part(out -> out.writeByte(SnapshotFormat.BLOCKS)));
        assertRefused(
                "part 0 of the snapshot is malformed: it counts 1000000 things in 0 bytes",
                part(
                        out -> {
                            out.writeByte(SnapshotFormat.PLACES);
                            out.writeInt(1_000_000);
                        }));
        assertRefused(
                "part 1 of the snapshot is malformed: its kind is 9",
                noPlaces(),
                part(out -> out.writeByte(9)));
        assertRefused(
                "part 1 of the snapshot is malformed: there should have been 3 blocks but were 0",
                noPlaces(),
                part(
                        out -> {
                            out.writeByte(SnapshotFormat.END);
                            out.writeLong(3);
                        }));
        assertRefused(
                "part 1 of the snapshot is malformed: Index 5 out of bounds for length 0",
                noPlaces(),
                part(
                        out -> {
                            out.writeByte(SnapshotFormat.BLOCKS);
                            out.writeInt(1);
                            out.writeInt(1);
                            out.writeInt(5);
                        }));
    }

    private interface Content {
        void to(DataOutputStream out) throws IOException;
    }

    private static Content noPlaces() {
        return part(
                out -> {
                    out.writeByte(SnapshotFormat.PLACES);
                    out.writeInt(0);
                });
    }

    private static Content part(Content content) {
        return out -> {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            content.to(new DataOutputStream(bytes));
            out.writeInt(bytes.size());
            out.writeInt(SnapshotFormat.checksum(bytes.toByteArray()));
            bytes.writeTo(out);
        };
    }

    private static void assertRefused(String message, Content... parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        assertThatThrownBy(
                        () -> {
                            DataOutputStream out = new DataOutputStream(bytes);
                            out.writeLong(SnapshotFormat.MAGIC);
                            out.writeInt(SnapshotFormat.VERSION);
                            for (Content part : parts) {
                                part.to(out);
                            }
                            read(bytes.toByteArray());
                        })
                .isInstanceOf(SnapshotException.class)
                .hasMessage(message);
    }

    @Test
    void theSnapshotOfAnEmptyIndexIsAnEmptyIndex() throws IOException {
        assertThat(read(snapshot()).stats()).isEqualTo(index.stats());
        assertThat(Map.copyOf(depths(read(snapshot()), 1))).isEmpty();
    }
}
