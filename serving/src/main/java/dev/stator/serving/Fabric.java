package dev.stator.serving;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Explained;
import java.util.List;
import java.util.Optional;

/**
 * What the API sees of Stator: tokens in, tokens out. Thread-safe.
 *
 * <p>An interface because the HTTP benchmark puts an instant fabric behind the real API.
 */
public interface Fabric extends AutoCloseable {
    ModelInfo model();

    Tokenizer tokenizer();

    /** The most tokens that prompt and answer may have together. */
    int contextTokens();

    /**
     * Takes a request in, or sheds it. The listener is called from engine threads, one call at a
     * time and in order; it must not block.
     *
     * @throws IllegalArgumentException if prompt and answer cannot fit {@link #contextTokens()}
     */
    Admission submit(GenerationRequest request, GenerationListener listener);

    /**
     * Why requests must not have a {@linkplain GenerationRequest#splice() splice}: a sentence
     * without its full stop; empty if they may. The first call may compute a little.
     */
    default Optional<String> unspliceable() {
        return Optional.of("this engine cannot place KV at another position");
    }

    /**
     * Leading tokens of a prompt whose KV this node has near, computed exactly: they cost next to
     * nothing.
     */
    default int held(int[] prompt, String salt) {
        return 0;
    }

    /** The pooled, normalised embeddings of several token lists; blocks. */
    List<float[]> embed(List<int[]> inputs);

    FabricStats stats();

    /** What an operator can see and do of the host tier; empty if there is none. */
    default Optional<CacheControl> cache() {
        return Optional.empty();
    }

    /** Texts that are computed ahead and can be erased; empty if nothing is cached. */
    default Optional<Texts> texts() {
        return Optional.empty();
    }

    /** The cluster behind it; empty if there is none. */
    default Optional<ClusterStatus> cluster() {
        return Optional.empty();
    }

    /** How the last requests were routed, latest first; only so many are kept. */
    List<Explained> decisions(int count);

    /** How a request was routed, by the number that its account names, if it is still kept. */
    Optional<Explained> decision(long request);

    /** Stops taking requests; those in flight go on. */
    void drain();

    @Override
    void close();
}
