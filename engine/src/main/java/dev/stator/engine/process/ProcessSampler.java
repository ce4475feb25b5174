package dev.stator.engine.process;

import dev.stator.engine.Certainty;
import dev.stator.engine.EngineException;
import dev.stator.engine.Sampled;
import dev.stator.engine.Sampler;
import java.util.Optional;

/** A sampler in another process. */
final class ProcessSampler implements Sampler {
    static final int NONE = -1;

    final int number;
    private final Child child;

    /** What was chosen within the last step, and after which of its tokens. */
    private Optional<Ahead> ahead = Optional.empty();

    private int aheadIndex = NONE;

    sealed interface Ahead {
        record Chosen(Sampled sampled) implements Ahead {}

        record Failed(String why) implements Ahead {}
    }

    ProcessSampler(Child child, int number) {
        this.child = child;
        this.number = number;
    }

    void hold(int index, Ahead chosen) {
        ahead = Optional.of(chosen);
        aheadIndex = index;
    }

    @Override
    public Sampled sample(int index) {
        var known = ahead.filter(_ -> index == aheadIndex);
        ahead = Optional.empty();
        if (known.isEmpty()) {
            return child.call(Frame.of(Kind.SAMPLE).put(number).put(index), Messages::takeSampled);
        }
        return switch (known.get()) {
            case Ahead.Chosen(var sampled) -> sampled;
            case Ahead.Failed(var why) -> throw new EngineException(why);
        };
    }

    @Override
    public Certainty certainty(int index) {
        return child.call(
                Frame.of(Kind.CERTAINTY).put(number).put(index),
                answer -> new Certainty(answer.takeDouble(), answer.takeDouble()));
    }

    @Override
    public void accept(int token) {
        child.call(Frame.of(Kind.ACCEPT).put(number).put(token));
    }

    @Override
    public void close() {
        child.post(Frame.of(Kind.CLOSE_SAMPLER).put(number));
    }
}
