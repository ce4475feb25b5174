package dev.stator.cluster;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks for a node's answers, on one thread at a time that lives while there is something to say.
 * So an engine's thread makes no messages, what one of its steps gives to several answers leaves
 * together, and tokens that come faster than they are sent go as one part. Nothing waits for more
 * to come.
 */
final class Speaker {
    private static final Logger LOG = LoggerFactory.getLogger(Speaker.class);

    private final Executor threads;
    private final Queue<AnswerStream> turns = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean speaking = new AtomicBoolean();

    /**
     * @param threads runs what it is given on another thread
     */
    Speaker(Executor threads) {
        this.threads = threads;
    }

    /** The answer has something to say. */
    void turn(AnswerStream answer) {
        turns.add(answer);
        begin();
    }

    private void begin() {
        if (!turns.isEmpty() && speaking.compareAndSet(false, true)) {
            threads.execute(this::speak);
        }
    }

    private void speak() {
        try {
            for (var next = turns.poll(); next != null; next = turns.poll()) {
                flush(next);
            }
        } finally {
            speaking.set(false);
        }
        // One may have come after the last look and before that.
        begin();
    }

    private static void flush(AnswerStream answer) {
        try {
            answer.flush();
        } catch (RuntimeException e) {
            LOG.error("A part of an answer could not be sent", e);
        }
    }
}
