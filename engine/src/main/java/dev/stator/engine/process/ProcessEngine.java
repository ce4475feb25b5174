package dev.stator.engine.process;

import dev.stator.engine.ContextOptions;
import dev.stator.engine.Embedder;
import dev.stator.engine.Engine;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Pause;
import dev.stator.engine.SharedMemory;
import dev.stator.engine.Tokenizer;
import dev.stator.engine.llama.LlamaVocabulary;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An engine whose contexts live in processes of their own. This process has the model's vocabulary;
 * each of the others has the model, and what llama.cpp repacks of its weights once more.
 */
public final class ProcessEngine implements Engine {
    private final ProcessOptions options;
    private final LlamaVocabulary vocabulary;
    private final Set<Child> children = ConcurrentHashMap.newKeySet();
    private final ModelInfo model;

    private volatile Optional<SharedMemory> shared = Optional.empty();

    /** Has told of the model and waits for the first context. */
    private Optional<Child> spare = Optional.empty();

    /** Once somebody asked. */
    private Optional<Mobility> mobility = Optional.empty();

    private boolean closed;

    private record Mobility(Optional<String> immovable) {}

    private ProcessEngine(ProcessOptions options, LlamaVocabulary vocabulary) {
        this.options = options;
        this.vocabulary = vocabulary;
        var first = start();
        try {
            this.model = load(first);
        } catch (RuntimeException e) {
            discard(first);
            throw e;
        }
        this.spare = Optional.of(first);
    }

    /**
     * Loads the vocabulary, and the model in a first process.
     *
     * @throws EngineException if either cannot be loaded
     */
    public static ProcessEngine load(ProcessOptions options) {
        var vocabulary = LlamaVocabulary.load(options.model());
        try {
            return new ProcessEngine(options, vocabulary);
        } catch (RuntimeException e) {
            vocabulary.close();
            throw e;
        }
    }

    private Child start() {
        var child = Child.start(options);
        synchronized (this) {
            if (!closed) {
                children.add(child);
                return child;
            }
        }
        child.close();
        throw new EngineException("the engine is closed");
    }

    private ModelInfo load(Child child) {
        var frame = Frame.of(Kind.LOAD);
        Messages.put(frame, options.model());
        return child.call(frame, Messages::takeModelInfo);
    }

    /** A process that has loaded the model. */
    Child loaded() {
        Optional<Child> first;
        synchronized (this) {
            first = spare;
            spare = Optional.empty();
        }
        if (first.isPresent() && !first.get().isLost()) {
            return first.get();
        }
        first.ifPresent(this::discard);
        var child = start();
        try {
            load(child);
            return child;
        } catch (RuntimeException e) {
            discard(child);
            throw e;
        }
    }

    void discard(Child child) {
        children.remove(child);
        child.close();
    }

    Optional<SharedMemory> shared() {
        return shared;
    }

    @Override
    public ModelInfo model() {
        return model;
    }

    @Override
    public Tokenizer tokenizer() {
        return vocabulary.tokenizer();
    }

    /** Asks a process that is there; what a context computes goes first. */
    @Override
    public synchronized Optional<String> immovable() {
        if (mobility.isEmpty()) {
            var asked = children.stream().filter(child -> !child.isLost()).findFirst();
            if (asked.isEmpty()) {
                asked = Optional.of(loaded());
                spare = asked;
            }
            var why = asked.get().call(Frame.of(Kind.IMMOVABLE), Frame::takeOptional);
            mobility = Optional.of(new Mobility(why));
        }
        return mobility.get().immovable;
    }

    @Override
    public void share(SharedMemory memory) {
        shared = Optional.of(memory);
    }

    @Override
    public EngineContext open(ContextOptions context, Pause pause) {
        return new ProcessContext(this, context, pause);
    }

    @Override
    public Embedder openEmbedder(int threads) {
        if (!model.embeds()) {
            throw new EngineException(
                    "the model %s does not declare a pooling, so it does not embed texts"
                            .formatted(model.name()));
        }
        return new ProcessEmbedder(this, threads);
    }

    /** Ends all processes, also those of contexts that are being reopened. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            spare = Optional.empty();
        }
        children.forEach(this::discard);
        vocabulary.close();
    }
}
