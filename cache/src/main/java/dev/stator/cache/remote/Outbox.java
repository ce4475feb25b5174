package dev.stator.cache.remote;

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

/** Blocks on their way to the store, bounded in bytes. Guarded by the tier's lock. */
final class Outbox {
    /**
     * @param rows stay as they are until released
     * @param release called exactly once
     */
    record Offer(RemoteBlock block, int[] tokens, MemorySegment rows, Runnable release) {}

    private final long mostBytes;
    private final Condition changed;
    private final Queue<Offer> waiting = new ArrayDeque<>();

    /** Waiting, being encoded or on their way. */
    private final Set<BlockKey> pending = new HashSet<>();

    private long bytes;
    private boolean ended;

    Outbox(long mostBytes, Lock lock) {
        this.mostBytes = mostBytes;
        this.changed = lock.newCondition();
    }

    boolean isPending(BlockKey key) {
        return pending.contains(key);
    }

    /** An empty one takes anything. */
    boolean hasRoom(int more) {
        return !ended && (waiting.isEmpty() || bytes + more <= mostBytes);
    }

    void add(Offer offer) {
        waiting.add(offer);
        pending.add(offer.block().key());
        bytes += offer.block().payloadBytes();
        changed.signalAll();
    }

    /** The next one; waits for it; empty once it has ended and nothing waits. */
    Optional<Offer> take() {
        while (waiting.isEmpty() && !ended) {
            changed.awaitUninterruptibly();
        }
        Offer offer = waiting.poll();
        if (offer == null) {
            return Optional.empty();
        }
        bytes -= offer.block().payloadBytes();
        return Optional.of(offer);
    }

    /** Takes back what waits, which the caller releases. */
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
            bytes -= offer.block().payloadBytes();
        }
        changed.signalAll();
        return withdrawn;
    }

    /** The block has been written, or will not be. */
    void settle(BlockKey key) {
        pending.remove(key);
        changed.signalAll();
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

    /** Gives up what waits, which the caller releases. */
    List<Offer> dropAll() {
        List<Offer> dropped = new ArrayList<>(waiting);
        waiting.clear();
        dropped.forEach(offer -> pending.remove(offer.block().key()));
        bytes = 0;
        changed.signalAll();
        return dropped;
    }
}
