package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.stator.engine.EngineException;
import dev.stator.engine.KvShape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * llama.cpp's state of one sequence, as {@code llama_state_seq_get_data} writes it, and its
 * translation from and to the neutral layout of {@link KvShape}.
 *
 * <p>All little-endian, unaligned:
 *
 * <pre>
 * u32 magic, i32 sequence
 * u32 streams (1), u32 cells
 * cells x { i32 position, u32 sequences (1), i32 sequence }
 * u32 v_transposed (0), u32 layers
 * layers x { i32 type, u64 row bytes, cells x K row }
 * layers x { i32 type, u64 row bytes, cells x V row }
 * </pre>
 *
 * Cells stand in the order of the engine's memory, not of positions.
 */
final class StateBlob {
    private static final int MAGIC = 0xaf143cd8;
    private static final long CELL_BYTES = 12;
    private static final long ROWS_HEADER_BYTES = 12;
    private static final long CELLS_AT = 16;
    private static final int MAX_LAYERS = 4096;
    private static final int MAX_ROW_BYTES = 1 << 24;

    private final KvShape shape;
    private final int keyType;
    private final int valueType;

    private StateBlob(KvShape shape, int keyType, int valueType) {
        this.shape = shape;
        this.keyType = keyType;
        this.valueType = valueType;
    }

    /** The format for a shape whose K and V are of one type. */
    static StateBlob of(KvShape shape, KvType type) {
        return new StateBlob(shape, type.number, type.number);
    }

    KvShape shape() {
        return shape;
    }

    /**
     * Learns the format from the state of a sequence of one token.
     *
     * @return empty if the state is anything but plain attention KV of one stream: then it can't be
     *     cut into blocks
     */
    static Optional<StateBlob> learn(MemorySegment probe, String typeName) {
        if (probe.byteSize() < CELLS_AT + CELL_BYTES + 8
                || intAt(probe, 0) != MAGIC
                || intAt(probe, 8) != 1
                || intAt(probe, 12) != 1
                || intAt(probe, CELLS_AT) != 0
                || intAt(probe, CELLS_AT + 4) != 1) {
            return Optional.empty();
        }
        long at = CELLS_AT + CELL_BYTES;
        int transposed = intAt(probe, at);
        int layers = intAt(probe, at + 4);
        at += 8;
        if (transposed != 0 || layers < 1 || layers > MAX_LAYERS) {
            return Optional.empty();
        }
        int[] rowBytes = new int[2 * layers];
        int[] types = new int[2 * layers];
        for (int i = 0; i < 2 * layers; i++) {
            if (at + ROWS_HEADER_BYTES > probe.byteSize()) {
                return Optional.empty();
            }
            types[i] = intAt(probe, at);
            long bytes = probe.get(JAVA_LONG_UNALIGNED, at + 4);
            if (bytes < 1 || bytes > MAX_ROW_BYTES || types[i] != types[i < layers ? 0 : layers]) {
                return Optional.empty();
            }
            rowBytes[i] = (int) bytes;
            at += ROWS_HEADER_BYTES + bytes;
        }
        if (at != probe.byteSize()) {
            return Optional.empty();
        }
        var shapes = new ArrayList<KvShape.Layer>();
        for (int i = 0; i < layers; i++) {
            shapes.add(new KvShape.Layer(rowBytes[i], rowBytes[layers + i]));
        }
        return Optional.of(new StateBlob(new KvShape(typeName, shapes), types[0], types[layers]));
    }

    long bytes(int cells) {
        int layers = shape.layers().size();
        return CELLS_AT
                + cells * CELL_BYTES
                + 8
                + 2L * layers * ROWS_HEADER_BYTES
                + (long) cells * shape.bytesPerToken();
    }

    /**
     * KV to compose a state of.
     *
     * @param rows laid out as {@link KvShape} says for {@code tokens}
     * @param keys how its K gets into the state
     */
    record Source(MemorySegment rows, int tokens, RowCopy keys) {}

