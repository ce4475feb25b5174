package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.EvictionPolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which block lies where, and which segment goes when there is need of room. A prefix has no hole:
 * with a block go all that follow it. Guarded by the tier's lock; knows nothing of files.
 */
final class DiskIndex {
    private static final int FREQUENCY_MAX = 1 << 16;

    private final EvictionPolicy policy;
    private final Map<BlockKey, DiskEntry> entries = new HashMap<>();
    private double age;
    private long clock;
    private long bytes;

    DiskIndex(EvictionPolicy policy) {
        this.policy = policy;
    }

    Optional<DiskEntry> find(BlockKey key) {
        return Optional.ofNullable(entries.get(key));
    }

    int size() {
        return entries.size();
    }

    /** Of the records of all blocks. */
    long bytes() {
        return bytes;
    }

    /**
     * @return false if the block is here already, or its parent is not
     */
    boolean add(DiskEntry entry) {
        DiskBlock block = entry.block;
        DiskEntry parent = block.position() == 0 ? null : entries.get(block.parent());
        if (entries.containsKey(block.key()) || (block.position() > 0 && parent == null)) {
            entry.gone = true;
            return false;
        }
        entries.put(block.key(), entry);
        link(entry, parent);
        entry.segment.entries.add(entry);
        bytes += block.recordBytes();
        use(entry);
        return true;
    }

    private static void link(DiskEntry entry, @Nullable DiskEntry parent) {
        entry.parent = parent;
        if (parent != null) {
            entry.nextSibling = parent.firstChild;
            if (parent.firstChild != null) {
                parent.firstChild.previousSibling = entry;
            }
            parent.firstChild = entry;
        }
    }

    private static void unlink(DiskEntry entry) {
        DiskEntry parent = entry.parent;
        DiskEntry next = entry.nextSibling;
        DiskEntry previous = entry.previousSibling;
        if (next != null) {
            next.previousSibling = previous;
        }
        if (previous != null) {
            previous.nextSibling = next;
        } else if (parent != null && parent.firstChild == entry) {
            parent.firstChild = next;
        }
        entry.parent = null;
        entry.nextSibling = null;
        entry.previousSibling = null;
    }

    void use(DiskEntry entry) {
        clock++;
        entry.frequency = Math.min(entry.frequency + 1, FREQUENCY_MAX);
        entry.priority =
                policy.priority(
                        new EvictionPolicy.Use(
                                age,
                                clock,
                                entry.frequency,
                                entry.block.recomputeMicros(),
                                entry.block.recordBytes()));
    }

    /** The block has been written elsewhere, too; from now on it lies there. */
    void move(DiskEntry entry, Segment to, long offset) {
        entry.segment.entries.remove(entry);
        entry.segment = to;
        entry.offset = offset;
        to.entries.add(entry);
    }

    /** Removes a block and all that follow it; returns them. */
    List<DiskEntry> remove(DiskEntry entry) {
        List<DiskEntry> removed = new ArrayList<>();
        if (entry.gone) {
            return removed;
        }
        unlink(entry);
        Deque<DiskEntry> open = new ArrayDeque<>();
        open.push(entry);
        while (!open.isEmpty()) {
            DiskEntry next = open.pop();
            for (DiskEntry child = next.firstChild; child != null; child = child.nextSibling) {
                open.push(child);
            }
            next.firstChild = null;
            next.gone = true;
            entries.remove(next.block.key());
            bytes -= next.block.recordBytes();
            removed.add(next);
        }
        return removed;
    }

    void clear() {
        entries.values().forEach(entry -> entry.gone = true);
        entries.clear();
        bytes = 0;
    }

    /**
     * The segment with the least worth per byte; the older of two equals; empty if there is none.
     */
    static Optional<Segment> victim(Collection<Segment> sealed) {
        return sealed.stream()
                .min(
                        Comparator.comparingDouble(DiskIndex::worth)
                                .thenComparingLong(segment -> segment.number));
    }

    private static double worth(Segment segment) {
        double worth = 0;
        for (DiskEntry entry : segment.entries) {
            if (!entry.gone) {
                worth += entry.priority * entry.block.recordBytes();
            }
        }
        return worth / Math.max(1, segment.bytes);
    }

    /**
     * The blocks of a segment that are worth being written again: worth more than the mean block
     * and used since they were written, best first as long as they fit. Each one's parent lies
     * elsewhere, or comes before it.
     */
    List<DiskEntry> keepers(Segment victim, long mostBytes) {
        double mean = mean();
        List<DiskEntry> best =
                victim.entries.stream()
                        .filter(entry -> !entry.gone && entry.frequency > 1)
                        .filter(entry -> entry.priority > mean)
                        .sorted(
                                Comparator.comparingDouble((DiskEntry entry) -> entry.priority)
                                        .reversed())
                        .toList();
        Set<DiskEntry> fitting = new HashSet<>();
        long left = mostBytes;
        for (DiskEntry entry : best) {
            left -= entry.block.recordBytes();
            if (left < 0) {
                break;
            }
            fitting.add(entry);
        }
        List<DiskEntry> kept = new ArrayList<>();
        for (DiskEntry entry : victim.entries) {
            DiskEntry parent = entry.parent;
            if (fitting.contains(entry)
                    && (parent == null || parent.segment != victim || fitting.contains(parent))) {
                kept.add(entry);
            } else {
                // What follows it would be removed with it.
                fitting.remove(entry);
            }
        }
        return kept;
    }

    private double mean() {
        double sum = 0;
        for (DiskEntry entry : entries.values()) {
            sum += entry.priority;
        }
        return entries.isEmpty() ? 0 : sum / entries.size();
    }

    /** Lets what stays age against what comes. */
    void evicted(Segment victim) {
        double highest = age;
        for (DiskEntry entry : victim.entries) {
            if (!entry.gone) {
                highest = Math.max(highest, entry.priority);
            }
        }
        age = Math.max(age, Math.min(highest, worth(victim)));
    }

    void checkIntegrity(Collection<Segment> segments) {
        Set<DiskEntry> live = new HashSet<>();
        long sum = 0;
        for (Segment segment : segments) {
            for (DiskEntry entry : segment.entries) {
                if (entry.gone) {
                    continue;
                }
                check(entry.segment == segment, "in two segments", entry);
                check(live.add(entry), "twice in its segment", entry);
                check(entries.get(entry.block.key()) == entry, "not in the index", entry);
                check(
                        entry.offset + entry.block.recordBytes() <= segment.bytes,
                        "beyond the end of its segment",
                        entry);
                DiskEntry parent = entry.parent;
                check(entry.block.position() == 0 || parent != null, "without its parent", entry);
                check(
                        parent == null || entries.get(parent.block.key()) == parent,
                        "after a hole",
                        entry);
                sum += entry.block.recordBytes();
            }
        }
        if (live.size() != entries.size() || sum != bytes) {
            throw new IllegalStateException("the blocks of the segments do not add up");
        }
    }

    private static void check(boolean holds, String broken, DiskEntry entry) {
        if (!holds) {
            throw new IllegalStateException("block %s is %s".formatted(entry.block.key(), broken));
        }
    }
}
