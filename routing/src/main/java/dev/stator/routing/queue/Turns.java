package dev.stator.routing.queue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;

/**
 * Walks through waiting requests in the order in which they will start if each can when its turn
 * comes and nobody arrives. Looks only at as many lines as it needs: n steps cost O(n log n),
 * however many wait. The queue must not change meanwhile.
 */
final class Turns<T> implements Iterator<Entry<T>> {
    private final List<ClassTurns<T>> classes = new ArrayList<>();

    /**
     * @param queues highest class first
     */
    Turns(List<ClassQueue<T>> queues) {
        for (var queue : queues) {
            if (queue.requests() > 0) {
                classes.add(new ClassTurns<>(queue));
            }
        }
    }

    @Override
    public boolean hasNext() {
        return !classes.isEmpty();
    }

    @Override
    public Entry<T> next() {
        if (classes.isEmpty()) {
            throw new NoSuchElementException("nobody else waits");
        }
        var turn = classes.getFirst();
        for (var other : classes) {
            if (other.tag < turn.tag) {
                turn = other;
            }
        }
        var entry = turn.next();
        if (turn.lines.isEmpty()) {
            classes.remove(turn);
        }
        return entry;
    }

    /** The walk through one class. */
    private static final class ClassTurns<T> {
        private final double weight;
        private final Iterator<TenantLine<T>> unseen;

        /** The lines seen so far, and the first unseen one, each with its next request. */
        private final PriorityQueue<LineTurn<T>> lines = new PriorityQueue<>(LineTurn.ORDER);

        private final long turnsBefore;
        private long turns;
        private double tag;

        ClassTurns(ClassQueue<T> queue) {
            this.weight = queue.options().weight();
            this.turnsBefore = queue.turns();
            this.turns = turnsBefore;
            this.tag = queue.classTag;
            this.unseen = queue.waiting().iterator();
            seeNext();
        }

        private void seeNext() {
            if (unseen.hasNext()) {
                var line = unseen.next();
                lines.add(new LineTurn<>(line.tag, line.order, line.first()));
            }
        }

        Entry<T> next() {
            var turn = lines.remove();
            var entry = turn.entry();
            if (turn.order() <= turnsBefore) {
                seeNext();
            }
            double charged = turn.tag() + entry.workNanos / entry.line.weight;
            long order = ++turns;
            entry.line
                    .after(entry)
                    .ifPresent(after -> lines.add(new LineTurn<>(charged, order, after)));
            tag += entry.workNanos / weight;
            return entry;
        }
    }

    /** As in {@link TenantLine}, but in the future. */
    private record LineTurn<T>(double tag, long order, Entry<T> entry) {
        static final Comparator<LineTurn<?>> ORDER =
                Comparator.<LineTurn<?>>comparingDouble(LineTurn::tag)
                        .thenComparingLong(LineTurn::order);
    }
}
