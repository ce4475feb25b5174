package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds the blocks of a segment: from its index if it is sealed, else by reading all of it.
 *
 * <p>A read-through believes no length that is not authenticated: after a record that is not as it
 * was written it looks for the next one page by page.
 */
final class SegmentReader {
    private static final int INDEX_ENTRY_BYTES = 64;

    /** A block and where it lies. */
    record Found(DiskBlock block, long offset, int frequency) {}

    /**
     * @param end where the last record ends that is not the index
     */
    record Contents(List<Found> found, long end, boolean sealed) {}

    private final NodeKey key;
    private final ReadBuffer buffer;

    SegmentReader(NodeKey key, ReadBuffer buffer) {
        this.key = key;
        this.buffer = buffer;
    }

    Contents read(SegmentIo.File file, long size) throws IOException {
        Optional<Contents> indexed = index(file, size);
        return indexed.isPresent() ? indexed.get() : readThrough(file, size);
    }

    private Optional<Contents> index(SegmentIo.File file, long size) throws IOException {
        long trailerAt = size - RecordCodec.PAGE;
        if (trailerAt < 2 * RecordCodec.PAGE || size % RecordCodec.PAGE != 0) {
            return Optional.empty();
        }
        ByteBuffer trailer = buffer.read(file, trailerAt, RecordCodec.PAGE);
        long magic = trailer.getLong();
        long at = trailer.getLong();
        long bytes = trailer.getLong();
        if (magic != Segment.TRAILER_MAGIC
                || at < RecordCodec.PAGE
                || at % RecordCodec.PAGE != 0
                || bytes < RecordCodec.PAGE
                || at + bytes != trailerAt) {
            return Optional.empty();
        }
        return buffer.record(key, file, at, bytes)
                .filter(header -> header.magic() == RecordCodec.INDEX_MAGIC)
                .map(_ -> new Contents(entries(buffer.payload()), at, true));
    }

    private static List<Found> entries(ByteBuffer index) {
        int count = index.getInt();
        List<Found> found = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            long offset = index.getLong();
            BlockKey key = RecordCodec.readKey(index);
            BlockKey parent = RecordCodec.readKey(index);
            int position = index.getInt();
            int tokens = index.getInt();
            int payloadBytes = index.getInt();
            long micros = index.getLong();
            int frequency = index.getInt();
            found.add(
                    new Found(
                            new DiskBlock(key, parent, position, tokens, payloadBytes, micros),
                            offset,
                            frequency));
        }
        return found;
    }

    /** The payload of an index. */
    static byte[] index(List<Found> blocks) {
        ByteBuffer index = ByteBuffer.allocate(indexBytes(blocks.size()));
        index.putInt(blocks.size());
        for (Found found : blocks) {
            DiskBlock block = found.block();
            index.putLong(found.offset());
            RecordCodec.writeKey(block.key(), index);
            RecordCodec.writeKey(block.parent(), index);
            index.putInt(block.position()).putInt(block.tokens()).putInt(block.payloadBytes());
            index.putLong(block.recomputeMicros()).putInt(found.frequency());
        }
        return index.array();
    }

    static int indexBytes(int blocks) {
        return Integer.BYTES + blocks * INDEX_ENTRY_BYTES;
    }

    private Contents readThrough(SegmentIo.File file, long size) throws IOException {
        List<Found> found = new ArrayList<>();
        long end = RecordCodec.PAGE;
        long at = RecordCodec.PAGE;
        while (at + RecordCodec.PAGE <= size) {
            Optional<RecordCodec.Header> record = recordAt(file, at, size - at);
            if (record.isEmpty()) {
                at += RecordCodec.PAGE;
                continue;
            }
            long next = at + record.get().recordBytes();
            if (record.get().magic() == RecordCodec.BLOCK_MAGIC) {
                found.add(new Found(record.get().block(), at, 0));
                end = next;
            }
            at = next;
        }
        return new Contents(found, end, false);
    }

    private Optional<RecordCodec.Header> recordAt(SegmentIo.File file, long at, long most)
            throws IOException {
        try {
            return buffer.record(key, file, at, most);
        } catch (EOFException _) {
            return Optional.empty();
        }
    }
}
