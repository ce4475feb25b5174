package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Makes blocks unreadable: takes them out of the index, writes zeros over their records, and writes
 * the indexes of their segments anew, so that no later start finds them. Thread-safe.
 *
 * <p>What a crash leaves half done is done by erasing the same blocks again: records that are zeros
 * are in no index that is written from then on.
 */
final class Eraser {
    private final ReentrantLock lock;
    private final Catalog catalog;
    private final WriteQueue queue;
    private final Consumer<String> warnings;
    private final SegmentSealer sealer;

    /** One erasure at a time: a segment's index is written by one of them. */
    private final ReentrantLock working = new ReentrantLock();

    Eraser(DiskTierOptions options, ReentrantLock lock, Catalog catalog, WriteQueue queue) {
        this.lock = lock;
        this.catalog = catalog;
        this.queue = queue;
        this.warnings = options.warnings();
        this.sealer = new SegmentSealer(options.fingerprint());
    }

    /** See {@link DiskTier#erase}. */
    boolean erase(Set<BlockKey> keys) {
        working.lock();
        try {
            var found = find(keys);
            boolean left = false;
            for (var each : found.entrySet()) {
                left |= !overwrite(each.getKey(), each.getValue());
            }
            for (var segment : stale()) {
                left |= !index(segment);
            }
            lock.lock();
            try {
                return left
                        || queue.isAnyPending(keys)
                        || catalog.segments().stream().anyMatch(segment -> segment.stale);
            } finally {
                lock.unlock();
            }
        } finally {
            working.unlock();
        }
    }

    /** Takes what is to go out of queue and index; its segments stay open. */
    private Map<Segment, List<DiskEntry>> find(Set<BlockKey> keys) {
        Map<Segment, List<DiskEntry>> found = new LinkedHashMap<>();
        List<WriteQueue.Offer> withdrawn;
        lock.lock();
        try {
            List<DiskEntry> all =
                    catalog.segments().stream()
                            .flatMap(segment -> segment.entries.stream())
                            .sorted(Comparator.comparingInt(entry -> entry.block.position()))
                            .toList();
            for (DiskEntry entry : all) {
                if (keys.contains(entry.block.key()) || keys.contains(entry.block.parent())) {
                    keys.add(entry.block.key());
                    catalog.erase(entry);
                    if (!entry.erased) {
                        found.computeIfAbsent(entry.segment, _ -> new ArrayList<>()).add(entry);
                    }
                }
            }
            withdrawn = queue.withdraw(keys);
            found.keySet()
                    .forEach(
                            segment -> {
                                segment.readers++;
                                // One that is still filled gets its index of what is live then.
                                segment.stale |= segment.indexed || segment.recordsEnd > 0;
                            });
        } finally {
            lock.unlock();
        }
        withdrawn.forEach(offer -> offer.release().run());
        return found;
    }

    private boolean overwrite(Segment segment, List<DiskEntry> entries) {
        int most = entries.stream().mapToInt(entry -> entry.block.recordBytes()).max().orElse(0);
        ByteBuffer zeros = SegmentIo.buffer(most);
        try (SegmentIo.File file = segment.folder.writable(segment)) {
            for (DiskEntry entry : entries) {
                file.write(zeros.position(0).limit(entry.block.recordBytes()), entry.offset);
            }
            file.force();
        } catch (IOException e) {
            failed(segment, e);
            return false;
        } finally {
            lock.lock();
            try {
                Catalog.leave(segment);
            } finally {
                lock.unlock();
            }
        }
        lock.lock();
        try {
            entries.forEach(entry -> entry.erased = true);
        } finally {
            lock.unlock();
        }
        return true;
    }

    private List<Segment> stale() {
        lock.lock();
        try {
            return catalog.segments().stream().filter(segment -> segment.stale).toList();
        } finally {
            lock.unlock();
        }
    }

    /** Writes a segment's index anew, unless the writer has it in hands. */
    private boolean index(Segment segment) {
        long end;
        List<SegmentReader.Found> live;
        lock.lock();
        try {
            if (!segment.folder.sealed().contains(segment)) {
                return false;
            }
            end = segment.recordsEnd;
            if (end == 0) {
                // It has none, and is read through at the next start.
                segment.stale = false;
                return true;
            }
            // The writer neither goes on with it nor lets it go meanwhile.
            segment.folder.opened(segment);
            live = Catalog.live(segment);
        } finally {
            lock.unlock();
        }
        long sealedEnd = 0;
        try (SegmentIo.File file = segment.folder.writable(segment)) {
            sealedEnd = sealer.seal(segment.folder.key(), file, end, live);
        } catch (IOException e) {
            failed(segment, e);
        }
        lock.lock();
        try {
            if (sealedEnd > 0) {
                segment.bytes = sealedEnd;
                segment.recordsEnd = end;
                segment.indexed = true;
            } else {
                segment.stale = true;
            }
            segment.folder.sealed(segment);
            if (segment.doomed && segment.readers == 0) {
                segment.close();
            }
        } finally {
            lock.unlock();
        }
        return sealedEnd > 0;
    }

    private void failed(Segment segment, IOException e) {
        warnings.accept(
                "Blocks in %s that are to be erased cannot be written over yet: %s. It is tried again; see that the file can be written."
                        .formatted(segment.path, e));
    }
}
