package dev.stator.routing.index;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** Reads {@link SnapshotFormat}. Believes nothing of a part before its checksum is verified. */
final class SnapshotReader {
    private static final Tier[] TIERS = Tier.values();

    /** Takes what a snapshot holds, in its order. */
    interface Sink {
        /** Places come first and count from 0. */
        void place(Place place, long sequence, boolean inStep);

        /**
         * Blocks of one part.
         *
         * @param sets of each block, a position in {@code members}
         * @param members of each set, positions of places
         */
        void blocks(int[][] members, long[] keys, int[] sets);
    }

    private final DataInputStream in;
    private final Sink sink;
    private int part;
    private int places;
    private long blocks;

    SnapshotReader(InputStream in, Sink sink) {
        this.in = new DataInputStream(in);
        this.sink = sink;
    }

    void read() throws IOException {
        try {
            long magic = in.readLong();
            if (magic != SnapshotFormat.MAGIC) {
                throw new SnapshotException(
                        "not a snapshot of a block index: it begins with %016x instead of %016x"
                                .formatted(magic, SnapshotFormat.MAGIC));
            }
            int version = in.readInt();
            if (version != SnapshotFormat.VERSION) {
                throw new SnapshotException(
                        "the snapshot has version %d, but only version %d can be read; let a router of this release write one"
                                .formatted(version, SnapshotFormat.VERSION));
            }
            while (readPart()) {
                part++;
            }
        } catch (EOFException e) {
            throw new SnapshotException(
                    part == 0
                            ? "the snapshot is truncated: it ends before its list of places does"
                            : "the snapshot is truncated: it ends in part %d, after %d blocks"
                                    .formatted(part, blocks),
                    e);
        }
    }

    private boolean readPart() throws IOException {
        int length = in.readInt();
        int checksum = in.readInt();
        // Reads in pieces, so a damaged length takes no more memory than the stream has bytes.
        byte[] bytes = in.readNBytes(Math.max(0, length));
        if (bytes.length < length) {
            throw new EOFException();
        }
        if (length < 0 || SnapshotFormat.checksum(bytes) != checksum) {
            throw new SnapshotException(
                    "part %d of the snapshot is damaged: its checksum does not fit"
                            .formatted(part));
        }
        try {
            return take(ByteBuffer.wrap(bytes));
        } catch (BufferUnderflowException
                | IndexOutOfBoundsException
                | IllegalArgumentException e) {
            throw malformed(e);
        }
    }

    private boolean take(ByteBuffer content) {
        byte kind = content.get();
        if ((kind == SnapshotFormat.PLACES) != (part == 0)) {
            throw new IllegalArgumentException("the list of places must come first, and once");
        }
        switch (kind) {
            case SnapshotFormat.PLACES -> takePlaces(content);
            case SnapshotFormat.BLOCKS -> takeBlocks(content);
            case SnapshotFormat.END -> takeEnd(content);
            default -> throw new IllegalArgumentException("its kind is " + kind);
        }
        if (content.hasRemaining()) {
            throw new IllegalArgumentException(content.remaining() + " bytes are left over");
        }
        return kind != SnapshotFormat.END;
    }

    private void takePlaces(ByteBuffer content) {
        places = count(content, 1);
        for (int i = 0; i < places; i++) {
            Tier tier = TIERS[content.get()];
            boolean inStep = content.get() != 0;
            long sequence = content.getLong();
            byte[] owner = new byte[count(content, 1)];
            content.get(owner);
            sink.place(
                    new Place(tier, new String(owner, StandardCharsets.UTF_8)), sequence, inStep);
        }
    }

    private void takeBlocks(ByteBuffer content) {
        int[][] members = new int[count(content, Integer.BYTES)][];
        for (int i = 0; i < members.length; i++) {
            members[i] = new int[count(content, Integer.BYTES)];
            for (int j = 0; j < members[i].length; j++) {
                members[i][j] = Objects.checkIndex(content.getInt(), places);
            }
        }
        int count = count(content, Long.BYTES);
        long[] keys = new long[count];
        content.asLongBuffer().get(keys);
        content.position(content.position() + count * Long.BYTES);
        int[] sets = new int[count];
        for (int i = 0; i < count; i++) {
            sets[i] = Objects.checkIndex(content.getShort() & 0xFFFF, members.length);
        }
        sink.blocks(members, keys, sets);
        blocks += count;
    }

    private void takeEnd(ByteBuffer content) {
        long expected = content.getLong();
        if (expected != blocks) {
            throw new IllegalArgumentException(
                    "there should have been %d blocks but were %d".formatted(expected, blocks));
        }
    }

    /** A number of things that take at least so many bytes each. */
    private static int count(ByteBuffer content, int bytes) {
        int count = content.getInt();
        if (count < 0 || count > content.remaining() / bytes) {
            throw new IllegalArgumentException(
                    "it counts %d things in %d bytes".formatted(count, content.remaining()));
        }
        return count;
    }

    private SnapshotException malformed(RuntimeException cause) {
        return new SnapshotException(
                "part %d of the snapshot is malformed: %s".formatted(part, cause.getMessage()),
                cause);
    }
}
