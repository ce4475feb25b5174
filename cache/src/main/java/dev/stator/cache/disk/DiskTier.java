package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CacheException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The blocks that a node keeps on disk, across restarts and crashes. Thread-safe.
 *
 * <p>Blocks are {@linkplain #offer offered} and written behind. What is written can be read until
 * its segment goes. When writing fails, the tier goes on with what it has; when reading fails again
 * and again, everything is a miss.
 */
public final class DiskTier implements AutoCloseable {
    /*
     * One lock guards all metadata and the queue; it is never held during I/O or a callback other
     * than the inventory's. One thread writes. Readers register with the segment that they read; a
     * segment that is evicted meanwhile is closed by the last of them.
     */

    /** After so many reads in a row that the file system failed, there is no sense in more. */
    private static final int MOST_READ_ERRORS = 8;

    private final DiskTierOptions options;
    private final Folder folder;
    private final ReentrantLock lock = new ReentrantLock();
    private final DiskIndex index;
    private final WriteQueue queue;
    private final TreeMap<Long, Segment> sealed = new TreeMap<>();
    private final Thread writer;
    private final AtomicInteger readErrorsInARow = new AtomicInteger();
    private Optional<Segment> current = Optional.empty();
    private long nextNumber = 1;
    private boolean readable = true;
    private boolean writable = true;

    private long hits;
    private long misses;
    private long readNanos;
    private long bytesRead;
    private long stored;
    private long shed;
    private long refusedOrphan;
    private long evictedRoom;
    private long evictedOrphan;
    private long rewritten;
    private long checksumFailures;
    private long collisions;
    private long readErrors;
    private long bytesStored;
    private long bytesWritten;

    private DiskTier(DiskTierOptions options, Folder folder) {
        this.options = options;
        this.folder = folder;
        this.index = new DiskIndex(options.policy());
        this.queue = new WriteQueue(options.queueBytes(), lock);
        adopt(folder.load());
        SegmentWriter out =
                new SegmentWriter(folder.codec(), options.segmentBytes(), this::written);
        this.writer =
                Thread.ofPlatform()
                        .name("disk-encoder")
                        .daemon()
                        .unstarted(
                                new WriteBehind(
                                        this, out, folder.readBuffer(), options.segmentBytes()));
    }

    /**
     * Opens the tier with what its folder holds for this model. Takes time in the number of
     * segments, and reads through those that a process which died was writing.
     *
     * @throws CacheException if the folder cannot be used, or another process uses it
     */
    public static DiskTier open(DiskTierOptions options) {
        return open(options, SegmentIo::system);
    }

    static DiskTier open(DiskTierOptions options, SegmentIo.Opener io) {
        Folder folder = Folder.open(options, io);
        try {
            DiskTier tier = new DiskTier(options, folder);
            tier.writer.start();
            return tier;
        } catch (RuntimeException e) {
            closeQuietly(folder);
            throw e;
        }
    }

    /** Takes over what was found, parents first, and leaves out what comes after a hole. */
    private void adopt(List<Folder.Loaded> loaded) {
        record Block(Segment segment, SegmentReader.Found found) {}
        Deque<Block> open = new ArrayDeque<>();
        Map<BlockKey, List<Block>> following = new HashMap<>();
        for (Folder.Loaded one : loaded) {
            Segment segment = one.segment();
            sealed.put(segment.number, segment);
            nextNumber = Math.max(nextNumber, segment.number + 1);
            for (SegmentReader.Found found : one.found()) {
                Block block = new Block(segment, found);
                if (found.block().position() == 0) {
                    open.add(block);
                } else {
                    following
                            .computeIfAbsent(found.block().parent(), _ -> new ArrayList<>())
                            .add(block);
                }
            }
        }
        lock.lock();
        try {
            while (!open.isEmpty()) {
                Block next = open.poll();
                SegmentReader.Found found = next.found();
                DiskEntry entry =
                        new DiskEntry(
                                found.block(),
                                next.segment(),
                                found.offset(),
                                // Being taken over counts as the use that its writing was.
                                Math.max(0, found.frequency() - 1));
                if (index.add(entry)) {
                    options.inventory().stored(found.block().key());
                }
                List<Block> children = following.remove(found.block().key());
                if (children != null) {
                    open.addAll(children);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Offers a block to be written. It is not taken if it is here or on its way already, if its
     * parent is neither, if too much waits, or if nothing can be written; statistics tell which.
     *
     * @param tokens its token ids, not copied
     * @param rows its bytes, which must not change until {@code release} is run
     * @param release run exactly once, by whatever thread
     * @return whether the block is going to be written
     * @throws IllegalArgumentException if tokens or rows are not as many as the block says
     */
    public boolean offer(DiskBlock block, int[] tokens, MemorySegment rows, Runnable release) {
        if (tokens.length != block.tokens() || rows.byteSize() != block.payloadBytes()) {
            throw new IllegalArgumentException(
                    "block %s should have %d tokens and %d bytes, not %d and %d"
                            .formatted(
                                    block.key(),
                                    block.tokens(),
                                    block.payloadBytes(),
                                    tokens.length,
                                    rows.byteSize()));
        }
        boolean taken;
        lock.lock();
        try {
            taken = admits(block);
            if (taken) {
                queue.add(new WriteQueue.Offer(block, tokens, rows, release));
            }
        } finally {
            lock.unlock();
        }
        if (!taken) {
            release.run();
        }
        return taken;
    }

    private boolean admits(DiskBlock block) {
        if (!writable || isComing(block.key())) {
            return false;
        }
        if (block.position() > 0 && !isComing(block.parent())) {
            refusedOrphan++;
            return false;
        }
        if (!queue.hasRoom(block.recordBytes())) {
            shed++;
            return false;
        }
        return true;
    }

    private boolean isComing(BlockKey key) {
        return index.find(key).isPresent() || queue.isPending(key);
    }

    /** How many keys from {@code from} on can be read. Changes nothing, counts nothing. */
    public int match(List<BlockKey> keys, int from) {
        lock.lock();
        try {
            int at = from;
            while (at < keys.size() && index.find(keys.get(at)).isPresent()) {
                at++;
            }
            return at - from;
        } finally {
            lock.unlock();
        }
    }

    /** How many leading keys are here or on their way; counts a use of those that are here. */
    public int use(List<BlockKey> keys) {
        lock.lock();
        try {
            int at = 0;
            while (at < keys.size() && isComing(keys.get(at))) {
                index.find(keys.get(at)).ifPresent(index::use);
                at++;
            }
            return at;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Reads a block into the buffer, if it is here, as it was written, and holds exactly {@code
     * tokens[from, to)}.
     */
    Optional<DiskBlock> read(BlockKey key, int[] tokens, int from, int to, ReadBuffer buffer) {
        DiskEntry entry;
        Segment segment;
        long offset;
        lock.lock();
        try {
            Optional<DiskEntry> found = index.find(key);
            if (found.isEmpty()) {
                misses++;
                return Optional.empty();
            }
            entry = found.get();
            segment = entry.segment;
            offset = entry.offset;
            segment.readers++;
        } finally {
            lock.unlock();
        }
        try {
            return read(entry, segment, offset, buffer) && isSame(buffer, tokens, from, to)
                    ? Optional.of(entry.block)
                    : Optional.empty();
        } finally {
            leave(segment);
        }
    }

    private boolean read(DiskEntry entry, Segment segment, long offset, ReadBuffer buffer) {
        long start = System.nanoTime();
        try {
            boolean intact = buffer.record(segment.file, offset, entry.block);
            readErrorsInARow.set(0);
            if (!intact) {
                corrupt(entry);
                return false;
            }
        } catch (IOException e) {
            readingFailed(segment, e);
            return false;
        }
        lock.lock();
        try {
            hits++;
            readNanos += System.nanoTime() - start;
            bytesRead += entry.block.payloadBytes();
        } finally {
            lock.unlock();
        }
        return true;
    }

    private boolean isSame(ReadBuffer buffer, int[] tokens, int from, int to) {
        if (buffer.holds(tokens, from, to)) {
            return true;
        }
        lock.lock();
        try {
            hits--;
            misses++;
            collisions++;
        } finally {
            lock.unlock();
        }
        return false;
    }

    private void leave(Segment segment) {
        lock.lock();
        try {
            segment.readers--;
            if (segment.doomed && segment.readers == 0) {
                segment.close();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a block that is not as it was written, and all that follow it. */
    void corrupt(DiskEntry entry) {
        boolean first;
        lock.lock();
        try {
            first = checksumFailures == 0;
            checksumFailures++;
            misses++;
            remove(entry);
        } finally {
            lock.unlock();
        }
        if (first) {
            options.warnings()
                    .accept(
                            "A block in %s is not as it was written. It is computed again; metrics count those that follow."
                                    .formatted(entry.segment.path));
        }
    }

    private void remove(DiskEntry entry) {
        List<DiskEntry> removed = index.remove(entry);
        removed.forEach(one -> options.inventory().removed(one.block.key()));
        evictedOrphan += Math.max(0, removed.size() - 1);
    }

    private void readingFailed(Segment segment, IOException e) {
        boolean ends = readErrorsInARow.incrementAndGet() >= MOST_READ_ERRORS;
        lock.lock();
        try {
            readErrors++;
            misses++;
            ends &= readable;
            if (ends) {
                readable = false;
                writable = false;
                forgetAll();
            }
        } finally {
            lock.unlock();
        }
        if (ends) {
            options.warnings()
                    .accept(
                            "The disk tier is turned off until the next start: %s cannot be read (%s). Requests compute what it held."
                                    .formatted(segment.path, e));
        }
    }

    private void forgetAll() {
        index.clear();
        options.inventory().cleared();
    }

    // For the thread that writes.

    Optional<WriteQueue.Offer> take() {
        lock.lock();
        try {
            return queue.take();
        } finally {
            lock.unlock();
        }
    }

    boolean isQueueEmpty() {
        lock.lock();
        try {
            return queue.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** A block is larger than a segment. */
    void refused(DiskBlock block) {
        lock.lock();
        try {
            shed++;
            queue.settle(block.key());
        } finally {
            lock.unlock();
        }
    }

    Segment create() throws IOException {
        long number;
        lock.lock();
        try {
            number = nextNumber++;
        } finally {
            lock.unlock();
        }
        Segment fresh = folder.create(number);
        lock.lock();
        try {
            current = Optional.of(fresh);
            bytesWritten += fresh.bytes;
        } finally {
            lock.unlock();
        }
        return fresh;
    }

    /** What is live in a segment. */
    List<SegmentReader.Found> contents(Segment segment) {
        lock.lock();
        try {
            sealed.put(segment.number, segment);
            current = Optional.empty();
            return segment.entries.stream()
                    .filter(entry -> !entry.gone)
                    .map(e -> new SegmentReader.Found(e.block, e.offset, e.frequency))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private void written(Segment segment, long end, List<SegmentWriter.Placed> blocks) {
        lock.lock();
        try {
            bytesWritten += end - segment.bytes;
            segment.bytes = end;
            for (SegmentWriter.Placed placed : blocks) {
                if (placed.moved()) {
                    moved(placed, segment);
                } else {
                    publish(placed.entry());
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void moved(SegmentWriter.Placed placed, Segment segment) {
        if (!placed.entry().gone) {
            index.move(placed.entry(), segment, placed.offset());
            rewritten++;
        }
    }

    private void publish(DiskEntry entry) {
        DiskBlock block = entry.block;
        if (readable && index.add(entry)) {
            options.inventory().stored(block.key());
            stored++;
            bytesStored += block.recordBytes();
        } else {
            refusedOrphan++;
        }
        queue.settle(block.key());
    }

    /** The segment that is to go so that so many more fit beside the sealed ones. */
    Optional<Segment> victim(int more) {
        lock.lock();
        try {
            long used = sealed.values().stream().mapToLong(segment -> segment.bytes).sum();
            return used + more * options.segmentBytes() > options.capacityBytes()
                    ? DiskIndex.victim(sealed.values())
                    : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    List<DiskEntry> keepers(Segment victim, long mostBytes) {
        lock.lock();
        try {
            return index.keepers(victim, mostBytes);
        } finally {
            lock.unlock();
        }
    }

    void evict(Segment victim) throws IOException {
        lock.lock();
        try {
            index.evicted(victim);
            for (DiskEntry entry : List.copyOf(victim.entries)) {
                if (!entry.gone) {
                    evictedRoom++;
                    remove(entry);
                }
            }
            sealed.remove(victim.number);
            victim.doomed = true;
            if (victim.readers == 0) {
                victim.close();
            }
        } finally {
            lock.unlock();
        }
        Files.deleteIfExists(victim.path);
    }

    void writingFailed(Throwable e) {
        Collection<WriteQueue.Offer> left;
        lock.lock();
        try {
            writable = false;
            left = queue.abandon();
        } finally {
            lock.unlock();
        }
        left.forEach(offer -> offer.release().run());
        options.warnings()
                .accept(
                        "The disk tier in %s stores nothing more until the next start: %s. Free space there, or lower its size; what it holds can still be read."
                                .formatted(options.directory(), e));
    }

    ReadBuffer readBuffer() {
        return folder.readBuffer();
    }

    /** Returns when everything that was offered is written, or will not be. */
    public void awaitWritten() {
        lock.lock();
        try {
            queue.awaitIdle();
        } finally {
            lock.unlock();
        }
    }

    public DiskStats stats() {
        lock.lock();
        try {
            long bytes = current.map(segment -> segment.bytes).orElse(0L);
            long foreign = 0;
            for (Segment segment : sealed.values()) {
                bytes += segment.bytes;
                foreign += segment.foreign ? segment.bytes : 0;
            }
            return new DiskStats(
                    readable,
                    writable,
                    options.capacityBytes(),
                    bytes,
                    foreign,
                    sealed.size() + (current.isPresent() ? 1 : 0),
                    index.size(),
                    index.bytes(),
                    queue.size(),
                    queue.bytes(),
                    hits,
                    misses,
                    readNanos,
                    bytesRead,
                    stored,
                    shed,
                    refusedOrphan,
                    evictedRoom,
                    evictedOrphan,
                    rewritten,
                    checksumFailures,
                    collisions,
                    readErrors,
                    bytesStored,
                    bytesWritten);
        } finally {
            lock.unlock();
        }
    }

    /** Writes what waits and completes the segment; afterwards everything is a miss. */
    @Override
    public void close() {
        lock.lock();
        try {
            writable = false;
            queue.end();
        } finally {
            lock.unlock();
        }
        joinWriter();
        lock.lock();
        try {
            readable = false;
            forgetAll();
            current.ifPresent(segment -> sealed.put(segment.number, segment));
            current = Optional.empty();
            for (Segment segment : sealed.values()) {
                segment.doomed = true;
                if (segment.readers == 0) {
                    segment.close();
                }
            }
            sealed.clear();
        } finally {
            lock.unlock();
        }
        closeQuietly(folder);
    }

    private void joinWriter() {
        boolean interrupted = false;
        while (writer.isAlive()) {
            try {
                writer.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void closeQuietly(Folder folder) {
        try {
            folder.close();
        } catch (IOException _) {
            // The lock ends with the process at the latest.
        }
    }

    /**
     * Throws if the tier contradicts itself; for tests.
     *
     * @throws IllegalStateException naming the broken invariant
     */
    void checkIntegrity() {
        lock.lock();
        try {
            List<Segment> all = new ArrayList<>(sealed.values());
            current.ifPresent(all::add);
            index.checkIntegrity(all);
        } finally {
            lock.unlock();
        }
    }
}
