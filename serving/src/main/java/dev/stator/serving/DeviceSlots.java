package dev.stator.serving;

import dev.stator.engine.EngineContext;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Where the sequences of one worker lie in its engine's memory. A slot is free and empty, or taken
 * by a sequence that is computed, or kept by a {@linkplain Residents resident}.
 *
 * <p>Owned by the worker's thread, but for {@link #residentCells}.
 */
final class DeviceSlots {
    private final EngineContext context;
    private final Residents residents;
    private final int blockTokens;
    private final Deque<Integer> free = new ArrayDeque<>();
    private volatile int residentCells;

    DeviceSlots(EngineContext context, Residents residents, int blockTokens) {
        this.context = context;
        this.residents = residents;
        this.blockTokens = blockTokens;
        freeAll();
    }

    private void freeAll() {
        free.clear();
        for (int slot = 0; slot < context.options().sequences(); slot++) {
            free.add(slot);
        }
    }

    /** Cells that ended sequences keep. Any thread. */
    int residentCells() {
        return residentCells;
    }

    /** Whether there is a free slot, or one that a resident gives up for it now. */
    boolean available() {
        if (free.isEmpty()) {
            evictOne();
        }
        return !free.isEmpty();
    }

    /** A free slot, of which there must be one. */
    int take() {
        return free.remove();
    }

    /** Empties a slot that was taken. */
    void release(int slot) {
        context.truncate(slot, 0);
        free.add(slot);
    }

    /**
     * Begins a sequence with what a resident holds of its prompt.
     *
     * @return tokens that are in the sequence's slot now
     */
    int copyInto(Sequence sequence) {
        var best = residents.best(sequence.request);
        if (best.isEmpty()) {
            return 0;
        }
        var resident = best.get();
        int shared = resident.shared(sequence.request);
        context.copy(resident.slot(), sequence.slot, shared);
        if (resident.tokens().length - shared <= blockTokens) {
            // The conversation goes on: its last turn need not stay beside it.
            residents.remove(resident);
            clear(resident);
        }
        return shared;
    }

    /** A sequence has ended; its KV stays as long as there is room for it. */
    void keep(Sequence sequence) {
        if (sequence.ready == 0 || !residents.fits(sequence.ready)) {
            release(sequence.slot);
            return;
        }
        residents.add(
                new Residents.Resident(
                        sequence.slot,
                        sequence.request.root(),
                        Arrays.copyOf(sequence.request.tokens(), sequence.ready),
                        sequence.fullKeys(blockTokens)));
        while (residents.overfull()) {
            residents.evict().ifPresent(this::clear);
        }
        residentCells = residents.cells();
    }

    /**
     * Frees the slot of the resident that was not used for longest.
     *
     * @return whether there was one
     */
    boolean evictOne() {
        var oldest = residents.evict();
        oldest.ifPresent(this::clear);
        return oldest.isPresent();
    }

    void evictAll() {
        residents.evictAll().forEach(this::clear);
    }

    /** The engine's memory is gone and another, empty one will take its place. */
    void lost() {
        residents.lost();
        residentCells = 0;
        freeAll();
    }

    private void clear(Residents.Resident resident) {
        release(resident.slot());
        residentCells = residents.cells();
    }
}
