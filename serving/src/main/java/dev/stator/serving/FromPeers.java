package dev.stator.serving;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What peers send for one request's prompt, which need not have come yet when the request is
 * submitted. Thread-safe.
 */
public final class FromPeers {
    private final long startNanos = System.nanoTime();
    private final AtomicInteger tokens = new AtomicInteger();
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile long firstNanos = startNanos;
    private volatile long lastNanos = startNanos;

    /** For a request that takes nothing from peers. */
    public static FromPeers nothing() {
        var none = new FromPeers();
        none.over.countDown();
        return none;
    }

    /** So many tokens are about to be in the host tier. */
    public void came(int count) {
        long now = System.nanoTime();
        if (tokens.getAndAdd(count) == 0) {
            firstNanos = now;
        }
        lastNanos = now;
    }

    /** No more will come. */
    public void end() {
        lastNanos = Math.max(lastNanos, tokens.get() == 0 ? System.nanoTime() : lastNanos);
        over.countDown();
    }

    /** Whether more may come. */
    public boolean isComing() {
        return over.getCount() > 0;
    }

    /** Waits until no more will come. */
    public void awaitEnd() throws InterruptedException {
        over.await();
    }

    /** How many have come so far. */
    public int tokens() {
        return tokens.get();
    }

    /** From the beginning to the last that has come. */
    public long nanos() {
        return tokens.get() == 0 ? 0 : lastNanos - startNanos;
    }

    /** When the first came, or it was clear that none will; by {@link System#nanoTime}. */
    long firstNanos() {
        return tokens.get() == 0 ? lastNanos : firstNanos;
    }

    /** When the last came that has come so far. */
    long lastNanos() {
        return lastNanos;
    }
}
