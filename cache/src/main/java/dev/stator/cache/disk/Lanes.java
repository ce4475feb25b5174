package dev.stator.cache.disk;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bounds how many promotions read at a time. A lane whose reads do not come back is stuck until
 * they do. Thread-safe; fair.
 */
final class Lanes {
    private final ReentrantLock lock = new ReentrantLock(true);
    private final Condition changed = lock.newCondition();
    private final int count;
    private int free;
    private int stuck;

    Lanes(int count) {
        this.count = count;
        this.free = count;
    }

    /**
     * Waits for a lane.
     *
     * @return false if none came free in so many nanoseconds, or all are stuck
     */
    boolean enter(long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (free == 0 && stuck < count && left > 0) {
                left = changed.awaitNanos(left);
            }
            if (free == 0) {
                return false;
            }
            free--;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The caller has given up on its reads, which go on. */
    void stick() {
        lock.lock();
        try {
            stuck++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void leave(boolean wasStuck) {
        lock.lock();
        try {
            stuck -= wasStuck ? 1 : 0;
            free++;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    boolean areAllStuck() {
        lock.lock();
        try {
            return stuck == count;
        } finally {
            lock.unlock();
        }
    }
}
