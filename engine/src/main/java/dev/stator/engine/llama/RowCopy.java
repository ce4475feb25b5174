package dev.stator.engine.llama;

import java.lang.foreign.MemorySegment;

/** Takes rows of K from where they are kept to where they are used. */
@FunctionalInterface
interface RowCopy {
    /** Leaves the rows as they are, bit for bit. */
    RowCopy PLAIN =
            (source, sourceAt, target, at, rows, rowBytes) ->
                    MemorySegment.copy(source, sourceAt, target, at, (long) rows * rowBytes);

    /**
     * @param sourceAt where the first row begins, in bytes
     * @param at where the first row goes, in bytes
     */
    void copy(
            MemorySegment source,
            long sourceAt,
            MemorySegment target,
            long at,
            int rows,
            int rowBytes);
}
