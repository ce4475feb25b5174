package dev.stator.sim.world;

import dev.stator.routing.Ticker;
import java.util.Arrays;

/**
 * The time of a simulated world, which jumps from event to event. Events of the same moment run in
 * the order in which they were scheduled.
 */
final class VirtualClock implements Ticker {
    private static final int FANOUT = 4;

    // A heap in parallel arrays, which needs no object per event besides its action.
    private long[] times = new long[1024];
    private long[] numbers = new long[1024];
    private Runnable[] actions = new Runnable[1024];
    private int size;
    private long scheduled;
    private long now;

    @Override
    public long nanos() {
        return now;
    }

    /** Events that have not run yet. */
    int pending() {
        return size;
    }

    /**
     * @param nanos not before now
     */
    void at(long nanos, Runnable action) {
        if (nanos < now) {
            throw new IllegalArgumentException(
                    "%d is in the past, it is %d already".formatted(nanos, now));
        }
        if (size == times.length) {
            times = Arrays.copyOf(times, size * 2);
            numbers = Arrays.copyOf(numbers, size * 2);
            actions = Arrays.copyOf(actions, size * 2);
        }
        int hole = size++;
        long number = scheduled++;
        while (hole > 0) {
            int above = (hole - 1) / FANOUT;
            // The new one has the highest number, so equal times stay as they are.
            if (times[above] <= nanos) {
                break;
            }
            move(above, hole);
            hole = above;
        }
        put(hole, nanos, number, action);
    }

    void after(long nanos, Runnable action) {
        at(now + nanos, action);
    }

    /** Runs the next event; false if there is none. */
    boolean advance() {
        if (size == 0) {
            return false;
        }
        now = times[0];
        Runnable action = actions[0];
        removeFirst();
        action.run();
        return true;
    }

    private void removeFirst() {
        int last = --size;
        long time = times[last];
        long number = numbers[last];
        Runnable action = actions[last];
        int hole = 0;
        while (true) {
            int child = leastChild(hole);
            if (child < 0 || !before(child, time, number)) {
                break;
            }
            move(child, hole);
            hole = child;
        }
        put(hole, time, number, action);
    }

    private int leastChild(int parent) {
        int first = parent * FANOUT + 1;
        if (first >= size) {
            return -1;
        }
        int least = first;
        for (int child = first + 1; child < Math.min(size, first + FANOUT); child++) {
            if (before(child, times[least], numbers[least])) {
                least = child;
            }
        }
        return least;
    }

    private boolean before(int index, long time, long number) {
        return times[index] != time ? times[index] < time : numbers[index] < number;
    }

    private void move(int from, int to) {
        put(to, times[from], numbers[from], actions[from]);
    }

    private void put(int index, long time, long number, Runnable action) {
        times[index] = time;
        numbers[index] = number;
        actions[index] = action;
    }
}
