package dev.stator.serving;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;

/**
 * Computes prompts that nobody waits for, one at a time, while no client's request is under way. If
 * one comes, what runs ends with its step and goes on later: its finished blocks are in the host
 * tier. Thread-safe.
 */
final class Background implements AutoCloseable {
    /** Between two requests of a client there is no idle time worth beginning in. */
    private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Where it could not be queued. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private record Task(GenerationRequest asked, CompletableFuture<Account> done) {}

    /** How a try ended. */
    private sealed interface End {
        record Finished(Account account) implements End {}

        record Interrupted() implements End {}

        record Failed(String why) implements End {}
    }

    private final BiFunction<GenerationRequest, GenerationListener, Admission> submit;
    private final BlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Flights flights = new Flights(this::flightsChanged);
    private long changedNanos = System.nanoTime();
    private Optional<Admission.Admitted> running = Optional.empty();
    private final Thread thread = Thread.ofVirtual().name("background").unstarted(this::run);

    /**
     * @param submit takes a request that is to give way to all others
     */
    Background(BiFunction<GenerationRequest, GenerationListener, Admission> submit) {
        this.submit = submit;
    }

    void start() {
        thread.start();
    }

    /** The requests before which it stands back. */
    Flights flights() {
        return flights;
    }

    /** Completes when the prompt has been computed; exceptionally if it cannot be. */
    CompletableFuture<Account> compute(GenerationRequest asked) {
        var task = new Task(asked, new CompletableFuture<>());
        tasks.add(task);
        return task.done;
    }

    /** Called by whoever submits or ends a request. */
    private void flightsChanged() {
        Optional<Admission.Admitted> stopped = Optional.empty();
        lock.lock();
        try {
            changedNanos = System.nanoTime();
            if (!flights.isEmpty()) {
                stopped = running;
            } else {
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
        stopped.ifPresent(Admission.Admitted::cancel);
    }

    private void run() {
        try {
            while (true) {
                var task = tasks.take();
                while (!task.done.isDone()) {
                    awaitQuiet();
                    attempt(task);
                }
            }
        } catch (InterruptedException _) {
            for (var left = tasks.poll(); left != null; left = tasks.poll()) {
                left.done.cancel(false);
            }
        }
    }

    private void awaitQuiet() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (true) {
                long quiet = System.nanoTime() - changedNanos;
                if (!flights.isEmpty()) {
                    changed.await();
                } else if (quiet < QUIET_NANOS) {
                    changed.awaitNanos(QUIET_NANOS - quiet);
                } else {
                    return;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void attempt(Task task) throws InterruptedException {
        var ended = new CompletableFuture<End>();
        Admission admission;
        try {
            admission = submit.apply(task.asked, new Listener(ended));
        } catch (RuntimeException e) {
            task.done.completeExceptionally(e);
            return;
        }
        switch (admission) {
            case Admission.Admitted admitted -> await(task, admitted, ended);
            case Admission.Shed _ -> Thread.sleep(PAUSE);
        }
    }

    private void await(Task task, Admission.Admitted admitted, CompletableFuture<End> ended)
            throws InterruptedException {
        lock.lock();
        try {
            running = Optional.of(admitted);
        } finally {
            lock.unlock();
        }
        if (!flights.isEmpty()) {
            admitted.cancel();
        }
        try {
            switch (ended.get()) {
                case End.Finished(var account) -> task.done.complete(account);
                case End.Failed(var why) ->
                        task.done.completeExceptionally(new IllegalStateException(why));
                case End.Interrupted _ -> {}
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("nobody fails it", e);
        } catch (InterruptedException e) {
            admitted.cancel();
            task.done.cancel(false);
            throw e;
        } finally {
            lock.lock();
            try {
                running = Optional.empty();
            } finally {
                lock.unlock();
            }
        }
    }

    private record Listener(CompletableFuture<End> ended) implements GenerationListener {
        @Override
        public void onToken(GeneratedToken token) {}

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            ended.complete(
                    reason == FinishReason.CANCELLED
                            ? new End.Interrupted()
                            : new End.Finished(account));
        }

        @Override
        public void onShed(Admission.Shed shed) {
            ended.complete(new End.Interrupted());
        }

        @Override
        public void onFailure(String message) {
            ended.complete(new End.Failed(message));
        }
    }

    /** What runs is cancelled, and what waits. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
