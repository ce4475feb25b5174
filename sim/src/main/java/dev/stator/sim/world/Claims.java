package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which absent blocks somebody computes already, and who waits for them instead of doing so too.
 */
final class Claims {
    private final Map<BlockKey, Job> owners = new HashMap<>();

    /** Of the few claimed blocks that somebody waits for. */
    private final Map<BlockKey, List<Job>> waiting = new HashMap<>();

    /** Takes what nobody has claimed. */
    void claim(BlockKey key, Job owner) {
        owners.putIfAbsent(key, owner);
    }

    /** Puts a job among those who wait for a block; false if nobody else computes it. */
    boolean await(BlockKey key, Job waiter) {
        Job owner = owners.get(key);
        if (owner == null || owner == waiter) {
            return false;
        }
        waiting.computeIfAbsent(key, _ -> new ArrayList<>()).add(waiter);
        return true;
    }

    /** The block is there, or its owner has given up; who waited looks again. */
    void settle(BlockKey key, Job owner) {
        if (!owners.remove(key, owner) || waiting.isEmpty()) {
            return;
        }
        List<Job> waiters = waiting.remove(key);
        if (waiters != null) {
            waiters.forEach(job -> job.worker.onboarding().resume(job));
        }
    }

    int size() {
        return owners.size();
    }
}
