package dev.stator.serving;

import dev.stator.engine.Sampled;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A listener that keeps what it hears. */
final class Collected implements GenerationListener {
    record Ended(FinishReason reason, Account account, String text) {}

    private final StringBuilder text = new StringBuilder();
    final List<Integer> tokens = new ArrayList<>();
    final List<Sampled> sampled = new ArrayList<>();
    final CompletableFuture<Ended> end = new CompletableFuture<>();
    volatile Optional<Runnable> onFirst = Optional.empty();

    @Override
    public synchronized void onToken(GeneratedToken token) {
        tokens.add(token.sampled().token());
        sampled.add(token.sampled());
        text.append(token.text());
        onFirst.ifPresent(Runnable::run);
        onFirst = Optional.empty();
    }

    @Override
    public synchronized void onFinish(FinishReason reason, String tail, Account account) {
        text.append(tail);
        end.complete(new Ended(reason, account, text.toString()));
    }

    @Override
    public void onFailure(String message) {
        end.completeExceptionally(new IllegalStateException(message));
    }

    synchronized int heard() {
        return tokens.size();
    }

    Ended await() throws Exception {
        return end.get(120, TimeUnit.SECONDS);
    }
}
