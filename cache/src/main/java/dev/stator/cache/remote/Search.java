package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Finds out how many leading blocks of a prompt are in a store. As blocks are written after those
 * before them, a few in between tell: each question asks for some, spread over the range where the
 * end must be. A prompt of which nothing is there costs one question. Thread-safe.
 */
final class Search {
    /** Blocks that one question asks for. */
    private static final int WIDTH = 16;

    /** Prompts that are looked for at a time. */
    private static final int MOST = 32;

    private static final double WEIGHT = 0.2;

    private final RemoteTier tier;
    private final RemoteStore store;
    private final Duration timeout;
    private final Semaphore running = new Semaphore(MOST);
    private final AtomicLong questions = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong();
    private volatile double millis;

    Search(RemoteTier tier, RemoteStore store, Duration timeout) {
        this.tier = tier;
        this.store = store;
        this.timeout = timeout;
    }

    long questions() {
        return questions.get();
    }

    long nanos() {
        return nanos.get();
    }

    /** A mean over the last questions; a lost update is harmless. */
    double millis() {
        return millis;
    }

    /** Never fails; answers how many leading blocks are there as far as could be found out. */
    CompletableFuture<Integer> run(List<BlockKey> keys) {
        int low = tier.match(keys, 0);
        if (low == keys.size() || !running.tryAcquire()) {
            return CompletableFuture.completedFuture(low);
        }
        return narrow(keys, low, keys.size())
                .whenComplete((_, _) -> running.release())
                .exceptionally(
                        failure -> {
                            tier.readFailed(failure);
                            return low;
                        });
    }

    /** All before {@code low} are there; what is there ends before {@code high}, or at it. */
    private CompletableFuture<Integer> narrow(List<BlockKey> keys, int low, int high) {
        List<Integer> asked = spread(low, high);
        List<String> names = asked.stream().map(at -> tier.name(keys.get(at))).toList();
        long start = System.nanoTime();
        questions.incrementAndGet();
        return store.contains(names)
                .orTimeout(timeout.toNanos(), TimeUnit.NANOSECONDS)
                .thenCompose(
                        there -> {
                            measured(System.nanoTime() - start);
                            int found = 0;
                            while (found < asked.size() && there.get(found)) {
                                found++;
                            }
                            int next = found == 0 ? low : asked.get(found - 1) + 1;
                            tier.answered(0);
                            tier.found(keys.subList(low, next));
                            int end = found == asked.size() ? next : asked.get(found);
                            return next < end
                                    ? narrow(keys, next, end)
                                    : CompletableFuture.completedFuture(next);
                        });
    }

    /** The first and the last of a range, and some in between, in order. */
    private static List<Integer> spread(int low, int high) {
        int count = Math.min(WIDTH, high - low);
        List<Integer> positions = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            positions.add(
                    count == 1 ? low : low + (int) ((long) i * (high - 1 - low) / (count - 1)));
        }
        return positions;
    }

    private void measured(long took) {
        nanos.addAndGet(took);
        double sample = took / 1e6;
        double old = millis;
        millis = old == 0 ? sample : old + WEIGHT * (sample - old);
    }
}
