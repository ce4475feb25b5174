package dev.stator.engine.process;

import dev.stator.engine.SharedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Memory that a call is about, in frames. What lies in the file that both processes map is named by
 * its place; what does not, which is nothing that is served in earnest, travels itself.
 */
final class Segments {
    private Segments() {}

    /** For the process to map. */
    static void put(Frame frame, Optional<SharedMemory> shared) {
        frame.put(shared.map(memory -> memory.file().toString()));
        frame.put(shared.map(memory -> memory.mapping().byteSize()).orElse(0L));
    }

    /** Maps it for as long as this process lives; empty if there is none. */
    static MemorySegment takeMapping(Frame frame) {
        var file = frame.takeOptional();
        long bytes = frame.takeLong();
        if (file.isEmpty()) {
            return MemorySegment.NULL;
        }
        try (var channel =
                FileChannel.open(
                        Path.of(file.get()), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, Arena.global());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A segment that the process reads. */
    static void putSource(Frame frame, Optional<SharedMemory> shared, MemorySegment segment) {
        if (!putPlace(frame, shared, segment)) {
            frame.put(segment);
        }
    }

    static MemorySegment takeSource(Frame frame, MemorySegment mapping, Arena arena) {
        var segment = takePlace(frame, mapping, arena);
        if (!isIn(mapping, segment)) {
            frame.take(segment);
        }
        return segment;
    }

    /** Where the process writes. */
    static void putTarget(Frame frame, Optional<SharedMemory> shared, MemorySegment segment) {
        putPlace(frame, shared, segment);
    }

    static MemorySegment takeTarget(Frame frame, MemorySegment mapping, Arena arena) {
        return takePlace(frame, mapping, arena);
    }

    /** What the process wrote, unless it lies where the node sees it. */
    static void putWritten(Frame frame, MemorySegment mapping, MemorySegment segment) {
        if (!isIn(mapping, segment)) {
            frame.put(segment);
        }
    }

    static void takeWritten(Frame frame, Optional<SharedMemory> shared, MemorySegment segment) {
        if (shared.filter(memory -> memory.holds(segment)).isEmpty()) {
            frame.take(segment);
        }
    }

    private static boolean putPlace(
            Frame frame, Optional<SharedMemory> shared, MemorySegment segment) {
        var holding = shared.filter(memory -> memory.holds(segment));
        frame.put(segment.byteSize());
        frame.put(holding.map(memory -> memory.offset(segment)).orElse(-1L));
        return holding.isPresent();
    }

    private static MemorySegment takePlace(Frame frame, MemorySegment mapping, Arena arena) {
        long bytes = frame.takeLong();
        long offset = frame.takeLong();
        return offset < 0 ? arena.allocate(bytes) : mapping.asSlice(offset, bytes);
    }

    private static boolean isIn(MemorySegment mapping, MemorySegment segment) {
        return mapping.byteSize() > 0
                && segment.address() >= mapping.address()
                && segment.address() < mapping.address() + mapping.byteSize();
    }
}
