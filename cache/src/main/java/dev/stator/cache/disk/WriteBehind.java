package dev.stator.cache.disk;

import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.codec.PayloadCoder;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The thread that writes: takes what was offered, appends it to the current segment, and lets the
 * segments of least worth go when there is need of room. Where a folder cannot be written it goes
 * on in another.
 */
final class WriteBehind implements Runnable, SegmentWriter.Listener {
    /**
     * At most this part of a segment is written again before it goes: 1.25 bytes written for each
     * that is new.
     */
    private static final int REWRITTEN_PART = 5;

    private final ReentrantLock lock;
    private final Catalog catalog;
    private final WriteQueue queue;
    private final DiskCounters counters;
    private final BlockReader reader;
    private final Consumer<String> warnings;
    private final ReadBuffer buffer;
    private final SegmentWriter out;
    private final PayloadCodec codec;
    private final PayloadCoder coder = new PayloadCoder();
    private final long leastSegmentBytes;

    WriteBehind(
            DiskTierOptions options,
            ReentrantLock lock,
            Catalog catalog,
            WriteQueue queue,
            DiskCounters counters,
            BlockReader reader) {
        this.lock = lock;
        this.catalog = catalog;
        this.queue = queue;
        this.counters = counters;
        this.reader = reader;
        this.warnings = options.warnings();
        this.codec = options.codec();
        this.buffer = new ReadBuffer(options.fingerprint());
        this.out = new SegmentWriter(options.fingerprint(), this);
        this.leastSegmentBytes =
                options.folders().stream().mapToLong(DiskFolder::segmentBytes).min().orElseThrow();
    }

    @Override
    public void run() {
        try (out) {
            for (Optional<WriteQueue.Offer> next = locked(queue::take);
                    next.isPresent();
                    next = locked(queue::take)) {
                write(next.get());
                if (locked(queue::isEmpty)) {
                    out.flush();
                }
            }
            seal();
        } catch (RuntimeException | Error e) {
            // Also without memory: whoever waits for its bytes to be written must not wait for
            // ever.
            abandon();
            warnings.accept(
                    "The disk tier stores nothing more until the next start: %s. What it holds can still be read."
                            .formatted(e));
        }
    }

    private <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    private void write(WriteQueue.Offer offer) {
        try {
            PayloadCoder.Encoded stored = coder.encode(codec, offer.rows());
            DiskBlock block = offer.block().storedAs(Math.toIntExact(stored.bytes().byteSize()));
            if (!SegmentWriter.fits(block.recordBytes(), leastSegmentBytes)) {
                refused(block);
            } else if (findRoom(block.recordBytes())) {
                out.append(block, offer.tokens(), stored.bytes());
            } else {
                abandon();
            }
        } finally {
            offer.release().run();
        }
    }

    /** A block is larger than a segment. */
    private void refused(DiskBlock block) {
        locked(
                () -> {
                    counters.shed++;
                    queue.settle(block.key());
                    return true;
                });
    }

    /** Nothing can be written any more. */
    private void abandon() {
        Collection<WriteQueue.Offer> left =
                locked(
                        () -> {
                            catalog.endWriting();
                            return queue.abandon();
                        });
        left.forEach(offer -> offer.release().run());
    }

    /**
     * Sees to it that there is a segment that a record fits.
     *
     * @return false if no folder can be written
     */
    private boolean findRoom(int recordBytes) {
        while (!out.fits(recordBytes) || !canGoOn()) {
            seal();
            Optional<Folder> folder = locked(catalog::next);
            if (folder.isEmpty()) {
                return false;
            }
            try {
                begin(folder.get(), recordBytes);
            } catch (IOException e) {
                failed(folder.get(), e);
            }
        }
        return true;
    }

    private boolean canGoOn() {
        return !out.hasFailed()
                && out.segment()
                        .filter(segment -> locked(() -> segment.folder.writable))
                        .isPresent();
    }

    private void seal() {
        out.segment()
                .ifPresent(
                        segment -> {
                            long most = out.sealedBytes();
                            locked(() -> segment.mostBytes = most);
                            out.seal();
                        });
    }

    private void begin(Folder folder, int recordBytes) throws IOException {
        Optional<Segment> resumed = locked(() -> catalog.resume(folder, recordBytes));
        if (resumed.isPresent()) {
            evict(folder, 0);
            goOn(resumed.get());
        } else {
            evict(folder, folder.segmentBytes());
            create(folder);
        }
        rewriteAndEvict(folder);
    }

