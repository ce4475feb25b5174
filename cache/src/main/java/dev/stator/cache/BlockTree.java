package dev.stator.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Which blocks follow which, worked out for an operator's question: takes time and memory in the
 * number of blocks. Guarded by the tier's lock.
 */
final class BlockTree {
    private final List<Block> blocks = new ArrayList<>();
    private final Map<Block, List<Block>> following = new IdentityHashMap<>();

    BlockTree(BlockMap present) {
        present.forEach(
                block -> {
                    blocks.add(block);
                    Block parent = block.parent;
                    if (parent != null) {
                        following.computeIfAbsent(parent, _ -> new ArrayList<>()).add(block);
                    }
                });
    }

    /**
     * Prefixes that end where some of those who used them went no further: no block that follows
     * was used as often.
     */
    List<CachedPrefix> prefixes(long clock, Predicate<Block> pinned) {
        Map<Block, int[]> depths = depths();
        List<CachedPrefix> prefixes = new ArrayList<>();
        for (Block block : blocks) {
            boolean goesOn =
                    following.getOrDefault(block, List.of()).stream()
                            .anyMatch(next -> next.frequency >= block.frequency);
            if (!goesOn) {
                int[] depth = depths.getOrDefault(block, new int[2]);
                prefixes.add(
                        new CachedPrefix(
                                block.key,
                                depth[0],
                                depth[1],
                                block.frequency,
                                clock - block.lastUse,
                                pinned.test(block),
                                block.leases > 0));
            }
        }
        return prefixes;
    }

    /** Blocks and tokens up to each block. */
    private Map<Block, int[]> depths() {
        Map<Block, int[]> depths = new HashMap<>();
        Deque<Block> open = new ArrayDeque<>();
        blocks.stream().filter(block -> block.parent == null).forEach(open::add);
        while (!open.isEmpty()) {
            Block block = open.poll();
            int[] before =
                    block.parent == null
                            ? new int[2]
                            : depths.getOrDefault(block.parent, new int[2]);
            depths.put(block, new int[] {before[0] + 1, before[1] + block.tokens.length});
            open.addAll(following.getOrDefault(block, List.of()));
        }
        return depths;
    }

    /** A block and all that follow it, each after all that follow it. */
    List<Block> lastFirst(Block first) {
        List<Block> order = new ArrayList<>();
        Deque<Block> open = new ArrayDeque<>();
        open.add(first);
        while (!open.isEmpty()) {
            Block block = open.poll();
            order.add(block);
            open.addAll(following.getOrDefault(block, List.of()));
        }
        return order.reversed();
    }
}
