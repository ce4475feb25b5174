package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/** Ends segments with an index. Not thread-safe. */
final class SegmentSealer {
    private static final int[] NO_TOKENS = {};
    private static final BlockKey NO_KEY = new BlockKey(0, 0);

    private final RecordCodec codec;

    SegmentSealer(BlockKey fingerprint) {
        this.codec = new RecordCodec(fingerprint);
    }

    /** Of the index of so many blocks and what says where it is. */
    static long bytes(int blocks) {
        return RecordCodec.recordBytes(0, SegmentReader.indexBytes(blocks)) + RecordCodec.PAGE;
    }

    /**
     * Writes an index and what says where it is, cuts off what comes after it, and forces all to
     * the device.
     *
     * @return where the file ends now
     */
    long seal(NodeKey key, SegmentIo.File file, long at, List<SegmentReader.Found> live)
            throws IOException {
        byte[] index = SegmentReader.index(live);
        DiskBlock description = new DiskBlock(NO_KEY, NO_KEY, 0, 0, index.length, 0);
        int recordBytes = description.recordBytes();
        ByteBuffer bytes = SegmentIo.buffer(recordBytes + RecordCodec.PAGE);
        codec.encode(
                key,
                RecordCodec.INDEX_MAGIC,
                description,
                NO_TOKENS,
                MemorySegment.ofArray(index),
                bytes);
        bytes.putLong(Segment.TRAILER_MAGIC).putLong(at).putLong(recordBytes);
        bytes.position(0).limit(recordBytes + RecordCodec.PAGE);
        file.write(bytes, at);
        long until = at + recordBytes + RecordCodec.PAGE;
        file.truncate(until);
        file.force();
        return until;
    }
}
