package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/** Blocks on their way to the disk, bounded in bytes. Guarded by the tier's lock. */
final class WriteQueue {
    /**
     * @param rows stay as they are until released
     * @param release called exactly once
     */
    record Offer(DiskBlock block, int[] tokens, MemorySegment rows, Runnable release) {}

    private final long mostBytes;
    private final Condition changed;
    private final Queue<Offer> waiting = new ArrayDeque<>();

    /** Waiting or in the writer's hands. */
    private final Set<BlockKey> pending = new HashSet<>();

    private long bytes;
    private boolean ended;

    WriteQueue(long mostBytes, Lock lock) {
        this.mostBytes = mostBytes;
        this.changed = lock.newCondition();
    }

    boolean isPending(BlockKey key) {
        return pending.contains(key);
    }

    /** An empty queue takes anything. */
    boolean hasRoom(int recordBytes) {
        return waiting.isEmpty() || bytes + recordBytes <= mostBytes;
    }

    void add(Offer offer) {
        waiting.add(offer);
        pending.add(offer.block().key());
        bytes += offer.block().recordBytes();
        changed.signalAll();
    }

    /** The next one; waits for it; empty once the queue has ended and nothing waits. */
    Optional<Offer> take() {
        while (waiting.isEmpty() && !ended) {
            changed.awaitUninterruptibly();
        }
        Offer offer = waiting.poll();
        if (offer == null) {
            return Optional.empty();
        }
        bytes -= offer.block().recordBytes();
        return Optional.of(offer);
    }

    /**
     * Takes blocks back that wait, which the caller releases.
     *
     * @param keys of blocks and of parents; takes the keys of what is taken back
     */
    List<Offer> withdraw(Set<BlockKey> keys) {
        List<Offer> withdrawn = new ArrayList<>();
        for (Offer offer : waiting) {
            if (keys.contains(offer.block().key()) || keys.contains(offer.block().parent())) {
                keys.add(offer.block().key());
                withdrawn.add(offer);
            }
        }
        for (Offer offer : withdrawn) {
            waiting.remove(offer);
            pending.remove(offer.block().key());
            bytes -= offer.block().recordBytes();
        }
        changed.signalAll();
        return withdrawn;
    }

    /** Whether one of them waits or is in the writer's hands. */
    boolean isAnyPending(Set<BlockKey> keys) {
        return pending.stream().anyMatch(keys::contains);
    }

    /** The block has been written, or will not be. */
    void settle(BlockKey key) {
        pending.remove(key);
        changed.signalAll();
    }

    /** Nothing waits and nothing is in the writer's hands. */
    boolean isIdle() {
        return pending.isEmpty();
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    int size() {
        return waiting.size();
    }

    long bytes() {
        return bytes;
    }

    void awaitIdle() {
        while (!pending.isEmpty()) {
            changed.awaitUninterruptibly();
        }
    }

    void end() {
        ended = true;
        changed.signalAll();
    }

    /** Ends and gives up what waits, which the caller releases. */
    Queue<Offer> abandon() {
        Queue<Offer> left = new ArrayDeque<>(waiting);
        waiting.clear();
        pending.clear();
        bytes = 0;
        end();
        return left;
    }
}
