package dev.stator.api;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What other threads have sent to an event loop and it has not read yet, in order. Any thread adds;
 * the loop takes all at once.
 *
 * <p>Two arrays that change places: an engine step sends thousands of tokens, and a queue's node
 * and a task for each cost more than writing them out.
 */
final class Mailbox {
    private static final int INITIAL = 64;

    /** After a burst the arrays shrink again. */
    private static final int KEPT = 1 << 14;

    /** Letters; as many recipients as pieces of news. Belongs to whoever reads it. */
    static final class Letters {
        private Recipient<?>[] recipients = new Recipient<?>[INITIAL];
        private Object[] news = new Object[INITIAL];
        private int size;

        int size() {
            return size;
        }

        private void add(Recipient<?> recipient, Object what) {
            if (size == news.length) {
                recipients = Arrays.copyOf(recipients, 2 * size);
                news = Arrays.copyOf(news, 2 * size);
            }
            recipients[size] = recipient;
            news[size++] = what;
        }

        // add's callers paired recipients and news of one type.
        @SuppressWarnings("unchecked")
        void deliver(int letter) {
            ((Recipient<Object>) recipients[letter]).hear(news[letter]);
        }

        private void clear() {
            if (news.length > KEPT && size < KEPT / 2) {
                recipients = new Recipient<?>[INITIAL];
                news = new Object[INITIAL];
            } else {
                Arrays.fill(recipients, 0, size, null);
                Arrays.fill(news, 0, size, null);
            }
            size = 0;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private Letters arriving = new Letters();
    private Letters taken = new Letters();

    /** Hears on the loop what was sent to it. */
    @FunctionalInterface
    interface Recipient<T> {
        void hear(T news);
    }

    /**
     * @return whether the box was empty before
     */
    <T> boolean add(Recipient<T> recipient, T news) {
        lock.lock();
        try {
            arriving.add(recipient, news);
            return arriving.size == 1;
        } finally {
            lock.unlock();
        }
    }

    /** Drops what has arrived. */
    void discard() {
        lock.lock();
        try {
            arriving.clear();
        } finally {
            lock.unlock();
        }
    }

    /** All that has arrived; valid until the next call. For the loop only. */
    Letters take() {
        taken.clear();
        lock.lock();
        try {
            var all = arriving;
            arriving = taken;
            taken = all;
            return all;
        } finally {
            lock.unlock();
        }
    }
}
