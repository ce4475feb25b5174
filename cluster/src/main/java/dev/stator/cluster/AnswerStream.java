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
 * One answer on its way from a node's engine to a frontend. Engine threads never wait, and only
 * note what they have made: it goes when the {@link Speaker} comes by, at once, all that is there
 * by then in one part. What a slow frontend does not take gathers here, at most one answer of it.
 */
final class AnswerStream implements GenerationListener {
    /** So many tokens go in one part, which keeps it small also with many logprobs. */
    static final int MOST_TOKENS = 1024;

    private final ServerCallStreamObserver<AnswerPart> call;
    private final Speaker speaker;
    private final BooleanSupplier stopping;
    private final Consumer<AnswerStream> onEnd;

    // Guarded by this.
    private List<GeneratedToken> waiting = new ArrayList<>();
    private boolean hasTurn;
    private Optional<AnswerPart.Builder> end = Optional.empty();
    private Optional<Admission.Admitted> admitted = Optional.empty();
    private boolean cancelled;

    /** Whether the call has been ended here: nothing may be said any more. */
    private boolean ended;

    /** Whether {@link #onEnd} has been told. */
    private boolean over;

    /**
     * @param speaker calls {@link #flush} when there is something to say
     * @param stopping whether the node stops, which is no failure of the request
     * @param onEnd told once, when the call is over for the node
     */
    AnswerStream(
            ServerCallStreamObserver<AnswerPart> call,
            Speaker speaker,
            BooleanSupplier stopping,
            Consumer<AnswerStream> onEnd) {
        this.call = call;
        this.speaker = speaker;
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
            late = cancelled || ended;
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
            if (ended || cancelled) {
                return;
            }
            if (end.isPresent()) {
                // It was about to be said, and is better than any other.
                sayEnd(end.get());
            } else {
                sayTokens();
                ended = true;
                call.onError(failure);
            }
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
        boolean tell;
        synchronized (this) {
            waiting.add(token);
            tell = !hasTurn;
            hasTurn = true;
        }
        if (tell) {
            speaker.turn(this);
        }
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
        speaker.turn(this);
    }

    /** Says what there is, unless the frontend does not listen just now. */
    void flush() {
        synchronized (this) {
            hasTurn = false;
            if (ended || cancelled) {
                return;
            }
            if (end.isEmpty()) {
                if (call.isReady()) {
                    sayTokens();
                }
                return;
            }
            sayEnd(end.get());
        }
        close();
    }

    private void sayEnd(AnswerPart.Builder last) {
        sayAllBut(MOST_TOKENS);
        call.onNext(last.addAllTokens(messages(waiting)).build());
        waiting = new ArrayList<>();
        ended = true;
        call.onCompleted();
    }

    private void sayTokens() {
        sayAllBut(0);
    }

    private void sayAllBut(int last) {
        int from = 0;
        while (waiting.size() - from > last) {
            int to = Math.min(waiting.size(), from + MOST_TOKENS);
            call.onNext(
                    AnswerPart.newBuilder()
                            .addAllTokens(messages(waiting.subList(from, to)))
                            .build());
            from = to;
        }
        waiting = from == 0 ? waiting : new ArrayList<>(waiting.subList(from, waiting.size()));
    }

    private static List<Token> messages(List<GeneratedToken> tokens) {
        return tokens.stream().map(Answers::message).toList();
    }
}
