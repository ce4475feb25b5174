package dev.stator.serving;

import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.EngineLostException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a worker whose engine's process died another one, off the worker's thread: at once after a
 * healthy time, else later and later. Confined to the worker's thread.
 */
final class Reopening implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reopening.class);

    /**
     * @param first before the second try; each wait after it is twice as long
     * @param most the longest wait
     * @param healthy a process that lived for so long has another that is started at once
     */
    record BackOff(Duration first, Duration most, Duration healthy) {
        static final BackOff USUAL =
                new BackOff(Duration.ofMillis(500), Duration.ofSeconds(30), Duration.ofMinutes(1));

        Duration next(Duration before) {
            var doubled = before.isZero() ? first : before.multipliedBy(2);
            return doubled.compareTo(most) > 0 ? most : doubled;
        }
    }

    private record Try(Thread thread, CompletableFuture<Boolean> done) {}

    private final String worker;
    private final EngineContext context;
    private final BackOff backOff;
    private final Runnable wake;
    private Duration wait = Duration.ZERO;
    private long openedNanos = System.nanoTime();
    private Optional<Try> running = Optional.empty();

    /**
     * @param wake is run when a try is over
     */
    Reopening(String worker, EngineContext context, BackOff backOff, Runnable wake) {
        this.worker = worker;
        this.context = context;
        this.backOff = backOff;
        this.wake = wake;
    }

    /** The context is lost. */
    void begin() {
        if (System.nanoTime() - openedNanos > backOff.healthy.toNanos()) {
            wait = Duration.ZERO;
        }
        attempt();
    }

    private void attempt() {
        var pause = wait;
        wait = backOff.next(wait);
        var done = new CompletableFuture<Boolean>();
        var thread =
                Thread.ofVirtual()
                        .name("restart " + worker)
                        .start(
                                () -> {
                                    done.complete(reopen(pause));
                                    wake.run();
                                });
        running = Optional.of(new Try(thread, done));
    }

    private boolean reopen(Duration pause) {
        try {
            Thread.sleep(pause);
            context.reopen();
            return true;
        } catch (EngineException | EngineLostException e) {
            LOG.warn("{}: the engine does not start again: {}", worker, e.getMessage());
            return false;
        } catch (InterruptedException _) {
            return false;
        }
    }

    /** Whether the worker is without a context. */
    boolean isPending() {
        return running.isPresent();
    }

    /**
     * @return whether the context is there again; where a try has failed, the next one begins
     */
    boolean isOver() {
        if (running.filter(its -> its.done.isDone()).isEmpty()) {
            return false;
        }
        if (running.get().done.join()) {
            running = Optional.empty();
            openedNanos = System.nanoTime();
            LOG.info(
                    "{} goes on with the engine's process {}", worker, context.process().orElse(0));
            return true;
        }
        attempt();
        return false;
    }

    /** Once the worker's thread has ended: nobody touches the context any more. */
    @Override
    public void close() {
        running.ifPresent(
                its -> {
                    its.thread.interrupt();
                    try {
                        its.thread.join(TimeUnit.MINUTES.toMillis(1));
                    } catch (InterruptedException _) {
                        Thread.currentThread().interrupt();
                    }
                });
    }
}
