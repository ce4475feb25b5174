package dev.stator.bench;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Published policies over chains of blocks. None evicts a block that another one follows, as such a
 * hole would cost it all that follows; each takes the next that it may.
 */
abstract class ReferenceCache implements CacheReplay.Subject {
    private static final int NONE = -1;

    private final int slots;
    private final int[] parent;
    private final int[] children;
    private final boolean[] present;
    private final boolean[] kept;
    private final List<Integer> used = new ArrayList<>();
    private int size;

    ReferenceCache(int slots, int blocks) {
        this.slots = slots;
        parent = new int[blocks];
        children = new int[blocks];
        present = new boolean[blocks];
        kept = new boolean[blocks];
    }

    /** A block that is present is read. */
    abstract void hit(int block);

    /** A block is stored. */
    abstract void added(int block);

    /** The block that goes, forgotten by the policy; {@code NONE} if none may. */
    abstract int victim();

    /** A block may go from now on, or may not. */
    void changed(int block) {}

    void requestEnded() {}

    final boolean mayGo(int block) {
        return present[block] && children[block] == 0 && !kept[block];
    }

    final int slots() {
        return slots;
    }

    @Override
    public final boolean read(int block) {
        if (!present[block]) {
            return false;
        }
        keep(block);
        hit(block);
        return true;
    }

    @Override
    public final boolean store(int block, int above) {
        if (size == slots) {
            int gone = victim();
            if (gone == NONE) {
                return false;
            }
            present[gone] = false;
            size--;
            if (parent[gone] >= 0) {
                children[parent[gone]]--;
                changed(parent[gone]);
            }
        }
        parent[block] = above;
        if (above >= 0) {
            children[above]++;
            changed(above);
        }
        present[block] = true;
        size++;
        keep(block);
        added(block);
        return true;
    }

    private void keep(int block) {
        kept[block] = true;
        used.add(block);
        changed(block);
    }

    @Override
    public final void end() {
        for (int block : used) {
            kept[block] = false;
        }
        used.forEach(this::changed);
        used.clear();
        requestEnded();
    }

    /** The lowest rank goes first. */
    private abstract static class Ranked extends ReferenceCache {
        private final double[] rank;
        private final long[] lastUse;
        private final TreeSet<Integer> leaves = new TreeSet<>(this::compare);
        private long clock;

        Ranked(int slots, int blocks) {
            super(slots, blocks);
            rank = new double[blocks];
            lastUse = new long[blocks];
        }

        private int compare(int one, int other) {
            int byRank = Double.compare(rank[one], rank[other]);
            int byUse = byRank != 0 ? byRank : Long.compare(lastUse[one], lastUse[other]);
            return byUse != 0 ? byUse : Integer.compare(one, other);
        }

        abstract double rank(int block);

        void leaves(int block, double itsRank) {}

        @Override
        void hit(int block) {
            added(block);
        }

        @Override
        void added(int block) {
            leaves.remove(block);
            lastUse[block] = ++clock;
            rank[block] = rank(block);
        }

        @Override
        void changed(int block) {
            if (mayGo(block)) {
                leaves.add(block);
            } else {
                leaves.remove(block);
            }
        }

        @Override
        int victim() {
            var first = leaves.pollFirst();
            if (first == null) {
                return NONE;
            }
            leaves(first, rank[first]);
            return first;
        }
    }

    /** LFU with dynamic ageing (Arlitt et al. 2000), and frequencies that outlive eviction. */
    static final class LfuDa extends Ranked {
        private static final int GHOSTS_PER_SLOT = 4;

        private final int[] frequency;
        private final LinkedHashSet<Integer> ghosts = new LinkedHashSet<>();
        private double age;

        LfuDa(int slots, int blocks) {
            super(slots, blocks);
            frequency = new int[blocks];
        }

        @Override
        double rank(int block) {
            ghosts.remove(block);
            return age + ++frequency[block];
        }

        @Override
        void leaves(int block, double itsRank) {
            age = Math.max(age, itsRank);
            ghosts.add(block);
            if (ghosts.size() > (long) GHOSTS_PER_SLOT * slots()) {
                frequency[ghosts.removeFirst()] = 0;
            }
        }
    }

    /** Knows the future: the block whose next use is farthest goes (Belady 1966). */
    static final class Belady extends Ranked {
        private final Map<Integer, Deque<Integer>> uses = new HashMap<>();
        private int now;

