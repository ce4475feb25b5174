package dev.stator.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A process: its clock, which began at a moment of its own, and its threads, which run one after
 * the other in an order that is drawn. While it is frozen nothing of it runs, and what should have
 * runs afterwards, in any order. Once it is dead nothing does.
 */
final class VirtualProcess implements Clock {
    private static final int USUAL_NANOS = 50_000;
    private static final int LATE_NANOS = 10_000_000;

    private final String name;
    private final int host;
    private final VirtualTime time;
    private final Random random;
    private final long origin;
    private final List<Runnable> missed = new ArrayList<>();
    private boolean dead;
    private boolean frozen;
    private long outSince = Long.MAX_VALUE;
    private long thawedAt;

    VirtualProcess(String name, int host, VirtualTime time, Random random) {
        this.name = name;
        this.host = host;
        this.time = time;
        this.random = random;
        this.origin = random.nextLong() >> 1;
    }

    String name() {
        return name;
    }

    /** The machine that it runs on; another start runs there again. */
    int host() {
        return host;
    }

    boolean isDead() {
        return dead;
    }

    boolean isFrozen() {
        return frozen;
    }

    boolean runs() {
        return !dead && !frozen;
    }

    /** Since when it does nothing. */
    long outSince() {
        return outSince;
    }

    /** Since when it has not been frozen. */
    long thawedAt() {
        return thawedAt;
    }

    void kill() {
        dead = true;
        outSince = Math.min(outSince, time.now());
        missed.clear();
    }

    void freeze() {
        frozen = true;
        outSince = Math.min(outSince, time.now());
    }

    void thaw() {
        if (frozen && !dead) {
            outSince = Long.MAX_VALUE;
            thawedAt = time.now();
            Collections.shuffle(missed, random);
            missed.forEach(this::execute);
        }
        frozen = false;
        missed.clear();
    }

    @Override
    public long nanos() {
        return origin + time.now();
    }

    @Override
    public void execute(Runnable task) {
        run(task, 0);
    }

    @Override
    public void after(Duration delay, Runnable task) {
        run(task, delay.toNanos());
    }

    /** Threads come to run soon, mostly. */
    private void run(Runnable task, long nanos) {
        long late = random.nextInt(random.nextInt(64) == 0 ? LATE_NANOS : USUAL_NANOS);
        time.after(nanos + late, () -> run(task));
    }

    private void run(Runnable task) {
        if (frozen && !dead) {
            missed.add(task);
        } else if (!dead) {
            task.run();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