    /** What a larger capacity left. */
    private void evict(Folder folder, long moreBytes) throws IOException {
        for (var victim = locked(() -> catalog.victim(folder, moreBytes));
                victim.isPresent();
                victim = locked(() -> catalog.victim(folder, moreBytes))) {
            evict(victim.get());
        }
    }

    private void evict(Segment victim) throws IOException {
        locked(
                () -> {
                    catalog.evict(victim);
                    return true;
                });
        victim.folder.delete(victim);
    }

    private void goOn(Segment segment) throws IOException {
        try {
            SegmentIo.File file = segment.folder.writable(segment);
            try {
                // Its records stay as they are; without an index it is read through after a crash.
                file.truncate(segment.bytes);
            } catch (IOException e) {
                file.close();
                throw e;
            }
            out.begin(segment, file, segment.bytes, segment.entries.size());
        } catch (IOException e) {
            ended(segment, 0, 0);
            throw e;
        }
    }

    private void create(Folder folder) throws IOException {
        Segment fresh = folder.create(locked(folder::nextNumber));
        try {
            SegmentIo.File file = folder.writable(fresh);
            locked(
                    () -> {
                        folder.opened(fresh);
                        return true;
                    });
            out.begin(fresh, file, 0, 0);
        } catch (IOException e) {
            fresh.close();
            throw e;
        }
    }

    /** Keeps room for another segment beside the current one. */
    private void rewriteAndEvict(Folder folder) throws IOException {
        long left = folder.segmentBytes() / REWRITTEN_PART;
        for (var victim = locked(() -> catalog.victim(folder, folder.segmentBytes()));
                victim.isPresent();
                victim = locked(() -> catalog.victim(folder, folder.segmentBytes()))) {
            left = rewrite(victim.get(), left);
            evict(victim.get());
        }
    }

    /** Writes again what is worth it; returns how much more may be. */
    private long rewrite(Segment victim, long mostBytes) throws IOException {
        List<DiskEntry> keepers = locked(() -> catalog.keepers(victim, mostBytes));
        long left = mostBytes;
        for (DiskEntry keeper : keepers) {
            if (!out.fits(keeper.block.recordBytes())) {
                break;
            }
            if (buffer.record(victim, keeper.offset, keeper.block)) {
                out.append(keeper, buffer.raw());
                left -= keeper.block.recordBytes();
            } else {
                reader.corrupt(keeper, victim);
            }
        }
        out.flush();
        return left;
    }

    @Override
    public void written(Segment segment, long end, List<SegmentWriter.Placed> blocks) {
        lock.lock();
        try {
            counters.bytesWritten += end - segment.bytes;
            segment.bytes = end;
            for (SegmentWriter.Placed placed : blocks) {
                DiskEntry entry = placed.entry();
                if (placed.moved() && entry.gone) {
                    // It was erased or dropped on the way; the copy is there all the same.
                    catalog.note(new DiskEntry(entry.block, segment, placed.offset(), 0));
                } else if (placed.moved()) {
                    catalog.move(entry, segment, placed.offset());
                } else {
                    publish(entry);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void publish(DiskEntry entry) {
        DiskBlock block = entry.block;
        if (catalog.add(entry)) {
            counters.stored++;
            counters.bytesStored += block.recordBytes();
        } else {
            catalog.note(entry);
            counters.refusedOrphan++;
        }
        queue.settle(block.key());
    }

    @Override
    public void lost(List<SegmentWriter.Placed> blocks) {
        lock.lock();
        try {
            for (SegmentWriter.Placed placed : blocks) {
                if (!placed.moved()) {
                    queue.settle(placed.entry().block.key());
                }
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void failed(Segment segment, Throwable cause) {
        failed(segment.folder, cause);
    }

    private void failed(Folder folder, Throwable cause) {
        boolean first;
        lock.lock();
        try {
            first = folder.writable;
            folder.writable = false;
        } finally {
            lock.unlock();
        }
        if (first) {
            warnings.accept(
                    "The disk tier in %s stores nothing more until the next start: %s. Free space there, or lower its size; what it holds can still be read."
                            .formatted(folder.path(), cause));
        }
    }

    @Override
    public List<SegmentReader.Found> live(Segment segment) {
        return locked(
                () -> {
                    segment.indexed = true;
                    return Catalog.live(segment);
                });
    }

    @Override
    public void ended(Segment segment, long end, long recordsEnd) {
        lock.lock();
        try {
            if (end > 0) {
                counters.bytesWritten += end - segment.bytes;
                segment.bytes = end;
            }
            segment.recordsEnd = recordsEnd;
            segment.folder.sealed(segment);
            if (segment.doomed && segment.readers == 0) {
                segment.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
