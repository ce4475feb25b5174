package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.disk.Journal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Texts that are known by name: computed ahead of any question, found wherever they are held, and
 * forgotten with all that was made of them. Thread-safe.
 */
public final class Texts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Texts.class);

    private static final long FIRST_PAUSE_MILLIS = 50;
    private static final long MOST_PAUSE_MILLIS = 5_000;

    /**
     * What was under way between tiers when the last request ended that held a text has arrived
     * after this long.
     */
    private static final long SETTLED_MILLIS = 3_000;

    /**
     * A text in a prompt.
     *
     * @param name of the text
     * @param from the first of the prompt's tokens that say something of it, or one before
     * @param to behind the last that does, or further on
     */
    public record Origin(String name, int from, int to) {}

    /**
     * Where the blocks of a prompt are.
     *
     * @param remote known to be in the store that nodes share
     */
    public record Holding(int blocks, int host, int disk, int remote) {}

    /**
     * An erasure that has begun.
     *
     * @param swept completes when nothing is held any more that was made of the text, but for what
     *     may yet come from where it was just being moved, which is removed when it comes
     * @param ended completes when nothing can come any more
     */
    public record Erasure(CompletableFuture<Boolean> swept, CompletableFuture<Boolean> ended) {}

    /** Entries that outlive the process, encrypted. */
    public interface Log {
        /** To be called once, before anything is appended. */
        List<byte[]> read();

        void append(byte[] entry);

        /** Puts these in the place of all. */
        void rewrite(List<byte[]> all);
    }

    private record Kept(Journal journal) implements Log {
        @Override
        public List<byte[]> read() {
            return journal.read();
        }

        @Override
        public void append(byte[] entry) {
            journal.append(entry);
        }

        @Override
        public void rewrite(List<byte[]> all) {
            journal.rewrite(all);
        }
    }

    private final Blocks blocks;
    private final Background background;
    private final Derivations derivations;
    private final Function<GenerationRequest, BlockKey> roots;
    private final Runnable forgetResidents;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    /**
     * @param roots of the keys of a request's prompt if it is computed exactly
     * @param forgetResidents lets workers forget sequences that nobody uses
     */
    Texts(
            Blocks blocks,
            Background background,
            Function<GenerationRequest, BlockKey> roots,
            Runnable forgetResidents) {
        this.blocks = blocks;
        this.background = background;
        this.roots = roots;
        this.forgetResidents = forgetResidents;
        this.derivations = new Derivations(blocks.journal("derivations"), Derivations.MOST);
    }

    /** Goes on with what an earlier process had begun to erase. */
    void start() {
        derivations.erasing().forEach(this::erase);
    }

    /** A log that outlives the process; empty if nothing does. */
    public Optional<Log> log(String name) {
        return blocks.journal(name).map(Kept::new);
    }

    /** Computes a prompt as soon as no client's request is under way. */
    public CompletableFuture<Account> prefill(GenerationRequest request) {
        return background.compute(request);
    }

    private BlockKey root(GenerationRequest request) {
        var exact = roots.apply(request);
        return request.splice().map(splice -> Splicer.root(exact, splice)).orElse(exact);
    }

    public Holding holding(GenerationRequest request) {
        int[] prompt = request.prompt();
        var keys =
                BlockKey.chain(
                        root(request),
                        Arrays.copyOf(prompt, prompt.length - 1),
                        blocks.blockTokens());
        return blocks.holding(keys);
    }

    /**
     * A request holds texts. To be called before it is submitted, and again when its answer is
     * complete.
     *
     * @param answer what has been generated so far
     */
    public void hold(GenerationRequest request, int[] answer, List<Origin> origins) {
        if (origins.isEmpty()) {
            return;
        }
        int[] tokens = Arrays.copyOf(request.prompt(), request.prompt().length + answer.length);
        System.arraycopy(answer, 0, tokens, request.prompt().length, answer.length);
        for (var origin : origins) {
            for (var pair : pairs(request, tokens, origin)) {
                var tooMany = derivations.add(pair);
                if (!tooMany.isEmpty()) {
                    aside("derivations", () -> drop(tooMany));
                }
            }
        }
    }

    /**
     * The first block that holds the text: of the prompt, which may yet be computed exactly if it
     * is spliced, of the spliced one, and of the prompts in which its passages are computed.
     */
    private List<Derivations.Pair> pairs(GenerationRequest request, int[] tokens, Origin origin) {
        var exact = roots.apply(request);
        var pairs = new ArrayList<Derivations.Pair>();
        pairs.add(pair(exact, tokens, origin.name, origin.from));
        request.splice()
                .ifPresent(
                        splice -> {
                            var root = Splicer.root(exact, splice);
                            pairs.add(pair(root, tokens, origin.name, origin.from));
                            for (var passage : splice.passages()) {
                                if (passage.from() < origin.to && passage.to() > origin.from) {
                                    pairs.add(
                                            source(
                                                    exact,
                                                    request.prompt(),
                                                    splice,
                                                    passage,
                                                    origin));
                                }
                            }
                        });
        return pairs;
    }

    private Derivations.Pair source(
            BlockKey root, int[] prompt, Splice splice, Splice.Passage passage, Origin origin) {
        var source = Stretch.source(root, prompt, splice.head(), passage, blocks.blockTokens());
        int at =
                splice.head() + passage.before().size() + Math.max(0, origin.from - passage.from());
        return pair(root, source.tokens(), origin.name, at);
    }

    /** A block, complete or not. */
    private Derivations.Pair pair(BlockKey root, int[] tokens, String name, int at) {
        int size = blocks.blockTokens();
        int from = Math.min(at, tokens.length - 1) / size * size;
        var keys = BlockKey.chain(root, Arrays.copyOf(tokens, from), size);
        int[] its = Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + size));
        return new Derivations.Pair(
                name,
                Derivations.Spot.of(
                        keys.isEmpty() ? root : keys.getLast(),
                        its,
                        Math.max(0, Math.min(at - from, its.length - 1))));
    }

    /** What was made of one text counts as made of another, too, which says the same. */
    public void rename(String from, String to) {
        derivations.rename(from, to);
    }

    /**
     * Removes all blocks from all tiers of this node that were made of a text, and from the store
     * that it shares with others those that it knows of. Goes on until that is done, also after a
     * restart.
     */
    public Erasure erase(String name) {
        derivations.beginErasing(name);
        var erasure = new Erasure(new CompletableFuture<>(), new CompletableFuture<>());
        aside("erasure", () -> erase(name, erasure));
        return erasure;
    }

    private void aside(String name, Interruptible task) {
        var thread =
                Thread.ofVirtual()
                        .name(name)
                        .unstarted(
                                () -> {
                                    try {
                                        task.run();
                                    } catch (InterruptedException _) {
                                        // The next start goes on with it.
                                    } catch (RuntimeException e) {
                                        LOG.error("blocks could not be erased", e);
                                    } finally {
                                        threads.remove(Thread.currentThread());
                                    }
                                });
        threads.add(thread);
        thread.start();
    }

    private interface Interruptible {
        void run() throws InterruptedException;
    }

    /** Not by interrupting: that would close the files that are being written. */
    private void pause(long millis) throws InterruptedException {
        if (stopping.await(millis, TimeUnit.MILLISECONDS)) {
            throw new InterruptedException("the node stops");
        }
    }

    private void erase(String name, Erasure erasure) throws InterruptedException {
        long begun = background.flights().last();
        var keys = new LinkedHashSet<BlockKey>();
        sweepUntilGone(name, keys, begun);
        erasure.swept.complete(true);
        pause(SETTLED_MILLIS);
        sweepUntilGone(name, keys, begun);
        derivations.erased(name);
        erasure.ended.complete(true);
    }

    /** Until nothing is left and all have ended that were under way when the erasure began. */
    private void sweepUntilGone(String name, Set<BlockKey> keys, long begun)
            throws InterruptedException {
        long pause = FIRST_PAUSE_MILLIS;
        keys.addAll(derivations.of(name));
        while (!blocks.erase(keys) || !background.flights().haveEnded(begun)) {
            forgetResidents.run();
            pause(pause);
            pause = Math.min(2 * pause, MOST_PAUSE_MILLIS);
            keys.addAll(derivations.of(name));
        }
        forgetResidents.run();
    }

    private void drop(List<Derivations.Pair> pairs) throws InterruptedException {
        var keys = new HashSet<BlockKey>();
        pairs.forEach(pair -> keys.addAll(pair.spot().keys()));
        long pause = FIRST_PAUSE_MILLIS;
        while (!blocks.erase(keys)) {
            pause(pause);
            pause = Math.min(2 * pause, MOST_PAUSE_MILLIS);
        }
        derivations.forget(pairs);
    }

    /** What is not erased yet is erased after the next start, if it is on disk. */
    @Override
    public void close() {
        stopping.countDown();
        for (var thread : List.copyOf(threads)) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
