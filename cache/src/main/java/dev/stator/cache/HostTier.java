package dev.stator.cache;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * The blocks that a host keeps in memory, shared by all its workers. Thread-safe.
 *
 * <p>Whoever needs a block first {@linkplain #claim claims} it, computes it, {@linkplain #reserve
 * reserves} a slot, writes it and commits; others {@linkplain #await wait} and then {@linkplain
 * #acquire read} it. After {@link #close} everything is a miss and nothing is stored.
 */
public final class HostTier implements AutoCloseable {
    /*
     * One lock guards all metadata; it is never held during I/O, a copy of rows, or a callback.
     * Rows are safe without it: a slot belongs either to one reservation, which nobody else sees,
     * or to a committed block, which only changes hands when it is evicted, and a block with a
     * lease is never evicted. The lock's release in commit and its acquisition in acquire order the
     * writes of the rows before the reads. Token ids lie beside the rows, and the same holds for
     * them; as they are compared under the lock, a lookup is one critical section.
     *
     * Unmapping memory that someone reads would crash; close therefore leaves the mapping to the
     * last lease or reservation that ends.
     */

    /** After a slot could not get its space, so many reservations do without fresh slots. */
    private static final int GROWTH_PAUSE = 64;

    private final Lock lock = new ReentrantLock();
    private final HostTierOptions options;
    private final SlotFile file;
    private final BlockTable table;
    private final Claims claims = new Claims();
    private int growthPause;
    private boolean closed;

    private long hits;
    private long misses;
    private long stored;
    private long refusedFull;
    private long refusedQuota;
    private long refusedOrphan;
    private long growthFailures;
    private long collisions;
    private long bytesWritten;
    private long bytesRead;

    private HostTier(HostTierOptions options, SlotFile file) {
        this.options = options;
        this.file = file;
        table = new BlockTable(options.slots(), options.eviction());
    }

    /**
     * Opens an empty tier and removes the files of dead processes from its directory.
     *
     * @throws CacheException if the directory cannot be used
     */
    public static HostTier open(HostTierOptions options) {
        return open(options, SlotFile.zeros());
    }

    static HostTier open(HostTierOptions options, SlotFile.Backing backing) {
        return new HostTier(options, SlotFile.create(options, backing));
    }

    public HostTierOptions options() {
        return options;
    }

    /**
     * The file of all rows, for processes that read and write them in place; there until closed.
     */
    public Path file() {
        return file.path();
    }

    /** The whole file as it is mapped here: rows of leases and reservations lie in it. */
    public MemorySegment mapping() {
        return file.mapping();
    }

    /** How many leading keys are present. Changes nothing, counts nothing. */
    public int match(List<BlockKey> keys) {
        lock.lock();
        try {
            int matched = 0;
            while (matched < keys.size() && table.contains(keys.get(matched))) {
                matched++;
            }
            return matched;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The block for reading, if it is present and holds exactly {@code tokens[from, to)}. Counts a
     * hit and a use, or a miss.
     */
    public Optional<BlockLease> acquire(BlockKey key, int[] tokens, int from, int to) {
        Objects.checkFromToIndex(from, to, tokens.length);
        lock.lock();
        try {
            int slot = table.find(key);
            boolean found = slot != SlotPool.NONE;
            if (!found || !file.holds(slot, tokens, from, to)) {
                misses++;
                collisions += found ? 1 : 0;
                return Optional.empty();
            }
            hits++;
            bytesRead += options.blockBytes(to - from);
            table.lease(slot);
            return Optional.of(lease(slot, to - from));
        } finally {
            lock.unlock();
        }
    }

    /**
     * The longest present block after {@code parent} that holds the beginning of {@code
     * tokens[from, to)} and is shorter than it: the end of a sequence that went no further. Counts
     * a hit and a use, but no miss.
     */
    public Optional<BlockLease> acquirePart(BlockKey parent, int[] tokens, int from, int to) {
        Objects.checkFromToIndex(from, to, tokens.length);
        List<BlockKey> parts =
                IntStream.range(from + 1, to)
                        .mapToObj(end -> parent.child(tokens, from, end))
                        .toList();
        lock.lock();
        try {
            for (int end = to - 1; end > from; end--) {
                BlockKey key = parts.get(end - from - 1);
                if (table.contains(key)) {
                    return acquire(key, tokens, from, end);
                }
            }
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** The block for reading, if it is present. Counts neither a hit nor a use. */
    public Optional<BlockLease> hold(BlockKey key) {
        lock.lock();
        try {
            int slot = table.find(key);
            if (slot == SlotPool.NONE) {
                return Optional.empty();
            }
            table.hold(slot);
            return Optional.of(lease(slot, file.tokens(slot)));
        } finally {
            lock.unlock();
        }
    }

    private BlockLease lease(int slot, int tokens) {
        MemorySegment rows = file.rows(slot, options.blockBytes(tokens)).asReadOnly();
        return new BlockLease(this, slot, tokens, table.recomputeMicros(slot), rows);
    }

    /** Asks to be the one who computes a block. After the tier is closed, everyone is. */
    public ClaimState claim(BlockKey key, Claimant who) {
        lock.lock();
        try {
            if (table.contains(key)) {
                return ClaimState.PRESENT;
            }
            return closed ? ClaimState.MINE : claims.claim(key, who);
        } finally {
            lock.unlock();
        }
    }

    /** Whether somebody has promised to compute or bring a block, and it is not there yet. */
    public boolean isClaimed(BlockKey key) {
        lock.lock();
        try {
            return claims.isClaimed(key);
        } finally {
            lock.unlock();
        }
    }

    /** Gives up all claims that are not settled; whoever waits for them is told. */
    public void release(Claimant who) {
        List<Waiting> told;
        lock.lock();
        try {
            told = claims.release(who);
        } finally {
            lock.unlock();
        }
        tell(told);
    }

    /** Gives up one claim, e.g. because its reservation was refused; no-op if it is not held. */
    public void release(Claimant who, BlockKey key) {
        List<Waiting> told;
        lock.lock();
        try {
            told = claims.release(who, key);
        } finally {
            lock.unlock();
        }
        tell(told);
    }

    /** A slot for a block that is nobody's in particular. */
    public Optional<BlockReservation> reserve(
            BlockKey key, BlockKey parent, int[] tokens, int from, int to, long recomputeMicros) {
        return reserve(key, parent, tokens, from, to, recomputeMicros, Tenant.NOBODY);
    }

    /**
     * A slot to write a block into, evicting others if need be. Empty if the block is present, if
     * its parent is not (a prefix has no holes), if every block is in use, or every one of a tenant
     * above its quota, or if the tier is closed; statistics tell which. The parent stays while the
     * reservation is open.
     *
     * @param parent key of the block before, or the root if {@code from} is 0
     * @param from where the block begins in its sequence {@code tokens}
     * @param to where it ends, at most {@code blockTokens} further
     * @param recomputeMicros what it would cost to compute the block again
     * @param tenant whose block it is going to be
     * @throws IllegalArgumentException if the range is not a block's or the key not its key
     */
    public Optional<BlockReservation> reserve(
            BlockKey key,
            BlockKey parent,
            int[] tokens,
            int from,
            int to,
            long recomputeMicros,
            Tenant tenant) {
        checkBlock(key, parent, tokens, from, to, recomputeMicros);
        int slot;
        boolean backed;
        lock.lock();
        try {
            if (closed || table.contains(key)) {
                return Optional.empty();
            }
            int above = from == 0 ? SlotPool.NONE : table.find(parent);
            if (from > 0 && above == SlotPool.NONE) {
                refusedOrphan++;
                return Optional.empty();
            }
            slot = begin(key, above, parent, recomputeMicros, tenant);
            if (slot == SlotPool.NONE) {
                return Optional.empty();
            }
            backed = table.slots().isBacked(slot);
        } finally {
            lock.unlock();
        }
        int own = backed ? slot : back(slot);
        if (own == SlotPool.NONE) {
            return Optional.empty();
        }
        // Like the rows, the ids are nobody else's before the commit.
        file.setTokens(own, tokens, from, to);
        MemorySegment rows = file.rows(own, options.blockBytes(to - from));
        return Optional.of(new BlockReservation(this, own, rows));
    }

    /**
     * Begins to write a block if a slot is free or can be freed.
     *
     * @param above slot of the parent, or none if {@code before} is a root
     */
    private int begin(
            BlockKey key, int above, BlockKey before, long recomputeMicros, Tenant tenant) {
        boolean first = above == SlotPool.NONE;
        if (!first) {
            // Held before a slot is made free, so that it is not the parent that goes.
            table.holdParent(above);
        }
        int account = table.charge(tenant);
        int slot = takeSlot(account);
        if (slot == SlotPool.NONE) {
            refuse(account);
            table.discharge(account);
            if (!first) {
                table.letGoOfParent(above);
            }
        } else if (first) {
            table.beginFirst(slot, key, before, recomputeMicros, account);
        } else {
            table.begin(slot, key, above, recomputeMicros, account);
        }
        return slot;
    }

    private void refuse(int account) {
        if (table.isAboveQuota(account)) {
            refusedQuota++;
        } else {
            refusedFull++;
        }
    }

    /**
     * Calls back once when the block is published or its claim ends; at once, from this thread, if
     * it is present or nobody claims it. The callback must not block.
     */
    public Waiting await(BlockKey key, Runnable onChange) {
        Waiting waiting = new Waiting(this, key, onChange);
        lock.lock();
        try {
            if (claims.isClaimed(key)) {
                claims.addWaiter(waiting);
                return waiting;
            }
        } finally {
            lock.unlock();
        }
        tell(List.of(waiting));
        return waiting;
    }

    /** Keeps the blocks of these keys from eviction, now and when they arrive. */
    public PinSet pin(List<BlockKey> keys) {
        PinSet set = new PinSet(this, List.copyOf(keys));
        lock.lock();
        try {
            table.pin(set.keys());
        } finally {
            lock.unlock();
        }
        return set;
    }

    /** What it holds, for an operator. Takes time in the number of blocks, under the lock. */
    public List<CachedPrefix> prefixes() {
        lock.lock();
        try {
            return table.prefixes(file::tokens);
        } finally {
            lock.unlock();
        }
    }

    /** The keys of a present block and of all before it, the first of its sequence first. */
    public List<BlockKey> chain(BlockKey key) {
        lock.lock();
        try {
            return table.chain(table.find(key));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Removes a block and all that follow it, pinned or not; what is in use stays.
     *
     * @return how many have gone
     */
    public int drop(BlockKey key) {
        lock.lock();
        try {
            int slot = table.find(key);
            List<BlockKey> gone = slot == SlotPool.NONE ? List.of() : table.drop(slot);
            gone.forEach(options.inventory()::removed);
            return gone.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Removes blocks and all that follow them, pinned or not, and forgets what it knew of them.
     *
     * @param gone takes what has gone
     * @return how many are still there because they are in use
     */
    public int dropAll(Collection<BlockKey> firsts, List<BlockKey> gone) {
        lock.lock();
        try {
            List<BlockKey> dropped = new ArrayList<>();
            int left = table.dropAll(firsts, dropped);
            dropped.forEach(options.inventory()::removed);
            gone.addAll(dropped);
            return left;
        } finally {
            lock.unlock();
        }
    }

    /** Who has how many blocks. */
    public List<TenantUse> tenants() {
        lock.lock();
        try {
            return closed ? List.of() : table.tenants();
        } finally {
            lock.unlock();
        }
    }

    public CacheStats stats() {
        lock.lock();
        try {
            return new CacheStats(
                    options.slots() * options.stride(),
                    options.slots(),
                    table.size(),
                    table.writing(),
                    table.leases(),
                    table.pinned(),
                    table.pinnedKeys(),
                    claims.size(),
                    claims.waiters(),
                    table.ghosts(),
                    table.tenantCount(),
                    hits,
                    misses,
                    stored,
                    table.evictions(),
                    table.evictionsByQuota(),
                    table.dropped(),
                    refusedFull,
                    refusedQuota,
                    refusedOrphan,
                    growthFailures,
                    collisions,
                    bytesWritten,
                    bytesRead);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Forgets all blocks and tells all who wait; leases and reservations still work until ended.
     */
    @Override
    public void close() {
        List<Waiting> told;
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            told = claims.releaseAll();
            table.clear();
            options.inventory().cleared();
            file.unlink();
            unmapIfIdle();
        } finally {
            lock.unlock();
        }
        tell(told);
    }

    /**
     * Throws if the tier contradicts itself; for tests. Takes time in the number of blocks.
     *
     * @throws IllegalStateException naming the broken invariant
     */
    public void checkIntegrity() {
        lock.lock();
        try {
            if (!closed) {
                table.checkIntegrity();
                claims.checkIntegrity(table.keys());
            }
        } finally {
            lock.unlock();
        }
    }

    void commit(BlockReservation reservation) {
        List<Waiting> told;
        lock.lock();
        try {
            if (!reservation.end()) {
                throw new IllegalStateException("the reservation has ended already");
            }
            int slot = reservation.slot();
            BlockKey key = table.key(slot);
            if (closed || table.contains(key)) {
                table.abandon(slot);
            } else {
                table.publish(slot);
                options.inventory().stored(key);
                stored++;
                bytesWritten += reservation.rows().byteSize();
            }
            told = claims.settle(key);
            unmapIfIdle();
        } finally {
            lock.unlock();
        }
        tell(told);
    }

    void abandon(BlockReservation reservation) {
        lock.lock();
        try {
            if (reservation.end()) {
                table.abandon(reservation.slot());
                unmapIfIdle();
            }
        } finally {
            lock.unlock();
        }
    }

    void endLease(BlockLease lease) {
        lock.lock();
        try {
            if (lease.end()) {
                table.unlease(lease.slot());
                unmapIfIdle();
            }
        } finally {
            lock.unlock();
        }
    }

    int[] tokenIds(BlockLease lease) {
        lock.lock();
        try {
            return file.tokenIds(lease.openSlot());
        } finally {
            lock.unlock();
        }
    }

    BlockKey root(BlockLease lease) {
        lock.lock();
        try {
            return table.root(lease.openSlot());
        } finally {
            lock.unlock();
        }
    }

    void unpin(PinSet set) {
        lock.lock();
        try {
            if (set.end()) {
                table.unpin(set.keys());
            }
        } finally {
            lock.unlock();
        }
    }

    void cancel(Waiting waiting) {
        lock.lock();
        try {
            claims.removeWaiter(waiting);
        } finally {
            lock.unlock();
        }
    }

    private void checkBlock(
            BlockKey key, BlockKey parent, int[] tokens, int from, int to, long recomputeMicros) {
        Objects.checkFromToIndex(from, to, tokens.length);
        if (from == to || to - from > options.blockTokens()) {
            throw new IllegalArgumentException(
                    "a block holds 1 to %d tokens, not %d"
                            .formatted(options.blockTokens(), to - from));
        }
        if (recomputeMicros < 0) {
            throw new IllegalArgumentException("recomputeMicros is negative: " + recomputeMicros);
        }
        if (!parent.child(tokens, from, to).equals(key)) {
            throw new IllegalArgumentException(
                    "%s is not the key of these tokens after %s".formatted(key, parent));
        }
    }

    /** A slot that is free or can be freed for a tenant; {@link SlotPool#NONE} if there is none. */
    private int takeSlot(int account) {
        int slot = table.slots().takeBacked();
        if (slot == SlotPool.NONE) {
            if (growthPause == 0) {
                slot = table.slots().takeFresh();
            } else {
                growthPause--;
            }
        }
        while (slot == SlotPool.NONE) {
            Optional<BlockKey> evicted = table.evictFor(account);
            if (evicted.isEmpty()) {
                return SlotPool.NONE;
            }
            options.inventory().removed(evicted.get());
            slot = table.slots().takeBacked();
        }
        return slot;
    }

    /**
     * Gets a fresh slot its space, or its block another slot.
     *
     * @return where the block is to be written; {@link SlotPool#NONE} if nowhere
     */
    private int back(int slot) {
        String problem;
        try {
            file.back(slot);
            lock.lock();
            try {
                table.slots().markBacked(slot);
            } finally {
                lock.unlock();
            }
            return slot;
        } catch (IOException e) {
            problem = e.toString();
        }
        return withoutGrowth(slot, problem);
    }

    /** Puts the block into another block's place because the file system has no more space. */
    private int withoutGrowth(int slot, String problem) {
        int other;
        int slotsBacked;
        lock.lock();
        try {
            growthFailures++;
            growthPause = GROWTH_PAUSE;
            other = takeSlot(table.account(slot));
            if (other == SlotPool.NONE) {
                refuse(table.account(slot));
                table.abandon(slot);
                unmapIfIdle();
            } else {
                table.move(slot, other);
            }
            slotsBacked = table.slots().backed();
        } finally {
            lock.unlock();
        }
        options.warnings()
                .accept(
                        "The host tier in %s cannot grow beyond %d blocks: %s. Free space there or lower its capacity."
                                .formatted(options.directory(), slotsBacked, problem));
        return other;
    }

    private void unmapIfIdle() {
        if (closed && table.idle()) {
            file.close();
        }
    }

    private void tell(List<Waiting> told) {
        for (Waiting waiting : told) {
            try {
                waiting.run();
            } catch (RuntimeException e) {
                options.warnings()
                        .accept("A callback for block %s failed: %s".formatted(waiting.key(), e));
            }
        }
    }
}
