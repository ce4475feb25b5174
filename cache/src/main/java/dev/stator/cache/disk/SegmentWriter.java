package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Appends records to one segment after the other, in large pieces. While pieces are being written,
 * the next is encrypted; while a segment is sealed, the next is filled. Confined to one thread.
 *
 * <p>If something cannot be written, the listener hears of it, and of the blocks that are lost; the
 * rest of that segment is lost, too.
 */
final class SegmentWriter implements AutoCloseable {
    private static final int PIECE_BYTES = 4 << 20;

    /** One is filled, one is written; the others are there while a file is made or removed. */
    private static final int PIECES = 4;

    /**
     * A block that has a place in the segment.
     *
     * @param moved whether it lies elsewhere, too
     */
    record Placed(DiskEntry entry, long offset, boolean moved) {}

    /** Hears what becomes of what was appended; of one segment in order, from other threads. */
    interface Listener {
        /**
         * @param end where the segment ends now
         */
        void written(Segment segment, long end, List<Placed> blocks);

        void lost(List<Placed> blocks);

        /** Called once of a segment. */
        void failed(Segment segment, Throwable cause);

        /** What is live in a segment all of whose records are written. */
        List<SegmentReader.Found> live(Segment segment);

        /**
         * Nothing more is written to the segment.
         *
         * @param recordsEnd where its index begins; 0 if it has none
         */
        void ended(Segment segment, long end, long recordsEnd);
    }

    /** A part of a segment on its way. */
    private static final class Piece {
        ByteBuffer bytes = SegmentIo.buffer(RecordCodec.PAGE);
        long at;
        List<Placed> blocks = new ArrayList<>();
    }

    /** A segment that is written. */
    private static final class Target {
        final Segment segment;
        final SegmentIo.File file;
        volatile boolean failed;
        long end;
        int blocks;

        Target(Segment segment, SegmentIo.File file, long end, int blocks) {
            this.segment = segment;
            this.file = file;
            this.end = end;
            this.blocks = blocks;
        }
    }

    private final BlockKey fingerprint;
    private final RecordCodec codec;
    private final SegmentSealer sealer;
    private final Listener listener;
    private final ExecutorService io = thread("disk-writer");
    private final ExecutorService sealing = thread("disk-sealer");
    private final BlockingQueue<Piece> free = new ArrayBlockingQueue<>(PIECES);
    private Optional<Target> target = Optional.empty();
    private Piece filling = new Piece();
    private CountDownLatch lastSeal = new CountDownLatch(0);

    SegmentWriter(BlockKey fingerprint, Listener listener) {
        this.fingerprint = fingerprint;
        this.codec = new RecordCodec(fingerprint);
        this.sealer = new SegmentSealer(fingerprint);
        this.listener = listener;
        for (int i = 1; i < PIECES; i++) {
            free.add(new Piece());
        }
    }

    private static ExecutorService thread(String name) {
        return Executors.newSingleThreadExecutor(Thread.ofPlatform().name(name).daemon().factory());
    }

    /**
     * Goes on with a segment.
     *
     * @param file to write with, closed with the segment
     * @param end where its records end; 0 if the file is empty
     * @param blocks that its index is going to name already
     */
    void begin(Segment segment, SegmentIo.File file, long end, int blocks) {
        Target next = new Target(segment, file, Math.max(end, RecordCodec.PAGE), blocks);
        target = Optional.of(next);
        filling.at = end;
        if (end == 0) {
            Segment.writeHead(segment.folder.key(), fingerprint, room(RecordCodec.PAGE));
        }
    }

    Optional<Segment> segment() {
        return target.map(current -> current.segment);
    }

    /** Whether a record and the index after it fit the current segment. */
    boolean fits(int recordBytes) {
        return target.filter(
                        current ->
                                current.end + recordBytes + SegmentSealer.bytes(current.blocks + 1)
                                        <= current.segment.folder.segmentBytes())
                .isPresent();
    }

    /** Whether a record fits an empty segment of so many bytes. */
    static boolean fits(int recordBytes, long segmentBytes) {
        return RecordCodec.PAGE + recordBytes + SegmentSealer.bytes(1) <= segmentBytes;
    }

    /** Whether something of the current segment could not be written. */
    boolean hasFailed() {
        return target.filter(current -> current.failed).isPresent();
    }

