package dev.stator.cache;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who has promised to compute which block, and who waits for it. Only a claimed block has waiters.
 * Guarded by the tier's lock; the callbacks it hands out are to be run without that lock.
 */
final class Claims {
    private final Map<BlockKey, Claimant> holders = new HashMap<>();
    private final Map<Claimant, Set<BlockKey>> held = new HashMap<>();
    private final Map<BlockKey, List<Waiting>> waiters = new HashMap<>();

    int size() {
        return holders.size();
    }

    int waiters() {
        return waiters.values().stream().mapToInt(List::size).sum();
    }

    boolean isClaimed(BlockKey key) {
        return holders.containsKey(key);
    }

    ClaimState claim(BlockKey key, Claimant who) {
        Claimant holder = holders.putIfAbsent(key, who);
        if (holder == null) {
            held.computeIfAbsent(who, _ -> new HashSet<>()).add(key);
        }
        return holder == null || holder == who ? ClaimState.MINE : ClaimState.OTHERS;
    }

    void addWaiter(Waiting waiting) {
        waiters.computeIfAbsent(waiting.key(), _ -> new ArrayList<>()).add(waiting);
    }

    void removeWaiter(Waiting waiting) {
        waiters.computeIfPresent(
                waiting.key(),
                (_, list) -> {
                    list.remove(waiting);
                    return list.isEmpty() ? null : list;
                });
    }

    /** Ends the claim on a block, whoever holds it; returns those to be told. */
    List<Waiting> settle(BlockKey key) {
        Claimant holder = holders.remove(key);
        if (holder == null) {
            return List.of();
        }
        held.computeIfPresent(
                holder,
                (_, keys) -> {
                    keys.remove(key);
                    return keys.isEmpty() ? null : keys;
                });
        return Optional.ofNullable(waiters.remove(key)).orElse(List.of());
    }

    /** Ends one claim if it is this claimant's. */
    List<Waiting> release(Claimant who, BlockKey key) {
        return holders.get(key) == who ? settle(key) : List.of();
    }

    List<Waiting> release(Claimant who) {
        List<Waiting> told = new ArrayList<>();
        for (BlockKey key : List.copyOf(held.getOrDefault(who, Set.of()))) {
            told.addAll(settle(key));
        }
        return told;
    }

    List<Waiting> releaseAll() {
        List<Waiting> told = new ArrayList<>();
        for (Claimant who : List.copyOf(held.keySet())) {
            told.addAll(release(who));
        }
        return told;
    }

    void checkIntegrity(Set<BlockKey> present) {
        Set<BlockKey> all = new HashSet<>();
        held.forEach(
                (who, keys) -> {
                    for (BlockKey key : keys) {
                        if (holders.get(key) != who) {
                            throw new IllegalStateException("claim on " + key + " is half there");
                        }
                        all.add(key);
                    }
                });
        if (all.size() != holders.size()) {
            throw new IllegalStateException("a claim belongs to no claimant");
        }
        if (!holders.keySet().containsAll(waiters.keySet())) {
            throw new IllegalStateException("someone waits for a block that nobody claims");
        }
        for (BlockKey key : holders.keySet()) {
            if (present.contains(key)) {
                throw new IllegalStateException("block " + key + " is present and claimed");
            }
        }
    }
}
