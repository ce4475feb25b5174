package dev.stator.engine.process;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.Pause;
import dev.stator.engine.Sampler;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.SharedMemory;
import dev.stator.engine.StepResult;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A context in another process. A step is one exchange: how many threads it may use goes with it,
 * and what its samplers choose comes with its answer.
 */
final class ProcessContext implements EngineContext {
    /** Where a process is and what lies in it: both go with the process. */
    private record Opened(Child child, boolean inHostMemory, int attentionTile) {}

    private final ProcessEngine engine;
    private final ContextOptions options;
    private final Pause pause;
    private final Optional<SharedMemory> shared;
    private volatile Opened opened;
    private int threads;

    /** Numbers samplers; never used twice, so one of a lost process cannot mean another. */
    private int samplers;

    ProcessContext(ProcessEngine engine, ContextOptions options, Pause pause) {
        this.engine = engine;
        this.options = options;
        this.pause = pause;
        this.shared = engine.shared();
        this.threads = options.threads();
        this.opened = open();
    }

    private Opened open() {
        var child = engine.loaded();
        try {
            child.pausesBy(pause);
            var frame = Frame.of(Kind.OPEN);
            Messages.put(frame, options);
            frame.put(pause != Pause.NEVER);
            Segments.put(frame, shared);
            return child.call(
                    frame, answer -> new Opened(child, answer.takeBoolean(), answer.takeInt()));
        } catch (RuntimeException e) {
            engine.discard(child);
            throw e;
        }
    }

    @Override
    public ContextOptions options() {
        return options;
    }

    @Override
    public boolean inHostMemory() {
        return opened.inHostMemory;
    }

    @Override
    public int attentionTile() {
        return opened.attentionTile;
    }

    @Override
    public boolean isLost() {
        return opened.child.isLost();
    }

    @Override
    public void reopen() {
        engine.discard(opened.child);
        opened = open();
    }

    @Override
    public OptionalLong process() {
        return OptionalLong.of(opened.child.pid());
    }

    @Override
    public void threads(int threads) {
        this.threads = threads;
    }

    @Override
    public StepResult step(Batch batch) {
        var frame = Frame.of(Kind.STEP).put(threads).put(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            frame.put(batch.token(i))
                    .put(batch.position(i))
                    .put(batch.sequence(i))
                    .put(batch.output(i))
                    .put(samplerOf(batch, i));
        }
        return opened.child.call(
                frame,
                answer -> {
                    if (!answer.takeBoolean()) {
                        return StepResult.NO_ROOM;
                    }
                    for (int i = 0; i < batch.size(); i++) {
                        takeSample(answer, batch, i);
                    }
                    return StepResult.DONE;
                });
    }

    private int samplerOf(Batch batch, int index) {
        return batch.sampler(index)
                .map(ProcessSampler.class::cast)
                .map(sampler -> sampler.number)
                .orElse(ProcessSampler.NONE);
    }

    private static void takeSample(Frame answer, Batch batch, int index) {
        batch.sampler(index)
                .map(ProcessSampler.class::cast)
                .ifPresent(
                        sampler -> {
                            var failed = answer.takeOptional();
                            if (failed.isPresent()) {
                                sampler.hold(index, new ProcessSampler.Ahead.Failed(failed.get()));
                            } else {
                                var sampled = Messages.takeSampled(answer);
                                sampler.hold(index, new ProcessSampler.Ahead.Chosen(sampled));
                            }
                        });
    }

    @Override
    public Sampler sampler(SamplingOptions sampling) {
        int number = samplers++;
        var frame = Frame.of(Kind.NEW_SAMPLER).put(number);
        Messages.put(frame, sampling);
        var child = opened.child;
        child.call(frame);
        return new ProcessSampler(child, number);
    }

    @Override
    public void exportRows(
            int sequence, int from, int tokens, int blockTokens, List<MemorySegment> targets) {
        var frame =
                Frame.of(Kind.EXPORT)
                        .put(sequence)
                        .put(from)
                        .put(tokens)
                        .put(blockTokens)
                        .put(targets.size());
        targets.forEach(target -> Segments.putTarget(frame, shared, target));
        opened.child.call(
                frame,
                answer -> {
                    targets.forEach(target -> Segments.takeWritten(answer, shared, target));
                    return answer;
                });
    }

    @Override
    public StepResult importRows(
            int sequence,
            int from,
            List<MemorySegment> sources,
            int[] tokensHeld,
            int skip,
            int tokens,
            int[] movedBy) {
        var frame =
                Frame.of(Kind.IMPORT)
                        .put(sequence)
                        .put(from)
                        .put(tokensHeld)
                        .put(skip)
                        .put(tokens)
                        .put(movedBy)
                        .put(sources.size());
        sources.forEach(source -> Segments.putSource(frame, shared, source));
        return opened.child.call(
                frame, answer -> answer.takeBoolean() ? StepResult.DONE : StepResult.NO_ROOM);
    }

    @Override
    public void copy(int source, int target, int tokens) {
        opened.child.post(
                Frame.of(Kind.COPY).put(checked(source)).put(checked(target)).put(tokens));
    }

    @Override
    public void truncate(int sequence, int from) {
        opened.child.post(Frame.of(Kind.TRUNCATE).put(checked(sequence)).put(from));
    }

    /** Here, as nobody answers to what is posted. */
    private int checked(int sequence) {
        if (sequence < 0 || sequence >= options.sequences()) {
            throw new EngineException(
                    "sequence %d is not one of 0 to %d"
                            .formatted(sequence, options.sequences() - 1));
        }
        return sequence;
    }

    @Override
    public void close() {
        engine.discard(opened.child);
    }
}
