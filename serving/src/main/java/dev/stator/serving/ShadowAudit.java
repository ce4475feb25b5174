package dev.stator.serving;

import dev.stator.engine.SamplingOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks some of the prompts that were spliced again when they are through, exactly and spliced, and
 * compares the greedy answers, as a reuse card's trial does. Where they differ more often than a
 * card promises, it {@linkplain #forbids forbids} splicing to that tenant for a while: its prompts
 * are others than those that were measured.
 *
 * <p>One audit at a time, in the least urgent class; what comes up meanwhile is left out.
 */
final class ShadowAudit {
    private static final Logger LOG = LoggerFactory.getLogger(ShadowAudit.class);
    private static final int ANSWER_TOKENS = 32;

    /** Part of the answers that may differ: what the worst card that allows splicing has found. */
    static final double PROMISED_DIFFERENT = 0.03;

    /** The chance that a tenant is wronged whose answers differ just as often as promised. */
    private static final double WRONGED = 0.01;

    /** So many audits count fully; then older ones by half. */
    private static final int REMEMBERED = 200;

    private static final int TENANTS = 1024;
    private static final long FORBIDDEN_NANOS = 3_600_000_000_000L;

    private final double share;
    private final BiFunction<GenerationRequest, GenerationListener, Admission> ask;
    private final RandomGenerator random;
    private final Semaphore idle = new Semaphore(1);
    private final Map<String, Tenant> tenants = new LinkedHashMap<>(16, 0.75f, true);
    private final AtomicLong same = new AtomicLong();
    private final AtomicLong different = new AtomicLong();
    private final AtomicLong openings = new AtomicLong();

    /** Guarded by the map. */
    private static final class Tenant {
        int asked;
        int different;
        Optional<Long> forbiddenSince = Optional.empty();
    }

    /**
     * @param share of the spliced requests that is asked again
     * @param ask must not audit
     */
    ShadowAudit(
            double share,
            BiFunction<GenerationRequest, GenerationListener, Admission> ask,
            RandomGenerator random) {
        this.share = share;
        this.ask = ask;
        this.random = random;
    }

    /** Whether what a tenant's audits found was too much. */
    boolean forbids(String salt) {
        synchronized (tenants) {
            var tenant = Optional.ofNullable(tenants.get(salt));
            var since = tenant.flatMap(its -> its.forbiddenSince);
            if (since.isPresent() && System.nanoTime() - since.get() > FORBIDDEN_NANOS) {
                tenants.remove(salt);
                return false;
            }
            return since.isPresent();
        }
    }

    /**
     * Hears the answer for its listener, and may audit it then.
     *
     * @param follow see {@link Splicer#submit}
     */
    GenerationListener watching(
            GenerationRequest asked, GenerationListener listener, Supplier<Runnable> follow) {
        synchronized (random) {
            if (random.nextDouble() >= share) {
                return listener;
            }
        }
        return new FinishWatch(
                listener,
                (reason, account) -> {
                    if (reason != FinishReason.CANCELLED && account.splicedTokens() > 0) {
                        begin(asked, follow);
                    }
                });
    }

    Map<String, Long> stats() {
        return Map.of(
                "audits_same", same.get(),
                "audits_different", different.get(),
                "breaker_openings", openings.get());
    }

    private void begin(GenerationRequest asked, Supplier<Runnable> follow) {
        if (idle.tryAcquire()) {
            var over = follow.get();
            Thread.ofVirtual()
                    .name("audit")
                    .start(
                            () -> {
                                try {
                                    audit(asked);
                                } catch (CompletionException _) {
                                    LOG.debug("{} was not audited", asked.id());
                                } finally {
                                    over.run();
                                    idle.release();
                                }
                            });
        }
    }

    private void audit(GenerationRequest asked) {
        var again = greedy(asked);
        var splice = asked.splice().orElseThrow();
        var spliced = answer(again.withSplice(splice.unguarded()));
        var exact = answer(again);
        (spliced.equals(exact) ? same : different).incrementAndGet();
        count(asked.salt(), spliced.equals(exact));
    }

    private static GenerationRequest greedy(GenerationRequest asked) {
        var standing = asked.standing().unhurried(ServiceClass.FLEX);
        return new GenerationRequest(
                asked.id() + "/audit",
                asked.prompt(),
                Math.min(ANSWER_TOKENS, asked.maxTokens()),
                SamplingOptions.GREEDY,
                List.of(),
                Set.of(),
                false,
                asked.salt(),
                standing);
    }

    /**
     * @throws CompletionException if there is no answer
     */
    private List<Integer> answer(GenerationRequest request) {
        var answer = new Answer();
        if (ask.apply(request, answer) instanceof Admission.Shed shed) {
            answer.onShed(shed);
        }
        return answer.tokens.join();
    }

    private static final class Answer implements GenerationListener {
        private final List<Integer> heard = new ArrayList<>();
        final CompletableFuture<List<Integer>> tokens = new CompletableFuture<>();

        @Override
        public void onToken(GeneratedToken token) {
            heard.add(token.sampled().token());
        }

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            tokens.complete(List.copyOf(heard));
        }

        @Override
        public void onFailure(String message) {
            tokens.completeExceptionally(new IllegalStateException(message));
        }
    }

    /** What an audit found. */
    void count(String salt, boolean answersAreTheSame) {
        synchronized (tenants) {
            var tenant = tenants.computeIfAbsent(salt, _ -> new Tenant());
            tenant.asked++;
            tenant.different += answersAreTheSame ? 0 : 1;
            if (tenant.forbiddenSince.isEmpty()
                    && chanceOfAtLeast(tenant.different, tenant.asked) < WRONGED) {
                tenant.forbiddenSince = Optional.of(System.nanoTime());
                openings.incrementAndGet();
                LOG.warn(
                        "splicing changed {} of {} audited answers of one tenant, more than the reuse card promises: its requests are answered exactly for an hour",
                        tenant.different,
                        tenant.asked);
            }
            if (tenant.asked >= REMEMBERED) {
                tenant.asked /= 2;
                tenant.different /= 2;
            }
            if (tenants.size() > TENANTS) {
                tenants.remove(tenants.keySet().iterator().next());
            }
        }
    }

    /** That so many of the answers differ or more, if each does as often as promised. */
    private static double chanceOfAtLeast(int different, int asked) {
        double chance = 1;
        double exactly = Math.pow(1 - PROMISED_DIFFERENT, asked);
        for (int i = 0; i < different; i++) {
            chance -= exactly;
            exactly *=
                    (double) (asked - i) / (i + 1) * PROMISED_DIFFERENT / (1 - PROMISED_DIFFERENT);
        }
        return chance;
    }
}
