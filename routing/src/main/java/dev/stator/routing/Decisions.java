package dev.stator.routing;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The last decisions that were carried out, so that they can be explained. */
final class Decisions {
    private final Explained[] ring;
    private final Map<Long, Integer> slots = new HashMap<>();
    private long added;

    Decisions(int capacity) {
        ring = new Explained[capacity];
    }

    void add(Decision decision) {
        int slot = (int) (added++ % ring.length);
        if (added > ring.length) {
            slots.remove(ring[slot].decision().request().id(), slot);
        }
        ring[slot] = new Explained(decision, Optional.empty());
        slots.put(decision.request().id(), slot);
    }

    /** Ignored if the decision is no longer kept. */
    void complete(long request, Actual actual) {
        var slot = slots.get(request);
        if (slot != null) {
            ring[slot] = new Explained(ring[slot].decision(), Optional.of(actual));
        }
    }

    Optional<Explained> find(long request) {
        return Optional.ofNullable(slots.get(request)).map(slot -> ring[slot]);
    }

    /** Latest first. */
    List<Explained> latest(int count) {
        int kept = (int) Math.min(Math.min(added, ring.length), count);
        var latest = new ArrayList<Explained>(kept);
        for (int i = 1; i <= kept; i++) {
            latest.add(ring[(int) ((added - i) % ring.length)]);
        }
        return latest;
    }
}
