package dev.stator.cluster;

import dev.stator.cluster.wire.AnswerPart;
import dev.stator.cluster.wire.Token;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.ObservedFabric;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * One answer on its way from a node's engine to a frontend. Engine threads never wait: what a slow
 * frontend does not take gathers here, at most one answer of it, and goes as one part later.
 */
final class AnswerStream implements GenerationListener {
    private final ServerCallStreamObserver<AnswerPart> call;
    private final BooleanSupplier stopping;
    private final Consumer<AnswerStream> onEnd;

    // Guarded by this.
    private List<Token> waiting = new ArrayList<>();
    private Optional<AnswerPart.Builder> end = Optional.empty();
    private Optional<Admission.Admitted> admitted = Optional.empty();
    private boolean cancelled;
    private boolean over;

    /**
     * @param stopping whether the node stops, which is no failure of the request
     * @param onEnd told once, when the call is over for the node
     */
    AnswerStream(
            ServerCallStreamObserver<AnswerPart> call,
            BooleanSupplier stopping,
            Consumer<AnswerStream> onEnd) {
        this.call = call;
        this.stopping = stopping;
        this.onEnd = onEnd;
        call.setOnReadyHandler(this::flush);
        call.setOnCancelHandler(this::cancel);
    }

    /** Tells the frontend that the node has the request, and may from now on die of it. */
    void accept() {
        synchronized (this) {
            call.onNext(AnswerPart.getDefaultInstance());
        }
    }

    /**
     * @param peers what comes from peers for it
     */
    void submit(ObservedFabric fabric, GenerationRequest request, FromPeers peers) {
        try {
            switch (fabric.submit(request, this, peers)) {
                case Admission.Admitted its -> admitted(its);
                case Admission.Shed shed -> onShed(shed);
            }
        } catch (IllegalArgumentException e) {
            fail(
                    Status.INVALID_ARGUMENT
                            .withDescription(String.valueOf(e.getMessage()))
                            .asRuntimeException());
        }
    }

    private void admitted(Admission.Admitted its) {
        boolean late;
        synchronized (this) {
            admitted = Optional.of(its);
            late = cancelled || over;
        }
        if (late) {
            its.cancel();
        }
    }

    /** The frontend has left, or does not want the answer any more. */
    private void cancel() {
        Optional<Admission.Admitted> its;
        synchronized (this) {
            cancelled = true;
            its = admitted;
        }
        its.ifPresent(Admission.Admitted::cancel);
        close();
    }

    /** Gives the answer back to the frontend, which has all tokens so far or asks for them anew. */
    void handOver() {
        Optional<Admission.Admitted> its;
        synchronized (this) {
            its = admitted;
        }
        fail(Calls.leaving());
        its.ifPresent(Admission.Admitted::cancel);
    }

    private void fail(RuntimeException failure) {
        synchronized (this) {
            if (over || cancelled) {
                return;
            }
            flushTokens();
            call.onError(failure);
        }
        close();
    }

    private void close() {
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
        }
        onEnd.accept(this);
    }

    @Override
    public void onToken(GeneratedToken token) {
        synchronized (this) {
            waiting.add(Answers.message(token));
        }
        flush();
    }

    @Override
    public void onFinish(FinishReason reason, String tail, Account account) {
        end(AnswerPart.newBuilder().setFinished(Answers.message(reason, tail, account)));
    }

    @Override
    public void onShed(Admission.Shed shed) {
        end(AnswerPart.newBuilder().setShed(Answers.message(shed)));
    }

    @Override
    public void onFailure(String message) {
        if (stopping.getAsBoolean()) {
            fail(Calls.leaving());
        } else {
            end(AnswerPart.newBuilder().setFailed(message));
        }
    }

    private void end(AnswerPart.Builder part) {
        synchronized (this) {
            end = Optional.of(part);
        }
        flush();
    }

    private void flush() {
        synchronized (this) {
            if (over || cancelled || (end.isEmpty() && !call.isReady())) {
                return;
            }
            if (end.isEmpty()) {
                flushTokens();
                return;
            }
            call.onNext(end.get().addAllTokens(waiting).build());
            waiting = new ArrayList<>();
            call.onCompleted();
        }
        close();
    }

    private void flushTokens() {
        if (!waiting.isEmpty()) {
            call.onNext(AnswerPart.newBuilder().addAllTokens(waiting).build());
            waiting = new ArrayList<>();
        }
    }
}
