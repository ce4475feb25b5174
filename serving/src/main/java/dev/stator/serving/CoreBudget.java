package dev.stator.serving;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shares the machine's cores among the workers of a process, one lease a step.
 *
 * <p>ggml's threads spin, so two contexts that use more threads than there are cores slow each
 * other down many times over. Therefore the sum of all leases never exceeds the cores. A pool that
 * alone has work gets all of them; when both have, each gets its share, and a worker that waits for
 * cores gets them when a lease ends, decode before prefill: steps are short.
 */
final class CoreBudget {
    private final int cores;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private int free;
    private int decodeWaiting;
    private final int[] busyWorkers = new int[Role.values().length];

    CoreBudget(int cores) {
        this.cores = cores;
        this.free = cores;
    }

    /** Cores held until closed. */
    final class Lease implements AutoCloseable {
        private final int count;

        private Lease(int count) {
            this.count = count;
        }

        int count() {
            return count;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                free += count;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    int cores() {
        return cores;
    }

    /** A worker has work from now on, and its pool a share. */
    void enter(Role role) {
        lock.lock();
        try {
            busyWorkers[role.ordinal()]++;
        } finally {
            lock.unlock();
        }
    }

    void leave(Role role) {
        lock.lock();
        try {
            busyWorkers[role.ordinal()]--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    boolean busy(Role role) {
        lock.lock();
        try {
            return busyWorkers[role.ordinal()] > 0;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for cores; the worker must have entered. */
    Lease take(Role role) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (role == Role.DECODE) {
                decodeWaiting++;
            }
            try {
                while (free == 0
                        || (role == Role.PREFILL
                                && decodeWaiting > 0
                                && free < share(Role.DECODE) + 1)) {
                    changed.await();
                }
            } finally {
                if (role == Role.DECODE) {
                    decodeWaiting--;
                }
            }
            int granted = Math.min(free, share(role));
            free -= granted;
            changed.signalAll();
            return new Lease(granted);
        } finally {
            lock.unlock();
        }
    }

    /** What one worker of a pool may take now. */
    private int share(Role role) {
        int own = Math.max(1, busyWorkers[role.ordinal()]);
        boolean alone = busyWorkers[1 - role.ordinal()] == 0;
        int pool = alone ? cores : role == Role.DECODE ? (cores + 1) / 2 : Math.max(1, cores / 2);
        return Math.max(1, pool / own);
    }
}
