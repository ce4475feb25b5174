package dev.stator.serving;

import dev.stator.cache.BlockKey;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The device tier of one worker: sequences whose request has ended and whose KV stays in the
 * engine's memory until the room is needed.
 *
 * <p>Owned by the worker's thread.
 */
final class Residents {
    /**
     * The KV of {@code tokens} lies in {@code slot}.
     *
     * @param keys of their full blocks
     */
    record Resident(int slot, BlockKey root, int[] tokens, List<BlockKey> keys) {
        /** How many leading tokens it shares with a prompt; none if another tenant's. */
        int shared(Request request) {
            if (!root.equals(request.root())) {
                return 0;
            }
            int end = Math.min(request.reusable(), tokens.length);
            int mismatch = Arrays.mismatch(tokens, 0, end, request.tokens(), 0, end);
            return mismatch < 0 ? end : mismatch;
        }
    }

    private final int maxCells;

    /** Most recently used first. */
    private final Deque<Resident> residents = new ArrayDeque<>();

    private final TierFeed feed;

    /**
     * @param feed hears which blocks are here
     */
    Residents(int maxCells, TierFeed feed) {
        this.maxCells = maxCells;
        this.feed = feed;
    }

    /** The resident that shares most with a prompt; it counts as used. */
    Optional<Resident> best(Request request) {
        Optional<Resident> best = Optional.empty();
        int most = 0;
        for (var resident : residents) {
            int shared = resident.shared(request);
            if (shared > most) {
                most = shared;
                best = Optional.of(resident);
            }
        }
        best.ifPresent(
                used -> {
                    residents.remove(used);
                    residents.addFirst(used);
                });
        return best;
    }

    boolean fits(int tokens) {
        return tokens <= maxCells;
    }

    /** Keeps a sequence; the caller then evicts while {@link #overfull()}. */
    void add(Resident resident) {
        residents.addFirst(resident);
        feed.stored(resident.keys);
    }

    boolean overfull() {
        return cells() > maxCells;
    }

    void remove(Resident resident) {
        residents.remove(resident);
        feed.removed(resident.keys);
    }

    /** Takes out the one that was not used for longest; its slot is the caller's to clear. */
    Optional<Resident> evict() {
        var oldest = Optional.ofNullable(residents.peekLast());
        oldest.ifPresent(this::remove);
        return oldest;
    }

    /** Takes out all; their slots are the caller's to clear. */
    List<Resident> evictAll() {
        var all = List.copyOf(residents);
        all.forEach(this::remove);
        return all;
    }

    /** All are gone with the device, which the router has been told. */
    void lost() {
        residents.clear();
        feed.beginAnew();
    }

    int cells() {
        return residents.stream().mapToInt(resident -> resident.tokens.length).sum();
    }
}
