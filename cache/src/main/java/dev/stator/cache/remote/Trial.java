package dev.stator.cache.remote;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Writes a value as large as a block and reads it some times, one alone and several together, so
 * that it is known before the first request what fetching costs. Connects on the way. Thread-safe.
 */
final class Trial {
    private static final Duration LIFE = Duration.ofMinutes(1);

    /** Beyond the timeout, for connecting and for code that has never run. */
    private static final Duration CONNECTING = Duration.ofSeconds(4);

    private static final int ROUNDS = 4;
    private static final int TOGETHER = 8;
    private static final int MOST_BYTES = 32 << 20;

    private final RemoteTier tier;
    private final RemoteStore store;
    private final RemoteTierOptions options;
    private final String name;
    private volatile Optional<SpeedListener> listener = Optional.empty();

    Trial(RemoteTier tier, RemoteStore store, RemoteTierOptions options, String name) {
        this.tier = tier;
        this.store = store;
        this.options = options;
        this.name = name;
    }

    void watch(SpeedListener its) {
        listener = Optional.of(its);
        start();
    }

    void start() {
        listener.ifPresent(
                its -> Thread.ofVirtual().name("remote-trial").start(() -> attempt(its)));
    }

    private void attempt(SpeedListener its) {
        try {
            byte[] value =
                    new byte[RecordFormat.recordBytes(options.blockTokens(), options.blockBytes())];
            ThreadLocalRandom.current().nextBytes(value);
            await(store.put(name, value, LIFE));
            int together = Math.clamp(MOST_BYTES / value.length, 1, TOGETHER);
            // The best of some: the first ones measure a connection and code that are new.
            long one = Long.MAX_VALUE;
            long all = Long.MAX_VALUE;
            for (int i = 0; i < ROUNDS; i++) {
                one = Math.min(one, read(1, value.length));
                all = Math.min(all, read(together, value.length));
            }
            its.read(1, one);
            its.read(together, all);
        } catch (ExecutionException | TimeoutException e) {
            tier.trialFailed(e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Nanoseconds until all have come. */
    private long read(int blocks, int bytes)
            throws ExecutionException, InterruptedException, TimeoutException {
        long start = System.nanoTime();
        var coming = new ArrayList<CompletableFuture<?>>();
        for (int i = 0; i < blocks; i++) {
            coming.add(store.get(name, bytes));
        }
        for (var value : coming) {
            await(value);
        }
        return System.nanoTime() - start;
    }

    private void await(CompletableFuture<?> answer)
            throws ExecutionException, InterruptedException, TimeoutException {
        answer.get(options.timeout().plus(CONNECTING).toNanos(), TimeUnit.NANOSECONDS);
    }
}
