package dev.stator.api;

import io.vertx.core.Context;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One event loop: a mailbox that other threads post to, and the streams that live here.
 *
 * <p>However many tokens the engine sends, at most one drain is scheduled; it takes them all and
 * writes each stream that got something once.
 */
final class Loop {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    /** Streams that are written together: what they gathered is still in the core's cache then. */
    private static final int TOUCHED = 64;

    private final Context context;
    private final Mailbox mailbox = new Mailbox();
    private final ArrayDeque<SseStream> touched = new ArrayDeque<>();
    private final Set<SseStream> streams = new LinkedHashSet<>();
    private long now = System.nanoTime();

    Loop(Context context) {
        this.context = context;
    }

    /** Runs a task here, in the order of the calls of each thread. Never blocks. */
    void post(Runnable task) {
        send(Runnable::run, task);
    }

    /** Tells somebody here something, in the order of the calls of each thread. Never blocks. */
    <T> void send(Mailbox.Recipient<T> recipient, T news) {
        if (mailbox.add(recipient, news)) {
            try {
                context.runOnContext(_ -> drain());
            } catch (RejectedExecutionException e) {
                // The server has closed and nobody is left to hear it.
                mailbox.discard();
            }
        }
    }

    /** {@link System#nanoTime} as of the beginning of this drain: one clock call for all tasks. */
    long now() {
        return now;
    }

    /** To be called on the loop: the stream has something to write. */
    void touch(SseStream stream) {
        touched.add(stream);
    }

    void opened(SseStream stream) {
        streams.add(stream);
    }

    void closed(SseStream stream) {
        streams.remove(stream);
    }

    /** To be called on the loop, about once a second. */
    void tick() {
        now = System.nanoTime();
        new ArrayList<>(streams).forEach(stream -> stream.tick(now));
        flush();
    }

    private void drain() {
        now = System.nanoTime();
        var letters = mailbox.take();
        for (int letter = 0; letter < letters.size(); letter++) {
            deliver(letters, letter);
            if (touched.size() >= TOUCHED) {
                flush();
            }
        }
        flush();
    }

    private void flush() {
        for (var stream = touched.poll(); stream != null; stream = touched.poll()) {
            stream.flush();
        }
    }

    private static void deliver(Mailbox.Letters letters, int letter) {
        try {
            letters.deliver(letter);
        } catch (RuntimeException e) {
            LOG.error("A task of an event loop failed", e);
        }
    }
}
