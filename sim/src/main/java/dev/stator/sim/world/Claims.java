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
    private record Claim(Job owner, List<Job> waiting) {}

    private final Map<BlockKey, Claim> claims = new HashMap<>();

    /** Takes what nobody has claimed. */
    void claim(BlockKey key, Job owner) {
        claims.computeIfAbsent(key, _ -> new Claim(owner, new ArrayList<>(0)));
    }

    /** Puts a job among those who wait for a block; false if nobody else computes it. */
    boolean await(BlockKey key, Job waiting) {
        Claim claim = claims.get(key);
        if (claim == null || claim.owner == waiting) {
            return false;
        }
        claim.waiting.add(waiting);
        return true;
    }

    /** The block is there, or its owner has given up; who waited looks again. */
    void settle(BlockKey key, Job owner) {
        Claim claim = claims.get(key);
        if (claim != null && claim.owner == owner) {
            claims.remove(key);
            claim.waiting.forEach(job -> job.worker.onboarding().resume(job));
        }
    }

    int size() {
        return claims.size();
    }
}
