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
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

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

    private final int slotCount;
    private final Optional<ReuseModel> model;
    private final SlotPool slots;
    private final BlockMetadata blocks = new BlockMetadata();
    private final KeyTable present;
    private final Roots roots;

    /** Slots of blocks that are being written. */
    private final BitSet writing = new BitSet();

    private final Map<BlockKey, Integer> pins = new HashMap<>();
    private final Accounts accounts;
    private final EvictionOrder evictables;
    private final Ghosts ghosts;
    private int leases;
    private long clock;
    private long evictions;
    private long evictionsByQuota;
    private long dropped;

    BlockTable(int slotCount, Eviction eviction) {
        this.slotCount = slotCount;
        slots = new SlotPool(slotCount);
        present = new KeyTable(blocks, slotCount);
        roots = new Roots(slotCount);
        model =
                eviction == Eviction.BY_REUSE
                        ? Optional.of(new ReuseModel(slotCount))
                        : Optional.empty();
        accounts = new Accounts(slotCount);
        evictables = new EvictionOrder(blocks, accounts, model);
        long remembered = model.isPresent() ? (long) slotCount * GHOSTS_PER_SLOT : 0;
        ghosts = new Ghosts((int) Math.min(KeyTable.MOST, remembered));
    }

    /** The slot of a present block, or {@link SlotPool#NONE}. */
    int find(BlockKey key) {
        return present.find(key);
    }

    boolean contains(BlockKey key) {
        return present.contains(key);
    }

    int size() {
        return present.size();
    }

    Set<BlockKey> keys() {
        Set<BlockKey> keys = new HashSet<>();
        present.forEach(slot -> keys.add(blocks.key(slot)));
        return keys;
    }

    SlotPool slots() {
        return slots;
    }

    /** The key of the block in a slot; there until another begins to be written there. */
    BlockKey key(int slot) {
        return blocks.key(slot);
    }

    int recomputeMicros(int slot) {
        return blocks.recomputeMicros(slot);
    }

    int leases(int slot) {
        return blocks.leases(slot);
    }

    /** The key that stands before the first block of a block's sequence. */
    BlockKey root(int slot) {
        int before = slot;
        while (before >= 0) {
            before = blocks.parent(before);
        }
        return roots.key(~before);
    }

    /** The keys of a block and of all before it, the first of its sequence first. */
    List<BlockKey> chain(int slot) {
        List<BlockKey> keys = new ArrayList<>();
        for (int at = slot; at >= 0; at = blocks.parent(at)) {
            keys.add(blocks.key(at));
        }
        return keys.reversed();
    }

    void lease(int slot) {
        hold(slot);
        use(slot);
    }

    /** A lease that is not a use. */
    void hold(int slot) {
        evictables.remove(slot);
        blocks.addLeases(slot, 1);
        leases++;
    }

    void unlease(int slot) {
        blocks.addLeases(slot, -1);
        leases--;
        refresh(slot);
    }

    /** Keeps a block because one after it is going to be written. */
    void holdParent(int parent) {
        blocks.addChildren(parent, 1);
        refresh(parent);
    }

    /** That one is not written after all, or has gone. */
    void letGoOfParent(int parent) {
        blocks.addChildren(parent, -1);
        refresh(parent);
    }

    /**
     * One more block is going to be a tenant's: from now on until it has gone, or is {@linkplain
     * #discharge not written} after all.
     *
     * @return the number of the tenant's account
     */
    int charge(Tenant tenant) {
        return accounts.charge(tenant);
    }

    void discharge(int account) {
        accounts.discharge(account);
    }

    /** Whose block is in a slot. */
    int account(int slot) {
        return blocks.account(slot);
    }

    boolean isAboveQuota(int account) {
        return accounts.get(account).excess() > 0;
    }

    List<TenantUse> tenants() {
        return accounts.uses();
    }

    int tenantCount() {
        return accounts.size();
    }

    /**
     * Begins to write a block into a slot that was taken, after a parent that is held.
     *
     * @param account that was charged with it
     */
    void begin(int slot, BlockKey key, int parent, long recomputeMicros, int account) {
        blocks.begin(slot, key, parent, recomputeMicros, account);
        writing.set(slot);
    }

    /** Begins to write the first block of a sequence. */
    void beginFirst(int slot, BlockKey key, BlockKey root, long recomputeMicros, int account) {
        begin(slot, key, ~roots.hold(root), recomputeMicros, account);
    }

    /** Goes on writing in another slot that was taken, and gives the first one back. */
    void move(int from, int to) {
        begin(
                to,
                blocks.key(from),
                blocks.parent(from),
                blocks.recomputeMicros(from),
                blocks.account(from));
        writing.clear(from);
        slots.giveBack(from);
    }

    /** Ends writing without a result and takes the slot back. */
    void abandon(int slot) {
        writing.clear(slot);
        slots.giveBack(slot);
        accounts.discharge(blocks.account(slot));
        letGoOfBefore(slot);
    }

    /** Ends writing: the block is present from now on. It must not be already. */
    void publish(int slot) {
        writing.clear(slot);
        present.add(slot);
        ghosts.recall(blocks.key(slot))
                .ifPresent(ghost -> blocks.setUses(slot, ghost.frequency(), ghost.lastUse()));
        evictables.meet(slot);
        use(slot);
        refresh(slot);
    }

    /**
     * Evicts the least valuable block that may go.
     *
     * @return its key; empty if none may
     */
    Optional<BlockKey> evict() {
        return evicted(evictables.poll(clock), false);
    }

    /**
     * Evicts the least valuable block that may go for one of an account: one of its own if it is
     * above its quota; else one of whoever is furthest above his; else any.
     *
     * @return its key; empty if none may
     */
    Optional<BlockKey> evictFor(int account) {
        if (isAboveQuota(account)) {
            return evicted(evictables.poll(accounts.get(account), clock), true);
        }
        for (Account other : accounts.aboveQuota()) {
            int victim = evictables.poll(other, clock);
            if (victim != SlotPool.NONE) {
                return evicted(victim, true);
            }
        }
        return evict();
    }

    private Optional<BlockKey> evicted(int victim, boolean byQuota) {
        if (victim == SlotPool.NONE) {
            return Optional.empty();
        }
        remove(victim);
        evictions++;
        evictionsByQuota += byQuota ? 1 : 0;
        return Optional.of(blocks.key(victim));
    }

    /**
     * Removes a block and all that follow it, pinned or not; those that somebody reads, or writes a
     * block after, stay with all before them.
     *
     * @return what has gone
     */
    List<BlockKey> drop(int first) {
        return drop(tree(), first);
    }

    private List<BlockKey> drop(BlockTree tree, int first) {
        List<BlockKey> gone = new ArrayList<>();
        for (int slot : tree.lastFirst(first)) {
            if (blocks.present(slot) && blocks.leases(slot) == 0 && blocks.children(slot) == 0) {
                evictables.remove(slot);
                remove(slot);
                gone.add(blocks.key(slot));
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
        List<Integer> there =
                firsts.stream().map(this::find).filter(slot -> slot != SlotPool.NONE).toList();
        if (there.isEmpty()) {
            return 0;
        }
        BlockTree tree = tree();
        Set<Integer> left = new HashSet<>();
        for (int first : there) {
            gone.addAll(drop(tree, first));
            left.addAll(tree.lastFirst(first));
        }
        left.removeIf(slot -> !blocks.present(slot));
        return left.size();
    }

    private BlockTree tree() {
        return new BlockTree(blocks, present);
    }

    private void remove(int slot) {
        present.remove(slot);
        ghosts.remember(
                blocks.key(slot), blocks.frequency(slot), blocks.lastUse(slot), this::forgotten);
        blocks.setAbsent(slot);
        slots.giveBack(slot);
        accounts.discharge(blocks.account(slot));
        letGoOfBefore(slot);
    }

    /**
     * @param tokens of the block in a slot
     */
    List<CachedPrefix> prefixes(IntUnaryOperator tokens) {
        return tree().prefixes(clock, tokens, slot -> pins.containsKey(blocks.key(slot)));
    }

    long dropped() {
        return dropped;
    }

    void pin(List<BlockKey> keys) {
        for (BlockKey key : keys) {
            pins.merge(key, 1, Integer::sum);
            refreshIfPresent(key);
        }
    }

    void unpin(List<BlockKey> keys) {
        for (BlockKey key : keys) {
            pins.computeIfPresent(key, (_, count) -> count == 1 ? null : count - 1);
            refreshIfPresent(key);
        }
    }

    /** Makes every block absent; leases and writes that are open may still end. */
    void clear() {
        present.forEach(
                slot -> {
                    evictables.remove(slot);
                    blocks.setAbsent(slot);
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
        return writing.cardinality();
    }

    int ghosts() {
        return ghosts.size();
    }

    int pinnedKeys() {
        return pins.size();
    }

    /** All of them. */
    long evictions() {
        return evictions;
    }

    /** Those of blocks whose tenant was above its quota, because it was. */
    long evictionsByQuota() {
        return evictionsByQuota;
    }

    /** Present blocks with a lease or a pin; takes time in their number. */
    int pinned() {
        return (int)
                presentSlots().filter(slot -> blocks.leases(slot) > 0 || isPinned(slot)).count();
    }

    void checkIntegrity() {
        evictables.checkIntegrity();
        checkSlots();
        Map<Integer, Integer> owned = new HashMap<>();
        IntStream.concat(presentSlots(), writing.stream())
                .forEach(slot -> owned.merge(blocks.account(slot), 1, Integer::sum));
        accounts.checkIntegrity(owned);
        Map<Integer, Integer> children = new HashMap<>();
        Set<BlockKey> before = new HashSet<>();
        IntStream.concat(presentSlots(), writing.stream())
                .forEach(slot -> countChild(slot, children, before));
        int leased = 0;
        int evictable = 0;
        for (int slot : presentSlots().toArray()) {
            BlockKey key = blocks.key(slot);
            leased += blocks.leases(slot);
            evictable += evictables.contains(slot) ? 1 : 0;
            check(find(key) == slot, "lost: " + key);
            check(blocks.present(slot), "absent and in the table: " + key);
            check(
                    blocks.children(slot) == children.getOrDefault(slot, 0),
                    "wrong number of children of " + key);
            check(evictables.contains(slot) == mayGo(slot), "wrong evictability of " + key);
            check(!ghosts.contains(key), "present and a ghost: " + key);
        }
        check(leased == leases, "leases do not add up");
        check(evictable == evictables.size(), "an absent block is evictable");
        check(before.size() == roots.size(), "a root without a block");
        check(ghosts.size() <= (long) slotCount * GHOSTS_PER_SLOT, "too many ghosts");
        check(pins.values().stream().allMatch(count -> count > 0), "a pin without owner");
    }

    private IntStream presentSlots() {
        IntStream.Builder all = IntStream.builder();
        present.forEach(all);
        return all.build();
    }

    private void checkSlots() {
        BitSet seen = slots.freeSlots();
        for (int slot : IntStream.concat(presentSlots(), writing.stream()).toArray()) {
            check(slot < slotCount, "no slot: " + blocks.key(slot));
            check(!seen.get(slot), "slot " + slot + " is in two places");
            seen.set(slot);
        }
        check(seen.cardinality() == slotCount, "slots do not add up");
    }

    private void countChild(int slot, Map<Integer, Integer> children, Set<BlockKey> before) {
        int parent = blocks.parent(slot);
        if (parent < 0) {
            before.add(roots.key(~parent));
        } else {
            check(
                    find(blocks.key(parent)) == parent,
                    "the parent of " + blocks.key(slot) + " is gone");
            children.merge(parent, 1, Integer::sum);
        }
    }

    private static void check(boolean holds, String broken) {
        if (!holds) {
            throw new IllegalStateException(broken);
        }
    }

    private void use(int slot) {
        clock++;
        int before = blocks.frequency(slot);
        if (before > 0) {
            model.ifPresent(its -> its.end(before, blocks.lastUse(slot), clock, true));
        }
        int now = Math.min(before + 1, BlockMetadata.FREQUENCY_MAX);
        blocks.setUses(slot, now, clock);
        model.ifPresent(its -> its.begin(now, clock));
    }

    private void forgotten(int frequency, long lastUse) {
        model.ifPresent(its -> its.end(frequency, lastUse, clock, false));
    }

    private void letGoOfBefore(int slot) {
        int parent = blocks.parent(slot);
        if (parent < 0) {
            roots.letGo(~parent);
        } else {
            letGoOfParent(parent);
        }
    }

    private void refreshIfPresent(BlockKey key) {
        int slot = find(key);
        if (slot != SlotPool.NONE) {
            refresh(slot);
        }
    }

    private void refresh(int slot) {
        if (mayGo(slot)) {
            evictables.add(slot);
        } else {
            evictables.remove(slot);
        }
    }

    private boolean mayGo(int slot) {
        return blocks.leases(slot) == 0
                && blocks.children(slot) == 0
                && blocks.present(slot)
                && !isPinned(slot);
    }

    private boolean isPinned(int slot) {
        return !pins.isEmpty() && pins.containsKey(blocks.key(slot));
    }
}
