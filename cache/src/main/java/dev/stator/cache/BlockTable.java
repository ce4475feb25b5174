package dev.stator.cache;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which block is in which slot, and who goes when a slot is needed. Guarded by the tier's lock;
 * knows nothing of bytes, claims or time.
 *
 * <p>A block may be evicted if it has no lease, no pin and no child, be the child present or being
 * written. So a present block's ancestors are present: a prefix never has a hole.
 */
final class BlockTable {
    /** Evicted blocks whose uses are remembered, per slot. */
    private static final int GHOSTS_PER_SLOT = 4;

    private static final int FREQUENCY_MAX = 1 << 16;

    private final int slotCount;
    private final Optional<ReuseModel> model;
    private final SlotPool slots;
    private final BlockMap present = new BlockMap();

    /** Few at a time, and the last to begin is often the first to end. */
    private final List<Block> writing = new ArrayList<>();

    private final Map<BlockKey, Integer> pins = new HashMap<>();
    private final EvictionOrder evictables;
    private final Ghosts ghosts;
    private int leases;
    private long clock;
    private long evictions;
    private long dropped;

    BlockTable(int slotCount, Eviction eviction) {
        this.slotCount = slotCount;
        slots = new SlotPool(slotCount);
        model =
                eviction == Eviction.BY_REUSE
                        ? Optional.of(new ReuseModel(slotCount))
                        : Optional.empty();
        evictables = new EvictionOrder(model);
        long remembered = model.isPresent() ? (long) slotCount * GHOSTS_PER_SLOT : 0;
        ghosts = new Ghosts((int) Math.min(Integer.MAX_VALUE, remembered));
    }

    Optional<Block> find(BlockKey key) {
        return present.find(key);
    }

    boolean contains(BlockKey key) {
        return present.contains(key);
    }

    int size() {
        return present.size();
    }

    Set<BlockKey> keys() {
        return Set.copyOf(present.keys());
    }

    SlotPool slots() {
        return slots;
    }

    void lease(Block block) {
        hold(block);
        use(block);
    }

    /** A lease that is not a use. */
    void hold(Block block) {
        block.leases++;
        leases++;
        evictables.remove(block);
    }

    void unlease(Block block) {
        block.leases--;
        leases--;
        refresh(block);
    }

    /** Begins to write a block, which holds its parent. It has no slot yet. */
    void begin(Block block) {
        writing.add(block);
        Block parent = block.parent;
        if (parent != null) {
            parent.children++;
            refresh(parent);
        }
    }

    /** Ends writing without a result and takes the slot back, if there was one. */
    void abandon(Block block) {
        endWriting(block);
        if (block.slot != SlotPool.NONE) {
            slots.giveBack(block.slot);
        }
        letGoOfParent(block);
    }

    /** Ends writing: the block is present from now on. It must not be already. */
    void publish(Block block) {
        endWriting(block);
        present.add(block);
        block.present = true;
        ghosts.recall(block);
        evictables.meet(block);
        use(block);
        refresh(block);
    }

    /** Evicts the least valuable block that may go; empty if none may. */
    Optional<Block> evict() {
        Optional<Block> victim = evictables.poll(clock);
        victim.ifPresent(
                block -> {
                    remove(block);
                    evictions++;
                });
        return victim;
    }

    /**
     * Removes a block and all that follow it, pinned or not; those that somebody reads, or writes a
     * block after, stay with all before them.
     *
     * @return what has gone
     */
    List<BlockKey> drop(Block first) {
        return drop(new BlockTree(present), first);
    }

    private List<BlockKey> drop(BlockTree tree, Block first) {
        List<BlockKey> gone = new ArrayList<>();
        for (Block block : tree.lastFirst(first)) {
            if (block.present && block.leases == 0 && block.children == 0) {
                evictables.remove(block);
                remove(block);
                gone.add(block.key);
                dropped++;
            }
        }
        return gone;
    }

    /**
     * The same of several.
     *
     * @param gone takes what has gone
     * @return how many are still there, because they or what follows them are in use
     */
    int dropAll(Collection<BlockKey> firsts, List<BlockKey> gone) {
        List<Block> there = firsts.stream().flatMap(key -> find(key).stream()).toList();
        if (there.isEmpty()) {
            return 0;
        }
        BlockTree tree = new BlockTree(present);
        Set<Block> left = new HashSet<>();
        for (Block first : there) {
            gone.addAll(drop(tree, first));
            left.addAll(tree.lastFirst(first));
        }
        left.removeIf(block -> !block.present);
        return left.size();
    }

    private void remove(Block block) {
        present.remove(block);
        block.present = false;
        ghosts.remember(block, this::forgotten);
        slots.giveBack(block.slot);
        letGoOfParent(block);
    }

