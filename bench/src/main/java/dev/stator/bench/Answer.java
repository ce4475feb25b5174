package dev.stator.bench;

import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** One answer: when each of its tokens came. Written by an engine thread, read by any. */
final class Answer implements GenerationListener {
    private final long submittedNanos = System.nanoTime();
    private final long[] tokenNanos;
    private final int[] tokens;
    private final CompletableFuture<Void> first = new CompletableFuture<>();
    private final CompletableFuture<Account> end = new CompletableFuture<>();
    private volatile int count;
    private volatile Runnable cancel = () -> {};

    Answer(int maxTokens) {
        tokenNanos = new long[maxTokens];
        tokens = new int[maxTokens];
    }

    Answer admitted(Admission admission) {
        switch (admission) {
            case Admission.Admitted admitted -> cancel = admitted::cancel;
            case Admission.Shed shed ->
                    throw new BenchException("a request was shed: " + shed.reason());
        }
        return this;
    }

    @Override
    public void onToken(GeneratedToken token) {
        int at = count;
        tokenNanos[at] = System.nanoTime();
        tokens[at] = token.sampled().token();
        count = at + 1;
        if (at == 0) {
            first.complete(null);
        }
    }

    @Override
    public void onFinish(FinishReason reason, String tail, Account account) {
        end.complete(account);
    }

    @Override
    public void onFailure(String message) {
        var failure = new BenchException("a request failed: " + message);
        first.completeExceptionally(failure);
        end.completeExceptionally(failure);
    }

    Answer awaitFirst() {
        await(first);
        return this;
    }

    /** Tokens so far. */
    int count() {
        return count;
    }

    Account awaitEnd() {
        return await(end);
    }

    void cancel() {
        cancel.run();
        awaitEnd();
    }

    /** From submission to the first token. */
    double firstMillis() {
        return (tokenNanos[0] - submittedNanos) / 1e6;
    }

    long firstNanos() {
        return tokenNanos[0];
    }

    long lastNanos() {
        return tokenNanos[count - 1];
    }

    int[] tokens() {
        return Arrays.copyOf(tokens, count);
    }

    /** When the first token came after a moment; empty if it had ended. */
    OptionalLong firstAfter(long nanos) {
        return Arrays.stream(tokenNanos, 0, count).filter(at -> at > nanos).findFirst();
    }

    /** How many tokens came after one moment and not after another. */
    long countBetween(long afterNanos, long untilNanos) {
        return Arrays.stream(tokenNanos, 0, count)
                .filter(at -> at > afterNanos && at <= untilNanos)
                .count();
    }

    /** Milliseconds from each token to the next, of those that came within two moments. */
    double[] gapsBetween(long fromNanos, long untilNanos) {
        int seen = count;
        var gaps = new double[seen];
        int size = 0;
        for (int i = 1; i < seen; i++) {
            if (tokenNanos[i] >= fromNanos && tokenNanos[i] <= untilNanos) {
                gaps[size++] = (tokenNanos[i] - tokenNanos[i - 1]) / 1e6;
            }
        }
        return Arrays.copyOf(gaps, size);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof BenchException failure) {
                throw failure;
            }
            throw e;
        }
    }
}
