package dev.stator.routing.index;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;

/** What is known of one place: how far its batches were followed, and which tenure counts. */
final class Feed {
    /**
     * Batches kept after a gap, to go on from the answer of a place that is older than they are.
     */
    private static final int MAX_LATER = 256;

    private static final int MAX_LATER_KEYS = 1 << 16;

    private final Place place;
    private final int number;
    private Tenure tenure;
    private long last;
    private boolean inStep = true;
    private final ArrayDeque<BlockEvents> later = new ArrayDeque<>();
    private int laterKeys;

    Feed(Place place, int number, Tenure tenure) {
        this.place = place;
        this.number = number;
        this.tenure = tenure;
    }

    Place place() {
        return place;
    }

    int number() {
        return number;
    }

    Tenure tenure() {
        return tenure;
    }

    void begin(Tenure next) {
        tenure = next;
    }

    long last() {
        return last;
    }

    boolean inStep() {
        return inStep;
    }

    SnapshotWriter.Standing standing() {
        return new SnapshotWriter.Standing(place, tenure, last, inStep);
    }

    boolean isOld(long sequence) {
        return sequence <= last;
    }

    boolean isNext(long sequence) {
        return sequence == last + 1;
    }

    /** Follows a batch that is not old. */
    void follow(BlockEvents events) {
        if (events.change() == BlockEvents.Change.CLEARED) {
            // Whatever was missed before does not matter any more.
            goOn(events.sequence(), true);
            return;
        }
        if (!isNext(events.sequence())) {
            inStep = false;
        }
        last = events.sequence();
        if (!inStep) {
            keep(events);
        }
    }

    /** Goes on after a number, and forgets which batches came after a gap. */
    void goOn(long sequence, boolean nowInStep) {
        last = sequence;
        inStep = nowInStep;
        later.clear();
        laterKeys = 0;
    }

    /** The batches since the gap that are later than a number. */
    List<BlockEvents> later(long sequence) {
        return later.stream().filter(events -> events.sequence() > sequence).toList();
    }

    private void keep(BlockEvents events) {
        later.add(events);
        laterKeys += events.keys().length;
        Iterator<BlockEvents> oldest = later.iterator();
        while (later.size() > MAX_LATER || laterKeys > MAX_LATER_KEYS) {
            laterKeys -= oldest.next().keys().length;
            oldest.remove();
        }
    }
}
