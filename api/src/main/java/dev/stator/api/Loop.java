package dev.stator.api;

import io.vertx.core.Context;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One event loop: a mailbox that other threads post to, and the streams that live here.
 *
 * <p>However many tokens the engine posts, at most one drain is scheduled; it runs them all and
 * then writes each stream that got something once.
 */
final class Loop {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    /** Tasks of one drain: then reading from sockets gets its turn. */
    private static final int BATCH = 8192;

    private final Context context;
    private final Queue<Runnable> mailbox = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private final ArrayDeque<SseStream> touched = new ArrayDeque<>();
    private final Set<SseStream> streams = new LinkedHashSet<>();
    private long now = System.nanoTime();

    Loop(Context context) {
        this.context = context;
    }

    /** Runs a task here, in the order of the calls of each thread. Never blocks. */
    void post(Runnable task) {
        mailbox.add(task);
        if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
            schedule();
        }
    }

    private void schedule() {
        try {
            context.runOnContext(_ -> drain());
        } catch (RejectedExecutionException e) {
            // The server has closed and nobody is left to hear it.
            mailbox.clear();
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
        for (int left = BATCH; left > 0; left--) {
            var task = mailbox.poll();
            if (task == null) {
                flush();
                // A task that is added from here on schedules its own drain, unless we see it.
                scheduled.set(false);
                if (!mailbox.isEmpty() && scheduled.compareAndSet(false, true)) {
                    schedule();
                }
                return;
            }
            run(task);
        }
        flush();
        schedule();
    }

    private void flush() {
        for (var stream = touched.poll(); stream != null; stream = touched.poll()) {
            stream.flush();
        }
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("A task of an event loop failed", e);
        }
    }
}
