package dev.stator.bench;

import dev.stator.routing.index.Matches;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Lookups at moments that are fixed before, so that a slow one delays those behind it and counts
 * for them too, while another thread applies batches at a fixed pace.
 *
 * <p>Neither thread spins for long: a thread that never rests is taken off its core in the midst of
 * a lookup as soon as anything else wants to run, and what is then measured is the scheduler.
 */
final class IndexLatency {
    private static final double WARM_UP_PART = 0.3;

    /** Between the writer's turns; what is due by then is applied in one go. */
    private static final long WRITER_REST_NANOS = 50_000;

    /** A parked reader wakes late by about so much. It rests up to then and spins afterwards. */
    private static final long READER_SPIN_NANOS = 120_000;

    /** Reading both clocks takes time too; less than this is not taken for an interruption. */
    private static final double LEAST_STOLEN_MICROS = 2;

    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final IndexSubject subject;
    private final List<IndexTrace.Batch> batches;
    private final double eventsPerSecond;
    private volatile boolean stopping;
    private long applied;

    /**
     * @param batches applied in order, then taken back in reverse order, and so on
     */
    IndexLatency(IndexSubject subject, List<IndexTrace.Batch> batches, double eventsPerSecond) {
        this.subject = subject;
        this.batches = batches;
        this.eventsPerSecond = eventsPerSecond;
    }

    /**
     * @param micros from when a lookup was due to when it was done
     * @param own from when a lookup began to when it was done, of those alone in which the thread
     *     kept its core. Says what the index takes on a machine that is not quiet; it leaves out
     *     the wait behind a slow lookup, and a long lookup is left out more easily than a short one
     * @param interrupted how many lookups are not in {@code own}
     * @param eventsPerSecond that were applied meanwhile
     */
    record Measured(Samples micros, Samples own, int interrupted, double eventsPerSecond) {}

    Measured run(List<long[]> prompts, int lookupsPerSecond, double seconds) {
        var writer = Thread.ofPlatform().name("events").start(this::write);
        var lookups = new Lookups(prompts, (int) (lookupsPerSecond * seconds));
        long start = System.nanoTime();
        lookups.run(lookupsPerSecond);
        stopping = true;
        try {
            writer.join();
        } catch (InterruptedException e) {
            throw new BenchException("interrupted", e);
        }
        double took = (System.nanoTime() - start) / 1e9;
        return lookups.measured(applied / took);
    }

    private void write() {
        long start = System.nanoTime();
        for (boolean forward = true; !stopping; forward = !forward) {
            for (int i = 0; i < batches.size() && !stopping; i++) {
                var batch =
                        forward ? batches.get(i) : batches.get(batches.size() - 1 - i).inverse();
                long due = start + (long) (applied / eventsPerSecond * 1e9);
                while (System.nanoTime() < due) {
                    LockSupport.parkNanos(WRITER_REST_NANOS);
                }
                subject.apply(batch);
                applied += batch.keys().length;
            }
        }
    }

    /** The reader's side. */
    private final class Lookups {
        private final List<long[]> prompts;
        private final int all;
        private final int warmUp;
        private final double[] micros;
        private final double[] own;
        private final SplittableRandom random = new SplittableRandom(1);
        private final Matches matches = new Matches();
        private int undisturbed;

        Lookups(List<long[]> prompts, int all) {
            this.prompts = prompts;
            this.all = all;
            warmUp = (int) (all * WARM_UP_PART);
            micros = new double[all - warmUp];
            own = new double[micros.length];
        }

        void run(int perSecond) {
            double due = System.nanoTime();
            for (int i = 0; i < all; i++) {
                due += -Math.log(1 - random.nextDouble()) * 1e9 / perSecond;
                var prompt = prompts.get(random.nextInt(prompts.size()));
                rest((long) due);
                long cpu = threads.getCurrentThreadCpuTime();
                long since = System.nanoTime();
                while (System.nanoTime() < due) {
                    Thread.onSpinWait();
                }
                subject.match(prompt, matches);
                long done = System.nanoTime();
                long cpuSpent = threads.getCurrentThreadCpuTime() - cpu;
                if (i >= warmUp) {
                    micros[i - warmUp] = (done - due) / 1e3;
                    if ((done - since - cpuSpent) / 1e3 <= LEAST_STOLEN_MICROS) {
                        own[undisturbed++] = (done - Math.max(due, since)) / 1e3;
                    }
                }
            }
        }

        private void rest(long due) {
            long left = due - READER_SPIN_NANOS - System.nanoTime();
            if (left > 0) {
                LockSupport.parkNanos(left);
            }
        }

        Measured measured(double rate) {
            if (undisturbed == 0) {
                throw new BenchException("every lookup was interrupted; is the machine busy?");
            }
            return new Measured(
                    Samples.of(micros),
                    Samples.of(Arrays.copyOf(own, undisturbed)),
                    micros.length - undisturbed,
                    rate);
        }
    }
}
