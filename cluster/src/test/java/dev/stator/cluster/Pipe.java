package dev.stator.cluster;

import java.util.ArrayDeque;
import java.util.Deque;

/** One direction between two processes: what is sent comes in order, as long as anything comes. */
final class Pipe {
    /** Where it goes through. */
    interface Way {
        /** How long the next message takes. */
        long latencyNanos(Pipe pipe);

        /** Whether nothing gets through now; {@link #resume} must follow when it does again. */
        boolean stalls(Pipe pipe);
    }

    private final Way way;
    private final VirtualTime time;
    private final VirtualProcess from;
    private final VirtualProcess to;
    private final Deque<Runnable> flying = new ArrayDeque<>();
    private final Deque<Runnable> arrived = new ArrayDeque<>();
    private int stuck;

    Pipe(Way way, VirtualTime time, VirtualProcess from, VirtualProcess to) {
        this.way = way;
        this.time = time;
        this.from = from;
        this.to = to;
    }

    VirtualProcess from() {
        return from;
    }

    VirtualProcess to() {
        return to;
    }

    /** Messages that the receiver has not been given. */
    int size() {
        return flying.size() + arrived.size();
    }

    /**
     * @param message what it does to the receiver
     */
    void send(Runnable message) {
        flying.add(message);
        fly();
    }

    private void fly() {
        time.after(way.latencyNanos(this), this::arrive);
    }

    private void arrive() {
        if (way.stalls(this)) {
            stuck++;
        } else if (!flying.isEmpty()) {
            arrived.add(flying.remove());
            to.execute(this::deliver);
        }
    }

    private void deliver() {
        if (!arrived.isEmpty()) {
            arrived.remove().run();
        }
    }

    /** The way is free again. */
    void resume() {
        for (; stuck > 0; stuck--) {
            fly();
        }
    }

    /** All but so many of the messages that are on their way are lost. */
    void lose(int kept) {
        while (flying.size() > kept) {
            flying.removeLast();
        }
    }

    int flying() {
        return flying.size();
    }
}
