package dev.stator.engine.process;

import dev.stator.engine.Batch;
import dev.stator.engine.Embedder;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.Pause;
import dev.stator.engine.Sampler;
import dev.stator.engine.StepResult;
import dev.stator.engine.llama.LlamaEngine;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Does what comes over a link, one thing after the other, with an engine and one context of it. */
final class Host implements AutoCloseable {
    private final Link link;
    private final Batch batch = new Batch();
    private final Map<Integer, Sampler> samplers = new HashMap<>();
    private final AskingPause pause;
    private Optional<LlamaEngine> engine = Optional.empty();
    private Optional<EngineContext> context = Optional.empty();
    private Optional<Embedder> embedder = Optional.empty();
    private MemorySegment mapping = MemorySegment.NULL;

    Host(Link link) {
        this.link = link;
        this.pause = new AskingPause(link);
    }

    /**
     * Returns never.
     *
     * @throws IOException when the node is gone
     */
    void serve() throws IOException {
        while (true) {
            var frame = link.receive();
            var kind = frame.takeKind();
            switch (kind) {
                case COPY -> context().copy(frame.takeInt(), frame.takeInt(), frame.takeInt());
                case TRUNCATE -> context().truncate(frame.takeInt(), frame.takeInt());
                case CLOSE_SAMPLER ->
                        Optional.ofNullable(samplers.remove(frame.takeInt()))
                                .ifPresent(Sampler::close);
                default -> link.send(answer(kind, frame));
            }
        }
    }

    private Frame answer(Kind kind, Frame frame) throws IOException {
        try {
            var answer = Frame.of(Kind.DONE);
            switch (kind) {
                case LOAD -> load(frame, answer);
                case OPEN -> open(frame, answer);
                case OPEN_EMBEDDER ->
                        embedder = Optional.of(engine().openEmbedder(frame.takeInt()));
                case IMMOVABLE -> answer.put(engine().immovable());
                case STEP -> step(frame, answer);
                case NEW_SAMPLER ->
                        samplers.put(
                                frame.takeInt(),
                                context().sampler(Messages.takeSamplingOptions(frame)));
                case SAMPLE -> Messages.put(answer, sampler(frame).sample(frame.takeInt()));
                case CERTAINTY -> {
                    var certainty = sampler(frame).certainty(frame.takeInt());
                    answer.put(certainty.margin()).put(certainty.entropy());
                }
                case ACCEPT -> sampler(frame).accept(frame.takeInt());
                case EXPORT -> export(frame, answer);
                case IMPORT -> importRows(frame, answer);
                case EMBED -> embed(frame, answer);
                default -> throw new IOException("the node speaks out of turn");
            }
            return answer;
        } catch (EngineException e) {
            return Frame.of(Kind.FAILED).put(e.getMessage());
        }
    }

    private LlamaEngine engine() {
        return engine.orElseThrow();
    }

    private EngineContext context() {
        return context.orElseThrow();
    }

    private Sampler sampler(Frame frame) {
        int number = frame.takeInt();
        return Optional.ofNullable(samplers.get(number)).orElseThrow();
    }

    private void load(Frame frame, Frame answer) {
        var loaded = LlamaEngine.load(Messages.takeLlamaOptions(frame));
        engine = Optional.of(loaded);
        Messages.put(answer, loaded.model());
    }

    private void open(Frame frame, Frame answer) {
        var options = Messages.takeContextOptions(frame);
        boolean pauses = frame.takeBoolean();
        mapping = Segments.takeMapping(frame);
        var opened = engine().open(options, pauses ? pause : Pause.NEVER);
        context = Optional.of(opened);
        answer.put(opened.inHostMemory()).put(opened.attentionTile());
    }

    private void step(Frame frame, Frame answer) {
        context().threads(frame.takeInt());
        batch.clear();
        for (int left = frame.takeInt(); left > 0; left--) {
            int index =
                    batch.add(
                            frame.takeInt(), frame.takeInt(), frame.takeInt(), frame.takeBoolean());
            Optional.ofNullable(samplers.get(frame.takeInt()))
                    .ifPresent(sampler -> batch.willSample(index, sampler));
        }
        boolean done = context().step(batch) == StepResult.DONE;
        answer.put(done);
        for (int i = 0; i < batch.size() && done; i++) {
            int index = i;
            batch.sampler(i).ifPresent(sampler -> sample(sampler, index, answer));
        }
    }

    /** What one sampler cannot do is no matter of the others. */
    private static void sample(Sampler sampler, int index, Frame answer) {
        try {
            var sampled = sampler.sample(index);
            answer.put(Optional.<String>empty());
            Messages.put(answer, sampled);
        } catch (EngineException e) {
            answer.put(Optional.of(e.getMessage()));
        }
    }

    private void export(Frame frame, Frame answer) {
        int sequence = frame.takeInt();
        int from = frame.takeInt();
        int tokens = frame.takeInt();
        int blockTokens = frame.takeInt();
        try (var arena = Arena.ofConfined()) {
            var targets = new ArrayList<MemorySegment>();
            for (int left = frame.takeInt(); left > 0; left--) {
                targets.add(Segments.takeTarget(frame, mapping, arena));
            }
            context().exportRows(sequence, from, tokens, blockTokens, targets);
            targets.forEach(target -> Segments.putWritten(answer, mapping, target));
        }
    }

    private void importRows(Frame frame, Frame answer) {
        int sequence = frame.takeInt();
        int from = frame.takeInt();
        int[] tokensHeld = frame.takeInts();
        int skip = frame.takeInt();
        int tokens = frame.takeInt();
        int[] movedBy = frame.takeInts();
        try (var arena = Arena.ofConfined()) {
            var sources = new ArrayList<MemorySegment>();
            for (int left = frame.takeInt(); left > 0; left--) {
                sources.add(Segments.takeSource(frame, mapping, arena));
            }
            var result =
                    context()
                            .importRows(sequence, from, sources, tokensHeld, skip, tokens, movedBy);
            answer.put(result == StepResult.DONE);
        }
    }

    private void embed(Frame frame, Frame answer) {
        float[] vector = embedder.orElseThrow().embed(frame.takeInts());
        answer.put(vector.length);
        for (float value : vector) {
            answer.put(value);
        }
    }

    @Override
    public void close() throws IOException {
        link.close();
    }
}