    /**
     * Writes the state of {@code tokens} positions from {@code from} on.
     *
     * @param skip tokens of the first source to leave out
     */
    void compose(MemorySegment blob, int from, int tokens, List<Source> sources, int skip) {
        putInt(blob, 0, MAGIC);
        putInt(blob, 4, 0);
        putInt(blob, 8, 1);
        putInt(blob, 12, tokens);
        for (int i = 0; i < tokens; i++) {
            long cell = CELLS_AT + i * CELL_BYTES;
            putInt(blob, cell, from + i);
            putInt(blob, cell + 4, 1);
            putInt(blob, cell + 8, 0);
        }
        long at = CELLS_AT + tokens * CELL_BYTES;
        putInt(blob, at, 0);
        putInt(blob, at + 4, shape.layers().size());
        at += 8;
        long[] sourceAt = new long[sources.size()];
        for (int rows = 0; rows < 2 * shape.layers().size(); rows++) {
            int rowBytes = rowBytes(rows);
            boolean keys = rows < shape.layers().size();
            putInt(blob, at, keys ? keyType : valueType);
            blob.set(JAVA_LONG_UNALIGNED, at + 4, rowBytes);
            at += ROWS_HEADER_BYTES;
            int left = tokens;
            for (int s = 0; s < sources.size() && left > 0; s++) {
                var source = sources.get(s);
                int first = s == 0 ? skip : 0;
                int taken = Math.min(left, source.tokens - first);
                (keys ? source.keys : RowCopy.PLAIN)
                        .copy(
                                source.rows,
                                sourceAt[s] + (long) first * rowBytes,
                                blob,
                                at,
                                taken,
                                rowBytes);
                at += (long) taken * rowBytes;
                sourceAt[s] += (long) source.tokens * rowBytes;
                left -= taken;
            }
        }
    }

    /**
     * Reads the state of {@code tokens} positions from {@code from} on into one segment for each
     * {@code blockTokens} of them.
     */
    void decompose(
            MemorySegment blob,
            int from,
            int tokens,
            int blockTokens,
            List<MemorySegment> targets) {
        if (blob.byteSize() != bytes(tokens) || intAt(blob, 12) != tokens) {
            throw new EngineException(
                    "llama.cpp exported %d bytes where %d tokens take %d"
                            .formatted(blob.byteSize(), tokens, bytes(tokens)));
        }
        int[] cellOf = cellsByPosition(blob, from, tokens);
        long at = CELLS_AT + tokens * CELL_BYTES + 8;
        long[] targetAt = new long[targets.size()];
        for (int rows = 0; rows < 2 * shape.layers().size(); rows++) {
            long rowBytes = rowBytes(rows);
            at += ROWS_HEADER_BYTES;
            for (int block = 0; block < targets.size(); block++) {
                int first = block * blockTokens;
                int count = Math.min(blockTokens, tokens - first);
                for (int run = 0, i = 0; i < count; i += run) {
                    run = runLength(cellOf, first + i, first + count);
                    MemorySegment.copy(
                            blob,
                            at + cellOf[first + i] * rowBytes,
                            targets.get(block),
                            targetAt[block] + i * rowBytes,
                            run * rowBytes);
                }
                targetAt[block] += count * rowBytes;
            }
            at += tokens * rowBytes;
        }
    }

    private int rowBytes(int rows) {
        int layers = shape.layers().size();
        return rows < layers
                ? shape.layers().get(rows).keyBytes()
                : shape.layers().get(rows - layers).valueBytes();
    }

    private static int[] cellsByPosition(MemorySegment blob, int from, int tokens) {
        int[] cellOf = new int[tokens];
        java.util.Arrays.fill(cellOf, -1);
        for (int cell = 0; cell < tokens; cell++) {
            int position = intAt(blob, CELLS_AT + cell * CELL_BYTES) - from;
            if (position < 0 || position >= tokens || cellOf[position] != -1) {
                throw new EngineException(
                        "llama.cpp exported position %d, outside %d to %d or twice"
                                .formatted(position + from, from, from + tokens - 1));
            }
            cellOf[position] = cell;
        }
        return cellOf;
    }

    /** How many positions from {@code start} on lie in neighbouring cells. */
    private static int runLength(int[] cellOf, int start, int end) {
        int i = start + 1;
        while (i < end && cellOf[i] == cellOf[i - 1] + 1) {
            i++;
        }
        return i - start;
    }

    private static int intAt(MemorySegment segment, long offset) {
        return segment.get(JAVA_INT_UNALIGNED, offset);
    }

    private static void putInt(MemorySegment segment, long offset, int value) {
        segment.set(JAVA_INT_UNALIGNED, offset, value);
    }
}
