package dev.stator.cache.disk;

import org.jspecify.annotations.Nullable;

/** Where a block lies and what it is worth. Guarded by the tier's lock. */
final class DiskEntry {
    final DiskBlock block;
    Segment segment;
    long offset;

    /** Absent for the first block of a sequence. While this block is here, so is its parent. */
    @Nullable DiskEntry parent;

    @Nullable DiskEntry firstChild;
    @Nullable DiskEntry nextSibling;
    @Nullable DiskEntry previousSibling;

    int frequency;
    double priority;

    /** Not in the index any more. */
    boolean gone;

    /** Its record has been written over. */
    boolean erased;

    DiskEntry(DiskBlock block, Segment segment, long offset, int frequency) {
        this.block = block;
        this.segment = segment;
        this.offset = offset;
        this.frequency = frequency;
    }
}
