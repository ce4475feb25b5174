package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.engine.SamplingOptions;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Sees to it that the passages of a spliced prompt are there before it is queued: those that no
 * tier of this node has near are computed as prompts of their own, several at once. So an answer
 * does not depend on what happened to be cached.
 *
 * <p>A passage that cannot be computed so, as when the queue is full, is computed in its place.
 */
final class Splicer {
    private final Blocks blocks;
    private final Function<Request, Admission> queue;
    private final BiFunction<GenerationRequest, GenerationListener, Admission> compute;

    /**
     * @param queue takes the spliced request
     * @param compute takes a passage's prompt
     */
    Splicer(
            Blocks blocks,
            Function<Request, Admission> queue,
            BiFunction<GenerationRequest, GenerationListener, Admission> compute) {
        this.blocks = blocks;
        this.queue = queue;
        this.compute = compute;
    }

    /**
     * The root of the keys of KV that stands behind spliced KV: never that of exact prompts, unless
     * nothing in it is approximate.
     */
    static BlockKey root(BlockKey exact, Splice splice) {
        var lineage = splice.lineage();
        return lineage.isEmpty() ? exact : BlockKey.root("spliced", exact.toString(), lineage);
    }

    Admission submit(Request request) {
        var missing =
                request.sources().stream().filter(each -> !blocks.isNear(each.keys())).toList();
        if (missing.isEmpty()) {
            return queue.apply(request);
        }
        var unpin = blocks.pin(request.sources().stream().flatMap(s -> s.keys().stream()).toList());
        var left = new AtomicInteger(missing.size());
        long begun = System.nanoTime();
        for (var source : missing) {
            compute(
                    request,
                    source,
                    () -> {
                        if (left.decrementAndGet() == 0) {
                            request.passagesNanos = System.nanoTime() - begun;
                            // Called by an engine thread, which must not wait for the queue.
                            Thread.ofVirtual().name("spliced").start(() -> enter(request, unpin));
                        }
                    });
        }
        return request;
    }

    private void enter(Request request, Runnable unpin) {
        try {
            if (request.cancelled()) {
                request.listener().onFinish(FinishReason.CANCELLED, "", request.account());
            } else if (queue.apply(request) instanceof Admission.Shed shed) {
                request.listener().onShed(shed);
            }
        } finally {
            unpin.run();
        }
    }

    private void compute(Request request, Stretch.Source source, Runnable ended) {
        var asked = request.asked();
        int[] prompt = Arrays.copyOf(source.tokens(), source.tokens().length + 1);
        // KV is published of all but a prompt's last token, whichever that is.
        prompt[source.tokens().length] = source.next();
        var passage =
                new GenerationRequest(
                        asked.id() + "/passage",
                        prompt,
                        1,
                        SamplingOptions.GREEDY,
                        List.of(),
                        Set.of(),
                        false,
                        asked.salt(),
                        asked.standing());
        if (compute.apply(passage, new Passage(request, ended)) instanceof Admission.Shed) {
            ended.run();
        }
    }

    /** Hears that a passage is there. */
    private record Passage(Request request, Runnable ended) implements GenerationListener {
        @Override
        public void onToken(GeneratedToken token) {}

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            int computed = account.promptTokensBySource().getOrDefault("computed", 0);
            request.passagesComputed.addAndGet(Math.max(0, computed - 1));
            ended.run();
        }

        @Override
        public void onFailure(String message) {
            ended.run();
        }
    }
}
