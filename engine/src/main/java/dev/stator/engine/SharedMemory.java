package dev.stator.engine;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Memory that other processes can map as well.
 *
 * @param file keeps its name as long as anybody may still map it
 * @param mapping the whole file; whoever made it keeps it until all contexts are closed
 */
public record SharedMemory(Path file, MemorySegment mapping) {
    /** Whether a segment lies in it. */
    public boolean holds(MemorySegment segment) {
        return segment.isNative()
                && segment.address() >= mapping.address()
                && segment.address() + segment.byteSize() <= mapping.address() + mapping.byteSize();
    }

    /** Where a segment that lies in it begins. */
    public long offset(MemorySegment segment) {
        return segment.address() - mapping.address();
    }
}
