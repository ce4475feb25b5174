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
 * <p>Owned by the worker's thread; {@link #match} may be called from any.
 */
final class Residents {
    /** The KV of {@code tokens} lies in {@code slot}. */
    record Resident(int slot, BlockKey root, int[] tokens) {
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

    private volatile List<Resident> snapshot = List.of();

    Residents(int maxCells) {
        this.maxCells = maxCells;
    }

    /** How many leading tokens of a prompt some resident holds. */
    int match(Request request) {
        return snapshot.stream().mapToInt(resident -> resident.shared(request)).max().orElse(0);
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
        publish();
    }

    boolean overfull() {
        return cells() > maxCells;
    }

    void remove(Resident resident) {
        residents.remove(resident);
        publish();
    }

    /** Takes out the one that was not used for longest; its slot is the caller's to clear. */
    Optional<Resident> evict() {
        var oldest = Optional.ofNullable(residents.pollLast());
        publish();
        return oldest;
    }

    /** Takes out all; their slots are the caller's to clear. */
    List<Resident> evictAll() {
        var all = snapshot;
        residents.clear();
        publish();
        return all;
    }

    int cells() {
        return snapshot.stream().mapToInt(resident -> resident.tokens.length).sum();
    }

    private void publish() {
        snapshot = List.copyOf(residents);
    }
}
