package dev.stator.cluster;

import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A client's request, what it heard, and what became of it on its way. */
final class Question implements GenerationListener {
    /**
     * A call to a node, as the frontend saw it end.
     *
     * @param tokens that the client had then
     * @param died whether the node had the request when its process, or the connection with it,
     *     went from one moment to the next
     * @param seen whether the frontend can know that
     */
    record Loss(Optional<VirtualProcess> node, int tokens, boolean died, boolean seen) {}

    /** How it ended. */
    sealed interface End {
        record Answered(FinishReason reason) implements End {}

        record Shed(Admission.Shed why) implements End {}

        record Failed(String message) implements End {}
    }

    /** Hears of what must never be, and of ends. */
    interface Judge {
        void wrong(Question question, String what);

        void ended(Question question, End end);
    }

    final GenerationRequest request;
    final int[] expected;
    final VirtualCluster.Frontend frontend;
    final boolean blamed;
    private final GreedyModel model;
    private final Judge judge;
    private final StringBuilder text = new StringBuilder();
    private int heard;

    final List<Loss> losses = new ArrayList<>();

    /** Calls to nodes that last. */
    int calls;

    /** Nodes that died of it while its frontend waited for them. */
    int kills;

    boolean cancelled;
    private Optional<End> end = Optional.empty();

    /**
     * @param blamed whether it was asked before, and nodes died of it
     */
    Question(
            GenerationRequest request,
            GreedyModel model,
            VirtualCluster.Frontend frontend,
            boolean blamed,
            Judge judge) {
        this.request = request;
        this.model = model;
        this.expected = model.answer(request.prompt(), request.maxTokens());
        this.frontend = frontend;
        this.blamed = blamed;
        this.judge = judge;
    }

    Optional<End> end() {
        return end;
    }

    int heard() {
        return heard;
    }

    @Override
    public void onToken(GeneratedToken token) {
        if (end.isPresent()) {
            judge.wrong(this, "hears a token after its end");
        } else if (heard == expected.length || token.sampled().token() != expected[heard]) {
            judge.wrong(
                    this,
                    "hears %d as token %d of %s"
                            .formatted(token.sampled().token(), heard, Arrays.toString(expected)));
        }
        heard++;
        text.append(token.text());
    }

    @Override
    public void onFinish(FinishReason reason, String tail, Account account) {
        text.append(tail);
        boolean whole =
                heard == expected.length && text.toString().equals(model.decode(expected, true));
        var last =
                model.endsGeneration(expected[expected.length - 1])
                        ? FinishReason.STOP
                        : FinishReason.LENGTH;
        if (!(whole && reason == last) && !(cancelled && reason == FinishReason.CANCELLED)) {
            judge.wrong(
                    this,
                    "ends with %s after %d of %d tokens".formatted(reason, heard, expected.length));
        }
        if (account.generated().length != heard) {
            judge.wrong(this, "is accounted for with %d".formatted(account.generated().length));
        }
        end(new End.Answered(reason));
    }

    @Override
    public void onShed(Admission.Shed shed) {
        if (heard > 0) {
            judge.wrong(this, "is shed in the midst of its answer");
        }
        end(new End.Shed(shed));
    }

    @Override
    public void onFailure(String message) {
        end(new End.Failed(message));
    }

    private void end(End its) {
        if (end.isPresent()) {
            judge.wrong(this, "ends again, with %s after %s".formatted(its, end.get()));
        }
        end = Optional.of(its);
        judge.ended(this, its);
    }

    /** How many nodes died of it, one after the other, without a token between them. */
    int barrenDeaths() {
        int most = 0;
        int barren = 0;
        int at = -1;
        for (var loss : losses) {
            if (loss.died) {
                barren = loss.tokens == at ? barren + 1 : 1;
                at = loss.tokens;
                most = Math.max(most, barren);
            }
        }
        return most;
    }

    @Override
    public String toString() {
        return "%s at %s".formatted(request.id(), frontend.name());
    }
}
