package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.engine.SamplingOptions;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Sees to it that the passages of a spliced prompt are there before it is queued: those that no
 * tier of this node has near are computed as prompts of their own, several at once. So an answer
 * does not depend on what happened to be cached.
 *
 * <p>A passage that cannot be computed so, as when the queue is full, is computed in its place.
 */
final class Splicer {
    private final Blocks blocks;
    private final BiFunction<GenerationRequest, GenerationListener, Request> make;
    private final Function<Request, Admission> queue;
    private final ShadowAudit audit;
    private final LongAdder splicedTokens = new LongAdder();
    private final LongAdder passed = new LongAdder();
    private final LongAdder doubted = new LongAdder();
    private final LongAdder forbidden = new LongAdder();

    /**
     * @param make a request of what was asked
     * @param queue takes a request
     * @param auditShare part of the requests that are audited
     */
    Splicer(
            Blocks blocks,
            BiFunction<GenerationRequest, GenerationListener, Request> make,
            Function<Request, Admission> queue,
            double auditShare) {
        this.blocks = blocks;
        this.make = make;
        this.queue = queue;
        this.audit = new ShadowAudit(auditShare, this::submitUnaudited, new SplittableRandom());
    }

    /**
     * The root of the keys of KV that stands behind spliced KV: never that of exact prompts, unless
     * nothing in it is approximate.
     */
    static BlockKey root(BlockKey exact, Splice splice) {
        var lineage = splice.lineage();
        return lineage.isEmpty() ? exact : BlockKey.root("spliced", exact.toString(), lineage);
    }

    /**
     * @param asked has a splice
     * @param follow for an audit: what has to be told that the request goes on when it has been
     *     answered; gives what has to be told that it is over
     */
    Admission submit(
            GenerationRequest asked, GenerationListener listener, Supplier<Runnable> follow) {
        if (audit.forbids(asked.salt())) {
            forbidden.increment();
            var request = make.apply(asked.exact(), listener);
            request.exactBecause("audits found that splicing changes this tenant's answers");
            return queue.apply(request);
        }
        var counting = new FinishWatch(listener, (_, account) -> count(account));
        return submit(make.apply(asked, audit.watching(asked, counting, follow)));
    }

    private Admission submitUnaudited(GenerationRequest asked, GenerationListener listener) {
        var request = make.apply(asked, listener);
        return asked.splice().isPresent() ? submit(request) : queue.apply(request);
    }

    private Admission submit(Request request) {
        // An engine thread says so: it has better to do than to hash a prompt.
        request.whenInDoubt(() -> Thread.ofVirtual().name("exactly").start(() -> exactly(request)));
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

    /** Its first token was in doubt. */
    private void exactly(Request request) {
        try {
            var exact = make.apply(request.asked().exact(), request.listener());
            request.goesOnAs(exact);
            if (queue.apply(exact) instanceof Admission.Shed shed) {
                exact.listener().onShed(shed);
            }
        } catch (RuntimeException e) {
            request.listener().onFailure(String.valueOf(e.getMessage()));
        }
    }

    private void count(Account account) {
        splicedTokens.add(account.splicedTokens());
        account.guarded().ifPresent(its -> (its.passed() ? passed : doubted).increment());
    }

    /** Counters by name. */
    Map<String, Long> stats() {
        var stats = new HashMap<>(audit.stats());
        stats.put("tokens", splicedTokens.sum());
        stats.put("guard_passed", passed.sum());
        stats.put("guard_doubted", doubted.sum());
        stats.put("forbidden", forbidden.sum());
        return stats;
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
        if (queue.apply(make.apply(passage, new Passage(request, ended)))
                instanceof Admission.Shed) {
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
