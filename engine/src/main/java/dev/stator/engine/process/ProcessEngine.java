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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An engine whose contexts live in processes of their own. This process has the model's vocabulary;
 * each of the others has the model, and what llama.cpp repacks of its weights once more.
 */
public final class ProcessEngine implements Engine {
    private final ProcessOptions options;
    private final Path folder;
    private final LlamaVocabulary vocabulary;
    private final AtomicLong started = new AtomicLong();
    private final Set<Child> children = ConcurrentHashMap.newKeySet();
    private final ModelInfo model;

    private volatile Optional<SharedMemory> shared = Optional.empty();

    /** Has told of the model and waits for the first context. */
    private Optional<Child> spare = Optional.empty();

    /** Of {@link #immovable()}, once somebody asked. */
    private Optional<Optional<String>> immovable = Optional.empty();

    private boolean closed;

    private ProcessEngine(ProcessOptions options, Path folder, LlamaVocabulary vocabulary) {
        this.options = options;
        this.folder = folder;
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
        var folder = Optional.<Path>empty();
        try {
            folder = Optional.of(privateFolder());
            return new ProcessEngine(options, folder.get(), vocabulary);
        } catch (RuntimeException e) {
            folder.ifPresent(ProcessEngine::remove);
            vocabulary.close();
            throw e;
        }
    }

    private static Path privateFolder() {
        try {
            return Files.createTempDirectory(
                    "stator-",
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (IOException | UnsupportedOperationException e) {
            throw new EngineException(
                    "there is no folder for the sockets of the engine's processes: " + e, e);
        }
    }

    private static void remove(Path folder) {
        try {
            Files.deleteIfExists(folder);
        } catch (IOException _) {
            folder.toFile().deleteOnExit();
        }
    }

    private Child start() {
        var child = Child.start(options, folder, started.incrementAndGet());
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
        if (immovable.isEmpty()) {
            var asked = children.stream().filter(child -> !child.isLost()).findFirst();
            if (asked.isEmpty()) {
                asked = Optional.of(loaded());
                spare = asked;
            }
            immovable =
                    Optional.of(asked.get().call(Frame.of(Kind.IMMOVABLE), Frame::takeOptional));
        }
        return immovable.get();
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
        remove(folder);
    }
}
