package dev.stator.bench;

import dev.stator.routing.index.Matches;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Lookups at moments that are fixed before, so that a slow one delays those behind it and counts
 * for them too, while another thread applies batches at a fixed pace.
 */
final class IndexLatency {
    private static final double WARM_UP_PART = 0.3;

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
     * Microseconds from when a lookup was due to when it was done, and the events that were applied
     * per second meanwhile.
     */
    record Measured(Samples micros, double eventsPerSecond) {}

    Measured run(List<long[]> prompts, int lookupsPerSecond, double seconds) {
        var writer = Thread.ofPlatform().name("events").start(this::write);
        long start = System.nanoTime();
        double[] micros = lookUp(prompts, lookupsPerSecond, seconds);
        stopping = true;
        try {
            writer.join();
        } catch (InterruptedException e) {
            throw new BenchException("interrupted", e);
        }
        double took = (System.nanoTime() - start) / 1e9;
        return new Measured(Samples.of(micros), applied / took);
    }

    private void write() {
        long start = System.nanoTime();
        for (boolean forward = true; !stopping; forward = !forward) {
            for (int i = 0; i < batches.size() && !stopping; i++) {
                var batch =
                        forward ? batches.get(i) : batches.get(batches.size() - 1 - i).inverse();
                long due = start + (long) (applied / eventsPerSecond * 1e9);
                while (System.nanoTime() < due) {
                    Thread.onSpinWait();
                }
                subject.apply(batch);
                applied += batch.keys().length;
            }
        }
    }

    private double[] lookUp(List<long[]> prompts, int perSecond, double seconds) {
        var random = new SplittableRandom(1);
        var matches = new Matches();
        int all = (int) (perSecond * seconds);
        int warmUp = (int) (all * WARM_UP_PART);
        double[] micros = new double[all - warmUp];
        double due = System.nanoTime();
        for (int i = 0; i < all; i++) {
            due += -Math.log(1 - random.nextDouble()) * 1e9 / perSecond;
            while (System.nanoTime() < due) {
                Thread.onSpinWait();
            }
            subject.match(prompts.get(random.nextInt(prompts.size())), matches);
            if (i >= warmUp) {
                micros[i - warmUp] = (System.nanoTime() - due) / 1e3;
            }
        }
        return micros;
    }
}
