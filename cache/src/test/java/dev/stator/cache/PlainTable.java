package dev.stator.cache;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What {@link BlockTable} does, said with an object a block and a search through all of them:
 * slower and larger, and short enough to be believed.
 */
final class PlainTable {
    static final class Plain {
        final BlockKey key;
        final Optional<Plain> parent;
        final long micros;
        final Tenant tenant;
        int children;
        int leases;
        int frequency;
        long lastUse;

        Plain(BlockKey key, Optional<Plain> parent, long micros, Tenant tenant) {
            this.key = key;
            this.parent = parent;
            this.micros = micros;
            this.tenant = tenant;
        }
    }

    private record Ghost(int frequency, long lastUse) {}

    private record Kind(int frequencyClass, int cost) {}

    final Map<BlockKey, Plain> present = new LinkedHashMap<>();
    private final Map<BlockKey, Integer> pins = new HashMap<>();
    private final Map<BlockKey, Ghost> ghosts = new LinkedHashMap<>();
    private final Map<Integer, Double> meanCosts = new HashMap<>();
    private final Map<Integer, Integer> costSamples = new HashMap<>();
    private final Optional<ReuseModel> model;
    private final int mostGhosts;
    private final int slots;

    /** Blocks of each tenant, those included that are being written. */
    final Map<Tenant, Integer> owned = new HashMap<>();

    private long clock;

    PlainTable(int slots, Eviction eviction) {
        model =
                eviction == Eviction.BY_REUSE
                        ? Optional.of(new ReuseModel(slots))
                        : Optional.empty();
        this.slots = slots;
        mostGhosts = model.isPresent() ? 4 * slots : 0;
    }

    Plain begin(BlockKey key, Optional<BlockKey> parent, long micros, Tenant tenant) {
        var above = parent.flatMap(before -> Optional.ofNullable(present.get(before)));
        above.ifPresent(block -> block.children++);
        owned.merge(tenant, 1, Integer::sum);
        return new Plain(key, above, micros, tenant);
    }

    void abandon(Plain block) {
        block.parent.ifPresent(above -> above.children--);
        owned.merge(block.tenant, -1, Integer::sum);
    }

    void publish(Plain block) {
        present.put(block.key, block);
        var ghost = Optional.ofNullable(ghosts.remove(block.key));
        block.frequency = ghost.map(Ghost::frequency).orElse(0);
        block.lastUse = ghost.map(Ghost::lastUse).orElse(0L);
        int samples = Math.min(1024, costSamples.getOrDefault(cost(block), 0) + 1);
        double mean = meanCosts.getOrDefault(cost(block), 0.0);
        costSamples.put(cost(block), samples);
        meanCosts.put(cost(block), mean + (block.micros - mean) / samples);
        use(block);
    }

    void use(Plain block) {
        clock++;
        if (block.frequency > 0) {
            model.ifPresent(its -> its.end(block.frequency, block.lastUse, clock, true));
        }
        block.frequency++;
        block.lastUse = clock;
        model.ifPresent(its -> its.begin(block.frequency, clock));
    }

    void pin(BlockKey key, int more) {
        pins.merge(key, more, Integer::sum);
    }

    Optional<BlockKey> evict() {
        var victim = least(_ -> true);
        victim.ifPresent(this::remove);
        return victim.map(block -> block.key);
    }

    /**
     * The blocks of which one may go for one of a tenant: of itself if it is above its quota; else
     * of one of those who are furthest above theirs and have any that may go; else of all.
     */
    List<BlockKey> choicesFor(Tenant tenant) {
        if (excess(tenant) > 0) {
            return keys(least(block -> block.tenant.equals(tenant)));
        }
        var may =
                owned.keySet().stream()
                        .filter(other -> excess(other) > 0)
                        .filter(other -> least(block -> block.tenant.equals(other)).isPresent())
                        .toList();
        int furthest = may.stream().mapToInt(this::excess).max().orElse(0);
        var choices =
                may.stream()
                        .filter(other -> excess(other) == furthest)
                        .flatMap(other -> keys(least(block -> block.tenant.equals(other))).stream())
                        .toList();
        return choices.isEmpty() ? keys(least(_ -> true)) : choices;
    }

    private static List<BlockKey> keys(Optional<Plain> block) {
        return block.map(its -> its.key).stream().toList();
    }

    void evict(BlockKey key) {
        remove(Optional.ofNullable(present.get(key)).orElseThrow());
    }

    int excess(Tenant tenant) {
        return owned.getOrDefault(tenant, 0) - tenant.quota(slots);
    }

    private Optional<Plain> least(Predicate<Plain> among) {
        var oldest = new HashMap<Kind, Plain>();
        for (var block : present.values()) {
            if (mayGo(block) && among.test(block)) {
                oldest.merge(
                        kind(block), block, (one, two) -> one.lastUse < two.lastUse ? one : two);
            }
        }
        return oldest.values().stream()
                .min(
                        Comparator.<Plain>comparingDouble(this::worth)
                                .thenComparingLong(block -> block.lastUse));
    }

    /** A block and all that follow it. */
    List<BlockKey> drop(BlockKey first) {
        var gone = new ArrayList<BlockKey>();
        boolean more = true;
        while (more) {
            more = false;
            for (var block : List.copyOf(present.values())) {
                if (follows(block, first) && block.leases == 0 && block.children == 0) {
                    remove(block);
                    gone.add(block.key);
                    more = true;
                }
            }
        }
        return gone;
    }

    private static boolean follows(Plain block, BlockKey first) {
        return block.key.equals(first)
                || block.parent.filter(above -> follows(above, first)).isPresent();
    }

    private void remove(Plain block) {
        present.remove(block.key);
        abandon(block);
        if (mostGhosts > 0) {
            if (ghosts.size() == mostGhosts) {
                var key = ghosts.keySet().iterator().next();
                var forgotten = Optional.ofNullable(ghosts.remove(key)).orElseThrow();
                model.ifPresent(
                        its -> its.end(forgotten.frequency, forgotten.lastUse, clock, false));
            }
            ghosts.put(block.key, new Ghost(block.frequency, block.lastUse));
        }
    }

    private boolean mayGo(Plain block) {
        return block.leases == 0 && block.children == 0 && pins.getOrDefault(block.key, 0) == 0;
    }

    private double worth(Plain block) {
        return model.map(
                        its ->
                                its.value(kind(block).frequencyClass, block.lastUse, clock)
                                        * meanCosts.getOrDefault(cost(block), 0.0))
                .orElse(0.0);
    }

    private Kind kind(Plain block) {
        return model.isPresent()
                ? new Kind(ReuseModel.classOf(block.frequency), cost(block))
                : new Kind(0, 0);
    }

    private static int cost(Plain block) {
        return Integer.SIZE - Integer.numberOfLeadingZeros((int) block.micros);
    }
}
