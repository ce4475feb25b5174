package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Appends records to one segment after the other, in large pieces: while one piece is being
 * written, the next is encrypted. Confined to one thread.
 */
final class SegmentWriter implements AutoCloseable {
    private static final int PIECE_BYTES = 4 << 20;
    private static final int[] NO_TOKENS = {};
    private static final BlockKey NO_KEY = new BlockKey(0, 0);

    /**
     * A block that has a place in the segment.
     *
     * @param moved whether it lies elsewhere, too
     */
    record Placed(DiskEntry entry, long offset, boolean moved) {}

    /** Hears what has been written, in order. */
    @FunctionalInterface
    interface OnWritten {
        /**
         * @param end where the segment ends now
         */
        void written(Segment segment, long end, List<Placed> blocks);
    }

    /** A part of a segment on its way. */
    private static final class Piece {
        ByteBuffer bytes = SegmentIo.buffer(RecordCodec.PAGE);
        long at;
        List<Placed> blocks = new ArrayList<>();
        Optional<Future<?>> writing = Optional.empty();
    }

    private final RecordCodec codec;
    private final long segmentBytes;
    private final OnWritten onWritten;
    private final ExecutorService io =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().name("disk-writer").daemon().factory());
    private Optional<Segment> segment = Optional.empty();
    private Piece filling = new Piece();
    private Piece flying = new Piece();
    private long end;
    private int blocks;

    SegmentWriter(RecordCodec codec, long segmentBytes, OnWritten onWritten) {
        this.codec = codec;
        this.segmentBytes = segmentBytes;
        this.onWritten = onWritten;
    }

    /** Goes on with a segment that has but its head. */
    void begin(Segment next) {
        segment = Optional.of(next);
        end = RecordCodec.PAGE;
        filling.at = end;
        blocks = 0;
    }

    Optional<Segment> segment() {
        return segment;
    }

    /** Whether a record and the index after it fit the current segment. */
    boolean fits(int recordBytes) {
        return segment.isPresent() && end + recordBytes + sealBytes(blocks + 1) <= segmentBytes;
    }

    /** Whether a record fits any segment. */
    boolean fitsEver(int recordBytes) {
        return RecordCodec.PAGE + recordBytes + sealBytes(1) <= segmentBytes;
    }

    private static long sealBytes(int blocks) {
        return RecordCodec.recordBytes(0, SegmentReader.indexBytes(blocks)) + RecordCodec.PAGE;
    }

    void append(DiskBlock block, int[] tokens, MemorySegment rows) throws IOException {
        ByteBuffer target = room(block.recordBytes());
        DiskEntry entry = new DiskEntry(block, segment.orElseThrow(), end, 0);
        codec.encode(RecordCodec.BLOCK_MAGIC, block, tokens, rows, target);
        place(entry, false);
    }

    /** Writes again what has been written elsewhere. */
    void append(DiskEntry entry, ByteBuffer record) throws IOException {
        room(entry.block.recordBytes()).put(record);
        place(entry, true);
    }

    private void place(DiskEntry entry, boolean moved) {
        filling.blocks.add(new Placed(entry, end, moved));
        end += entry.block.recordBytes();
        blocks++;
    }

    private ByteBuffer room(int bytes) throws IOException {
        if (filling.bytes.remaining() < bytes) {
            launch();
        }
        if (filling.bytes.capacity() < bytes || filling.bytes.capacity() == RecordCodec.PAGE) {
            int usual = (int) Math.min(PIECE_BYTES, segmentBytes);
            filling.bytes = SegmentIo.buffer(Math.max(usual, bytes));
        }
        return filling.bytes;
    }

    /** Begins to write what there is, once the piece before it is written. */
    private void launch() throws IOException {
        land();
        Piece piece = filling;
        filling = flying;
        flying = piece;
        filling.at = end;
        if (piece.bytes.position() > 0) {
            SegmentIo.File file = segment.orElseThrow().file;
            piece.bytes.flip();
            piece.writing =
                    Optional.of(
                            io.submit(
                                    () -> {
                                        file.write(piece.bytes, piece.at);
                                        return piece;
                                    }));
        }
    }

    /** Waits for the piece that is being written. */
    private void land() throws IOException {
        if (flying.writing.isEmpty()) {
            return;
        }
        Future<?> writing = flying.writing.get();
        flying.writing = Optional.empty();
        await(writing);
        List<Placed> written = flying.blocks;
        long until = flying.at + flying.bytes.limit();
        flying.blocks = new ArrayList<>();
        flying.bytes.clear();
        onWritten.written(segment.orElseThrow(), until, written);
    }

    private static void await(Future<?> writing) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    writing.get();
                    return;
                } catch (InterruptedException _) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof IOException failed) {
                        throw failed;
                    }
                    throw new IOException("writing failed: " + e.getCause(), e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Returns when everything that was appended is in the file. */
    void flush() throws IOException {
        launch();
        land();
    }

    /** Ends the current segment, if there is one, with an index of what is live in it. */
    void seal(List<SegmentReader.Found> live) throws IOException {
        Segment sealed = segment.orElseThrow();
        long until = seal(sealed.file, end, live);
        segment = Optional.empty();
        onWritten.written(sealed, until, List.of());
    }

    /**
     * Writes an index and what says where it is, and cuts off what comes after it.
     *
     * @return where the file ends now
     */
    long seal(SegmentIo.File file, long at, List<SegmentReader.Found> live) throws IOException {
        byte[] index = SegmentReader.index(live);
        DiskBlock description = new DiskBlock(NO_KEY, NO_KEY, 0, 0, index.length, 0);
        int recordBytes = description.recordBytes();
        ByteBuffer bytes = SegmentIo.buffer(recordBytes + RecordCodec.PAGE);
        codec.encode(
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

    @Override
    public void close() {
        io.shutdown();
    }
}