    List<CachedPrefix> prefixes() {
        return new BlockTree(present).prefixes(clock, block -> pins.containsKey(block.key));
    }

    long dropped() {
        return dropped;
    }

    void pin(List<BlockKey> keys) {
        for (BlockKey key : keys) {
            pins.merge(key, 1, Integer::sum);
            find(key).ifPresent(this::refresh);
        }
    }

    void unpin(List<BlockKey> keys) {
        for (BlockKey key : keys) {
            pins.computeIfPresent(key, (_, count) -> count == 1 ? null : count - 1);
            find(key).ifPresent(this::refresh);
        }
    }

    /** Makes every block absent; leases and writes that are open may still end. */
    void clear() {
        present.forEach(
                block -> {
                    evictables.remove(block);
                    block.present = false;
                });
        present.clear();
    }

    /** True if nobody reads or writes rows. */
    boolean idle() {
        return leases == 0 && writing.isEmpty();
    }

    int leases() {
        return leases;
    }

    int writing() {
        return writing.size();
    }

    int ghosts() {
        return ghosts.size();
    }

    int pinnedKeys() {
        return pins.size();
    }

    long evictions() {
        return evictions;
    }

    /** Present blocks with a lease or a pin; takes time in their number. */
    int pinned() {
        var pinned = new ArrayList<Block>();
        present.forEach(
                block -> {
                    if (block.leases > 0 || pins.containsKey(block.key)) {
                        pinned.add(block);
                    }
                });
        return pinned.size();
    }

    void checkIntegrity() {
        evictables.checkIntegrity();
        checkSlots();
        Map<Block, Integer> children = new HashMap<>();
        present.forEach(block -> countChild(block, children));
        writing.forEach(block -> countChild(block, children));
        int leased = 0;
        int evictable = 0;
        for (Block block : blocks()) {
            leased += block.leases;
            evictable += evictables.contains(block) ? 1 : 0;
            check(block.leases >= 0, "negative leases on " + block.key);
            check(
                    block.children == children.getOrDefault(block, 0),
                    "wrong number of children of " + block.key);
            check(evictables.contains(block) == mayGo(block), "wrong evictability of " + block.key);
            check(!ghosts.contains(block.key), "present and a ghost: " + block.key);
        }
        check(leased == leases, "leases do not add up");
        check(evictable == evictables.size(), "an absent block is evictable");
        check(ghosts.size() <= (long) slotCount * GHOSTS_PER_SLOT, "too many ghosts");
        check(pins.values().stream().allMatch(count -> count > 0), "a pin without owner");
    }

    private List<Block> blocks() {
        var blocks = new ArrayList<Block>();
        present.forEach(blocks::add);
        check(blocks.stream().allMatch(block -> block.present), "absent and in the table");
        return blocks;
    }

    private void checkSlots() {
        BitSet seen = slots.freeSlots();
        int occupied = 0;
        for (List<Block> blocks : List.of(blocks(), writing)) {
            for (Block block : blocks) {
                check(block.slot >= 0 && block.slot < slotCount, "no slot: " + block.key);
                check(!seen.get(block.slot), "slot " + block.slot + " is in two places");
                seen.set(block.slot);
                occupied++;
            }
        }
        check(occupied + slots.free() == slotCount, "slots do not add up");
    }

    private void countChild(Block block, Map<Block, Integer> children) {
        Block parent = block.parent;
        if (parent != null) {
            check(
                    find(parent.key).orElse(null) == parent,
                    "the parent of " + block.key + " is gone");
            children.merge(parent, 1, Integer::sum);
        }
    }

    private static void check(boolean holds, String broken) {
        if (!holds) {
            throw new IllegalStateException(broken);
        }
    }

    private void endWriting(Block block) {
        int place = writing.lastIndexOf(block);
        writing.set(place, writing.getLast());
        writing.removeLast();
    }

    private void use(Block block) {
        clock++;
        if (block.frequency > 0) {
            model.ifPresent(its -> its.end(block.frequency, block.lastUse, clock, true));
        }
        block.lastUse = clock;
        block.frequency = Math.min(block.frequency + 1, FREQUENCY_MAX);
        model.ifPresent(its -> its.begin(block.frequency, clock));
    }

    private void forgotten(int frequency, long lastUse) {
        model.ifPresent(its -> its.end(frequency, lastUse, clock, false));
    }

    private void letGoOfParent(Block block) {
        Block parent = block.parent;
        if (parent != null) {
            parent.children--;
            refresh(parent);
        }
    }

    private void refresh(Block block) {
        if (mayGo(block)) {
            evictables.add(block);
        } else {
            evictables.remove(block);
        }
    }

    private boolean mayGo(Block block) {
        return block.leases == 0
                && block.children == 0
                && block.present
                && (pins.isEmpty() || !pins.containsKey(block.key));
    }
}