        Belady(int slots, CacheReplay replay) {
            super(slots, replay.blocks());
            for (int i = 0; i < replay.chains().size(); i++) {
                var chain = replay.chains().get(i);
                for (int at = 0; at < chain.wanted(); at++) {
                    uses.computeIfAbsent(chain.ids()[at], _ -> new ArrayDeque<>()).add(i);
                }
            }
        }

        @Override
        double rank(int block) {
            var its = uses.getOrDefault(block, new ArrayDeque<>());
            while (!its.isEmpty() && its.peek() <= now) {
                its.poll();
            }
            return its.isEmpty() ? Double.NEGATIVE_INFINITY : -its.peek();
        }

        @Override
        void requestEnded() {
            now++;
        }
    }

    /** SIEVE (Zhang et al., NSDI '24). */
    static final class Sieve extends ReferenceCache {
        private final boolean[] visited;
        private final int[] older;
        private final int[] newer;
        private int newest = NONE;
        private int oldest = NONE;
        private int hand = NONE;
        private int length;

        Sieve(int slots, int blocks) {
            super(slots, blocks);
            visited = new boolean[blocks];
            older = new int[blocks];
            newer = new int[blocks];
        }

        @Override
        void hit(int block) {
            visited[block] = true;
        }

        @Override
        void added(int block) {
            visited[block] = false;
            older[block] = newest;
            newer[block] = NONE;
            if (newest == NONE) {
                oldest = block;
            } else {
                newer[newest] = block;
            }
            newest = block;
            length++;
        }

        @Override
        int victim() {
            for (long steps = 2L * length; steps > 0; steps--) {
                int block = hand == NONE ? oldest : hand;
                hand = newer[block];
                if (mayGo(block)) {
                    if (!visited[block]) {
                        unlink(block);
                        return block;
                    }
                    visited[block] = false;
                }
            }
            return NONE;
        }

        private void unlink(int block) {
            if (older[block] == NONE) {
                oldest = newer[block];
            } else {
                newer[older[block]] = newer[block];
            }
            if (newer[block] == NONE) {
                newest = older[block];
            } else {
                older[newer[block]] = older[block];
            }
            length--;
        }
    }

    /** S3-FIFO (Yang et al., SOSP '23): a tenth for what is new, the rest, and ghosts. */
    static final class S3Fifo extends ReferenceCache {
        private static final int MOST_USES = 3;

        private final byte[] uses;
        private final boolean[] main;
        private final Deque<Integer> small = new ArrayDeque<>();
        private final Deque<Integer> large = new ArrayDeque<>();
        private final LinkedHashSet<Integer> ghosts = new LinkedHashSet<>();

        S3Fifo(int slots, int blocks) {
            super(slots, blocks);
            uses = new byte[blocks];
            main = new boolean[blocks];
        }

        @Override
        void hit(int block) {
            uses[block] = (byte) Math.min(MOST_USES, uses[block] + 1);
        }

        @Override
        void added(int block) {
            uses[block] = 0;
            main[block] = ghosts.remove(block);
            (main[block] ? large : small).add(block);
        }

        @Override
        int victim() {
            int first = small.size() * 10L >= slots() ? fromSmall() : fromLarge();
            return first == NONE ? fromSmallOrLarge() : first;
        }

        private int fromSmallOrLarge() {
            int block = fromSmall();
            return block == NONE ? fromLarge() : block;
        }

        private int fromSmall() {
            for (int left = small.size(); left > 0; left--) {
                int block = small.remove();
                if (uses[block] > 1) {
                    uses[block] = 0;
                    large.add(block);
                } else if (mayGo(block)) {
                    ghosts.add(block);
                    if (ghosts.size() > slots() * 9L / 10) {
                        ghosts.removeFirst();
                    }
                    return block;
                } else {
                    small.add(block);
                }
            }
            return NONE;
        }

        private int fromLarge() {
            for (long left = (MOST_USES + 2L) * large.size(); left > 0; left--) {
                int block = large.remove();
                if (mayGo(block) && uses[block] == 0) {
                    return block;
                }
                uses[block] = (byte) Math.max(0, uses[block] - (mayGo(block) ? 1 : 0));
                large.add(block);
            }
            return NONE;
        }
    }
}
