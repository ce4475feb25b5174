package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CacheException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The blocks that a node keeps on disk, across restarts and crashes. Thread-safe.
 *
 * <p>Blocks are {@linkplain #offer offered} and written behind. What is written can be read until
 * its segment goes. A folder that cannot be written goes on with what it has; one that cannot be
 * read again and again is left out. Neither concerns the other folders.
 */
public final class DiskTier implements AutoCloseable {
    /*
     * One lock guards all metadata and the queue; it is never held during I/O or a callback other
     * than the inventory's.
     */

    private final DiskTierOptions options;
    private final ReentrantLock lock = new ReentrantLock();
    private final DiskCounters counters = new DiskCounters();
    private final Catalog catalog;
    private final WriteQueue queue;
    private final BlockReader reader;
    private final Eraser eraser;
    private final Queue<Journal> journals = new ConcurrentLinkedQueue<>();
    private final Thread writer;
    private boolean closed;

    private DiskTier(DiskTierOptions options, List<Folder> folders) {
        this.options = options;
        this.catalog = new Catalog(options, folders, counters);
        this.queue = new WriteQueue(options.queueBytes(), lock);
        this.reader = new BlockReader(lock, catalog, counters, options.warnings());
        this.eraser = new Eraser(options, lock, catalog, queue);
        List<Folder.Loaded> loaded = Folders.load(folders);
        lock.lock();
        try {
            catalog.adopt(loaded);
        } finally {
            lock.unlock();
        }
        this.writer =
                Thread.ofPlatform()
                        .name("disk-encoder")
                        .daemon()
                        .unstarted(
                                new WriteBehind(options, lock, catalog, queue, counters, reader));
    }

    /**
     * Opens the tier with what its folders hold for this model. Takes time in the number of
     * segments, and reads through those that a process which died was writing.
     *
     * @throws CacheException if a folder cannot be used, another process uses it, or it is one
     *     other's or lies in it
     */
    public static DiskTier open(DiskTierOptions options) {
        return open(options, SegmentIo::system);
    }

    static DiskTier open(DiskTierOptions options, SegmentIo.Opener io) {
        List<Folder> folders = Folders.open(options, io);
        try {
            DiskTier tier = new DiskTier(options, folders);
            tier.writer.start();
            return tier;
        } catch (RuntimeException e) {
            folders.forEach(Folder::close);
            throw e;
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
        if (closed || !catalog.isWritable() || isComing(block.key())) {
            return false;
        }
        if (block.position() > 0 && !isComing(block.parent())) {
            counters.refusedOrphan++;
            return false;
        }
        if (!queue.hasRoom(block.recordBytes())) {
            counters.shed++;
            return false;
        }
        return true;
    }

    private boolean isComing(BlockKey key) {
        return catalog.find(key).isPresent() || queue.isPending(key);
    }

    /** How many keys from {@code from} on can be read. Changes nothing, counts nothing. */
    public int match(List<BlockKey> keys, int from) {
        lock.lock();
        try {
            int at = from;
            while (at < keys.size() && catalog.find(keys.get(at)).isPresent()) {
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
                catalog.find(keys.get(at)).ifPresent(catalog::use);
                at++;
            }
            return at;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Removes blocks and all that follow them, and writes over their records. Returns when that is
     * on the device. What is just being written, or comes back from elsewhere, is for another call.
     *
     * @param firsts to which the keys are added of all that followed them
     * @return whether something is left, because it is on its way or could not be written over
     */
    public boolean erase(Set<BlockKey> firsts) {
        return eraser.erase(firsts);
    }

    /**
     * A log beside the segments of the first folder, under its key.
     *
     * @throws CacheException if it cannot be opened
     */
    public Journal journal(String name) {
        Folder folder = catalog.folders().getFirst();
        Journal journal =
                Journal.open(folder.path().resolve(name), folder.key(), options.warnings());
        journals.add(journal);
        return journal;
    }

    /** What it would cost to compute a block again; 0 if it is not here. */
    long recomputeMicros(BlockKey key) {
        lock.lock();
        try {
            return catalog.find(key).map(entry -> entry.block.recomputeMicros()).orElse(0L);
        } finally {
            lock.unlock();
        }
    }

    /** Somebody has given up waiting for a read. */
    void late() {
        lock.lock();
        try {
            counters.late++;
        } finally {
            lock.unlock();
        }
    }

    /** See {@link BlockReader#read}. */
    Optional<DiskBlock> read(BlockKey key, int[] tokens, int from, int to, ReadBuffer buffer) {
        return reader.read(key, tokens, from, to, buffer);
    }

    ReadBuffer readBuffer() {
        return new ReadBuffer(options.fingerprint(), options.codec());
    }

    /** Whether what is read may differ from what was written. */
    public boolean isLossy() {
        return options.codec().isLossy();
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
            return DiskStats.of(options, catalog, queue, counters, closed);
        } finally {
            lock.unlock();
        }
    }

    /** Writes what waits and completes the segment; afterwards everything is a miss. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            queue.end();
        } finally {
            lock.unlock();
        }
        joinWriter();
        lock.lock();
        try {
            catalog.close();
        } finally {
            lock.unlock();
        }
        journals.forEach(Journal::close);
        catalog.folders().forEach(Folder::close);
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

    /**
     * Throws if the tier contradicts itself; for tests.
     *
     * @throws IllegalStateException naming the broken invariant
     */
    void checkIntegrity() {
        lock.lock();
        try {
            catalog.checkIntegrity();
        } finally {
            lock.unlock();
        }
    }
}
