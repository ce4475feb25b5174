package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Reads blocks, and believes none of them before it is checked. Thread-safe: readers register with
 * the segment that they read, which is closed by the last of them if it is evicted meanwhile.
 */
final class BlockReader {
    /** After so many reads in a row that the file system failed, there is no sense in more. */
    private static final int MOST_READ_ERRORS = 8;

    private final ReentrantLock lock;
    private final Catalog catalog;
    private final DiskCounters counters;
    private final Consumer<String> warnings;

    BlockReader(
            ReentrantLock lock, Catalog catalog, DiskCounters counters, Consumer<String> warnings) {
        this.lock = lock;
        this.catalog = catalog;
        this.counters = counters;
        this.warnings = warnings;
    }

    private record Place(DiskEntry entry, Segment segment, long offset) {}

    /**
     * Reads a block into the buffer, if it is here, as it was written, and holds exactly {@code
     * tokens[from, to)}.
     */
    Optional<DiskBlock> read(BlockKey key, int[] tokens, int from, int to, ReadBuffer buffer) {
        Optional<Place> place = enter(key);
        if (place.isEmpty()) {
            return Optional.empty();
        }
        try {
            return read(place.get(), buffer) && isSame(buffer, tokens, from, to)
                    ? Optional.of(place.get().entry.block)
                    : Optional.empty();
        } finally {
            lock.lock();
            try {
                Catalog.leave(place.get().segment);
            } finally {
                lock.unlock();
            }
        }
    }

    private Optional<Place> enter(BlockKey key) {
        lock.lock();
        try {
            Optional<Place> place =
                    catalog.find(key).map(entry -> new Place(entry, entry.segment, entry.offset));
            place.ifPresentOrElse(there -> there.segment.readers++, () -> counters.misses++);
            return place;
        } finally {
            lock.unlock();
        }
    }

    private boolean read(Place place, ReadBuffer buffer) {
        long start = System.nanoTime();
        boolean intact;
        try {
            intact = buffer.record(place.segment, place.offset, place.entry.block);
        } catch (IOException e) {
            failed(place.segment, e);
            return false;
        }
        lock.lock();
        try {
            place.segment.folder.readErrorsInARow = 0;
            if (intact) {
                counters.hits++;
                counters.readNanos += System.nanoTime() - start;
                counters.bytesRead += place.entry.block.payloadBytes();
            }
        } finally {
            lock.unlock();
        }
        if (!intact) {
            corrupt(place.entry, place.segment);
        }
        return intact;
    }

    private boolean isSame(ReadBuffer buffer, int[] tokens, int from, int to) {
        if (buffer.holds(tokens, from, to)) {
            return true;
        }
        lock.lock();
        try {
            counters.hits--;
            counters.misses++;
            counters.collisions++;
        } finally {
            lock.unlock();
        }
        return false;
    }

    /** Forgets a block that is not as it was written, and all that follow it. */
    void corrupt(DiskEntry entry, Segment segment) {
        boolean first;
        lock.lock();
        try {
            counters.misses++;
            if (entry.gone) {
                // It was erased while it was read.
                return;
            }
            first = counters.checksumFailures == 0;
            counters.checksumFailures++;
            catalog.remove(entry);
        } finally {
            lock.unlock();
        }
        if (first) {
            warnings.accept(
                    "A block in %s is not as it was written. It is computed again; metrics count those that follow."
                            .formatted(segment.path));
        }
    }

    private void failed(Segment segment, IOException e) {
        Folder folder = segment.folder;
        boolean ends;
        boolean others;
        lock.lock();
        try {
            counters.readErrors++;
            counters.misses++;
            ends = ++folder.readErrorsInARow >= MOST_READ_ERRORS && folder.readable;
            if (ends) {
                catalog.forget(folder);
            }
            others = catalog.isReadable();
        } finally {
            lock.unlock();
        }
        if (ends) {
            warnings.accept(
                    (others
                                    ? "The disk tier goes on without %s until the next start: %s cannot be read (%s). Requests compute what it held."
                                    : "The disk tier in %s is turned off until the next start: %s cannot be read (%s). Requests compute what it held.")
                            .formatted(folder.path(), segment.path, e));
        }
    }
}
