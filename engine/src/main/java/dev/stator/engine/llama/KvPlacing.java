package dev.stator.engine.llama;

import dev.stator.engine.KvShape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The host's part of {@link dev.stator.engine.EngineContext#importRows}, without a model: what a
 * benchmark times against a plain copy.
 */
public final class KvPlacing {
    private final StateBlob format;
    private final Rope rope;

    /**
     * @param shape with rows of f16
     * @param headLength elements of a K head, all of them rotated, in adjacent pairs
     */
    public KvPlacing(KvShape shape, int headLength) {
        var angles = new double[headLength / 2];
        Arrays.setAll(angles, j -> Math.pow(500_000, -2.0 * j / headLength));
        this.format = StateBlob.of(shape, KvType.F16);
        this.rope = new Rope(headLength, Rope.Pairing.NEIGHBOURS, angles, KvType.F16);
    }

    /** Bytes of what {@link #place} writes. */
    public long bytes(int tokens) {
        return format.bytes(tokens);
    }

    /**
     * Writes what the engine would be given.
     *
     * @param target {@link #bytes} long
     * @param blocks of equally many tokens, in the neutral layout of {@link KvShape}
     * @param blockTokens tokens of each block
     * @param movedBy positions between where K was computed and where it goes
     */
    public void place(
            MemorySegment target, List<MemorySegment> blocks, int blockTokens, int movedBy) {
        var keys = rope.by(movedBy);
        var sources = new ArrayList<StateBlob.Source>();
        blocks.forEach(block -> sources.add(new StateBlob.Source(block, blockTokens, keys)));
        format.compose(target, 0, blocks.size() * blockTokens, sources, 0);
    }
}
