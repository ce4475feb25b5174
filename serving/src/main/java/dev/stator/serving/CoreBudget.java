package dev.stator.serving;

import dev.stator.engine.Pause;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shares the machine's cores among the workers of a process, one lease a step. Thread-safe.
 *
 * <p>ggml's threads spin, so two contexts that use more threads than there are cores slow each
 * other down many times over. Therefore the sum of all leases never exceeds the cores. A pool that
 * alone has work gets all of them.
 */
final class CoreBudget {
    /*
     * When both pools have work they take turns. Answers that run come first; prefill works on credit:
     * every decode step earns it a part, the slack, of the step's own time, and a decode worker that
     * waits for cores uses the credit up. Prefill holds cores only while its credit covers one more run
     * of operations, and looks at every pause point of its step whether it still does. So a running
     * answer is slowed down by the slack and no more, whatever the length of a prompt; what a run took
     * beyond the credit is a debt that is paid first.
     *
     * Where more prompts wait than answers run, most requests wait for prefill, and decode steps with few
     * answers waste what they read of the weights: prefill then earns more, up to half of the time.
     *
     * Nobody starves: prefill earns as long as answers run and has everything when none do, and answers
     * only come to run through prefill.
     */

    private static final double RUN_DECAY = 0.98;

    private final int cores;
    private final double slack;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final int[] busyWorkers = new int[Role.values().length];
    private final int[] requests = new int[Role.values().length];
    private int free;
    private int decodeWaiting;
    private int prefillHeld;
    private long settledAt = System.nanoTime();
    private double creditNanos;

    /** About the longest that prefill lately went from one pause point to the next. */
    private double runNanos;

    /**
     * @param slack by which part prefill may slow running answers down, above 0
     */
    CoreBudget(int cores, double slack) {
        this.cores = cores;
        this.slack = slack;
        this.free = cores;
    }

    int cores() {
        return cores;
    }

    Share share(Role role) {
        return new Share(role);
    }

    /** One worker's way to cores. Confined to the worker's thread but for {@link #oneMore}. */
    final class Share implements Pause {
        private final Role role;
        private int mine;
        private Optional<Lease> current = Optional.empty();

        private Share(Role role) {
            this.role = role;
        }

        /**
         * For how many requests the worker computes now. With any, its pool has a claim to cores.
         */
        void work(int now) {
            lock.lock();
            try {
                if (now != mine) {
                    requests[role.ordinal()] += now - mine;
                    busyWorkers[role.ordinal()] += Integer.signum(now) - Integer.signum(mine);
                    mine = now;
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        /**
         * Another request waits for the worker. Where it prefills that counts at once: a step may
         * take long, the longer the fewer prompts are known to wait.
         */
        void oneMore() {
            lock.lock();
            try {
                if (role == Role.PREFILL && mine > 0) {
                    mine++;
                    requests[role.ordinal()]++;
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        /** Waits for cores; the worker must have work. */
        Lease take() throws InterruptedException {
            lock.lockInterruptibly();
            try {
                if (role == Role.DECODE) {
                    awaitForDecode();
                } else {
                    while (free == 0 || !prefillMayRun()) {
                        changed.await();
                    }
                }
                int workers = Math.max(1, busyWorkers[role.ordinal()]);
                int granted = Math.min(free, Math.max(1, cores / workers));
                hold(role, granted);
                var lease = new Lease(this, granted);
                current = Optional.of(lease);
                return lease;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean possible() {
            lock.lock();
            try {
                return role == Role.PREFILL && busyWorkers[Role.DECODE.ordinal()] > 0;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void point() {
            current.ifPresent(Lease::giveWay);
        }
    }

    /** Cores held until closed. Confined to the thread that took it. */
    final class Lease implements AutoCloseable {
        private final Share share;
        private final int count;
        private final long start = System.nanoTime();
        private long pausedNanos;
        private long runStart = start;

        private Lease(Share share, int count) {
            this.share = share;
            this.count = count;
        }

        int count() {
            return count;
        }

        /** Time since the lease began, without pauses. */
        long workedNanos() {
            return System.nanoTime() - start - pausedNanos;
        }

        /**
         * Lends the cores to decode if it waits and the credit is used up, until prefill may go on.
         */
        private void giveWay() {
            lock.lock();
            try {
                long from = System.nanoTime();
                runNanos = Math.max(from - runStart, runNanos * RUN_DECAY);
                runStart = from;
                if (decodeWaiting == 0 || prefillMayRun()) {
                    return;
                }
                hold(share.role, -count);
                changed.signalAll();
                while (free < count || !prefillMayRun()) {
                    // Not interruptible: the engine is in the middle of a step.
                    changed.awaitUninterruptibly();
                }
                hold(share.role, count);
                runStart = System.nanoTime();
                pausedNanos += runStart - from;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            share.current = Optional.empty();
            lock.lock();
            try {
                hold(share.role, -count);
                if (share.role == Role.DECODE) {
                    double earned = part() * workedNanos();
                    creditNanos = Math.min(Math.max(earned, runNanos), creditNanos + earned);
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void awaitForDecode() throws InterruptedException {
        if (free > 0) {
            return;
        }
        settle();
        decodeWaiting++;
        try {
            while (free == 0) {
                changed.await();
            }
        } finally {
            settle();
            decodeWaiting--;
        }
    }

    /** What is left of the credit, in nanoseconds; negative is a debt. */
    private double credit() {
        settle();
        return creditNanos;
    }

    /** Charges prefill for the time that a decode worker has waited while prefill held cores. */
    private void settle() {
        long now = System.nanoTime();
        if (decodeWaiting > 0 && prefillHeld > 0) {
            creditNanos -= now - settledAt;
        }
        settledAt = now;
    }

    /** Takes cores, or gives them back if negative. */
    private void hold(Role role, int count) {
        settle();
        free -= count;
        if (role == Role.PREFILL) {
            prefillHeld += count;
        }
    }

    /** What prefill earns of a decode step's time. */
    private double part() {
        double answers = Math.max(1, requests[Role.DECODE.ordinal()]);
        double surplus = (requests[Role.PREFILL.ordinal()] - answers) / answers;
        return Math.max(slack, Math.min(1, surplus));
    }

    private boolean prefillMayRun() {
        return busyWorkers[Role.DECODE.ordinal()] == 0 || credit() >= runNanos;
    }
}