    void append(DiskBlock block, int[] tokens, MemorySegment rows) {
        Target current = target.orElseThrow();
        ByteBuffer bytes = room(block.recordBytes());
        DiskEntry entry = new DiskEntry(block, current.segment, current.end, 0);
        NodeKey key = current.segment.folder.key();
        codec.encode(key, RecordCodec.BLOCK_MAGIC, block, tokens, rows, bytes);
        place(current, entry, false);
    }

    /** Writes again what has been written elsewhere in the same folder. */
    void append(DiskEntry entry, ByteBuffer record) {
        room(entry.block.recordBytes()).put(record);
        place(target.orElseThrow(), entry, true);
    }

    private void place(Target current, DiskEntry entry, boolean moved) {
        filling.blocks.add(new Placed(entry, current.end, moved));
        current.end += entry.block.recordBytes();
        current.blocks++;
    }

    private ByteBuffer room(int bytes) {
        if (filling.bytes.remaining() < bytes && filling.bytes.position() > 0) {
            launch();
        }
        if (filling.bytes.capacity() < bytes || filling.bytes.capacity() == RecordCodec.PAGE) {
            filling.bytes = SegmentIo.buffer(Math.max(usualBytes(bytes), bytes));
        }
        return filling.bytes;
    }

    /** A head, and records like this one as long as they are not much more than a piece. */
    private int usualBytes(int recordBytes) {
        long most = Math.min(PIECE_BYTES, target.orElseThrow().segment.folder.segmentBytes());
        return RecordCodec.PAGE + recordBytes * (int) Math.ceilDiv(most, recordBytes);
    }

    /** Has what there is written, once there is a piece to go on with. */
    private void launch() {
        if (filling.bytes.position() == 0) {
            return;
        }
        Target current = target.orElseThrow();
        Piece piece = filling;
        piece.bytes.flip();
        io.execute(() -> write(current, piece));
        filling = takeFree();
        filling.at = current.end;
    }

    private Piece takeFree() {
        boolean interrupted = false;
        Optional<Piece> piece = Optional.empty();
        while (piece.isEmpty()) {
            try {
                piece = Optional.of(free.take());
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return piece.get();
    }

    private void write(Target to, Piece piece) {
        List<Placed> blocks = piece.blocks;
        long end = piece.at + piece.bytes.limit();
        try {
            if (to.failed) {
                listener.lost(blocks);
            } else {
                to.file.write(piece.bytes, piece.at);
                listener.written(to.segment, end, blocks);
            }
        } catch (IOException | RuntimeException | Error e) {
            fail(to, e);
            listener.lost(blocks);
        } finally {
            piece.blocks = new ArrayList<>();
            piece.bytes.clear();
            free.add(piece);
        }
    }

    private void fail(Target to, Throwable cause) {
        if (!to.failed) {
            to.failed = true;
            listener.failed(to.segment, cause);
        }
    }

    /** Returns when everything that was appended is in the file, or lost. */
    void flush() {
        launch();
        CountDownLatch written = new CountDownLatch(1);
        io.execute(written::countDown);
        await(written);
    }

    private static void await(CountDownLatch latch) {
        boolean interrupted = false;
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Bytes that the current segment will have at most if it is sealed now. */
    long sealedBytes() {
        Target current = target.orElseThrow();
        return current.end + SegmentSealer.bytes(current.blocks);
    }

    /** Ends the current segment with an index, behind what is being written. */
    void seal() {
        Target current = target.orElseThrow();
        launch();
        // One at a time: of what waits to be sealed, the bytes are not yet known.
        await(lastSeal);
        CountDownLatch sealed = new CountDownLatch(1);
        lastSeal = sealed;
        io.execute(() -> sealing.execute(() -> seal(current, sealed)));
        target = Optional.empty();
    }

    private void seal(Target done, CountDownLatch sealed) {
        Segment segment = done.segment;
        long end = 0;
        try (SegmentIo.File file = done.file) {
            if (!done.failed) {
                NodeKey key = segment.folder.key();
                end = sealer.seal(key, file, done.end, listener.live(segment));
            }
        } catch (IOException | RuntimeException | Error e) {
            end = 0;
            fail(done, e);
        }
        try {
            listener.ended(segment, end, end == 0 ? 0 : done.end);
        } finally {
            sealed.countDown();
        }
    }

    /** Returns when everything is written and sealed. */
    @Override
    public void close() {
        io.close();
        sealing.close();
    }
}
