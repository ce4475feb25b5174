package dev.stator.cache.remote;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A store in memory that can be told to misbehave. */
final class MemoryStore implements RemoteStore {
    enum Mood {
        FINE,
        /** Nothing is ever answered. */
        SILENT,
        /** Everything fails. */
        LOST,
        /** Writes are never answered, reads are. */
        SLOW_TO_WRITE
    }

    final Map<String, byte[]> values = new ConcurrentHashMap<>();
    final AtomicInteger questions = new AtomicInteger();
    final AtomicInteger resets = new AtomicInteger();
    volatile Mood mood = Mood.FINE;
    private final List<CompletableFuture<?>> unanswered = new ArrayList<>();

    private <T> CompletableFuture<T> answer(T value) {
        return switch (mood) {
            case FINE, SLOW_TO_WRITE -> CompletableFuture.completedFuture(value);
            case LOST -> CompletableFuture.failedFuture(new IllegalStateException("lost"));
            case SILENT -> never();
        };
    }

    private <T> CompletableFuture<T> never() {
        var future = new CompletableFuture<T>();
        synchronized (unanswered) {
            unanswered.add(future);
        }
        return future;
    }

    @Override
    public CompletableFuture<List<Boolean>> contains(List<String> names) {
        questions.incrementAndGet();
        return answer(names.stream().map(values::containsKey).toList());
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(String name, int mostBytes) {
        return answer(
                Optional.ofNullable(values.get(name))
                        .map(its -> Arrays.copyOf(its, Math.min(its.length, mostBytes + 1))));
    }

    @Override
    public CompletableFuture<?> put(String name, byte[] value, Duration life) {
        if (mood == Mood.SLOW_TO_WRITE) {
            return never();
        }
        if (mood == Mood.FINE) {
            values.put(name, value.clone());
        }
        return answer(true);
    }

    @Override
    public CompletableFuture<?> delete(List<String> names) {
        if (mood == Mood.FINE) {
            names.forEach(values::remove);
        }
        return answer(true);
    }

    @Override
    public void reset() {
        resets.incrementAndGet();
    }

    @Override
    public String address() {
        return "memory";
    }

    @Override
    public void close() {}
}
