package dev.stator.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/**
 * Which blocks follow which, worked out for an operator's question: takes time and memory in the
 * number of blocks, which go by their slots. Guarded by the tier's lock.
 */
final class BlockTree {
    private final BlockMetadata blocks;
    private final List<Integer> slots = new ArrayList<>();
    private final Map<Integer, List<Integer>> following = new HashMap<>();

    BlockTree(BlockMetadata blocks, KeyTable present) {
        this.blocks = blocks;
        present.forEach(
                slot -> {
                    slots.add(slot);
                    int parent = blocks.parent(slot);
                    if (parent >= 0) {
                        following.computeIfAbsent(parent, _ -> new ArrayList<>()).add(slot);
                    }
                });
    }

    /**
     * Prefixes that end where some of those who used them went no further: no block that follows
     * was used as often.
     *
     * @param tokens of the block in a slot
     */
    List<CachedPrefix> prefixes(long clock, IntUnaryOperator tokens, IntPredicate pinned) {
        Map<Integer, int[]> depths = depths(tokens);
        List<CachedPrefix> prefixes = new ArrayList<>();
        for (int slot : slots) {
            int uses = blocks.frequency(slot);
            boolean goesOn =
                    following(slot).stream().anyMatch(next -> blocks.frequency(next) >= uses);
            if (!goesOn) {
                int[] depth = depths.getOrDefault(slot, new int[2]);
                prefixes.add(
                        new CachedPrefix(
                                blocks.key(slot),
                                depth[0],
                                depth[1],
                                uses,
                                clock - blocks.lastUse(slot),
                                pinned.test(slot),
                                blocks.leases(slot) > 0));
            }
        }
        return prefixes;
    }

    /** Blocks and tokens up to each block. */
    private Map<Integer, int[]> depths(IntUnaryOperator tokens) {
        Map<Integer, int[]> depths = new HashMap<>();
        Deque<Integer> open = new ArrayDeque<>();
        slots.stream().filter(slot -> blocks.parent(slot) < 0).forEach(open::add);
        while (!open.isEmpty()) {
            int slot = open.remove();
            int[] before = depths.getOrDefault(blocks.parent(slot), new int[2]);
            depths.put(slot, new int[] {before[0] + 1, before[1] + tokens.applyAsInt(slot)});
            open.addAll(following(slot));
        }
        return depths;
    }

    /** A block and all that follow it, each after all that follow it. */
    List<Integer> lastFirst(int first) {
        List<Integer> order = new ArrayList<>();
        Deque<Integer> open = new ArrayDeque<>();
        open.add(first);
        while (!open.isEmpty()) {
            int slot = open.remove();
            order.add(slot);
            open.addAll(following(slot));
        }
        return order.reversed();
    }

    private List<Integer> following(int slot) {
        return following.getOrDefault(slot, List.of());
    }
}
