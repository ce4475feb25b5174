package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Claimant;
import dev.stator.cache.Tenant;
import dev.stator.engine.Certainty;
import dev.stator.routing.Actual;
import dev.stator.routing.Decision;
import dev.stator.routing.Explained;
import dev.stator.routing.Plan;
import dev.stator.routing.RouteRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * One request on its way through: what was asked, its tokens so far, and its account.
 *
 * <p>The decode worker owns it once dispatched. A prefill worker may read the prompt and its keys,
 * which do not change.
 */
final class Request implements Admission.Admitted {
    /** Tokens of an answer that are reckoned with; many end long before they must. */
    static final int ANSWER_TOKENS = 256;

    private final GenerationRequest asked;
    private final GenerationListener listener;
    private final Consumer<Request> onCancel;
    private final List<BlockKey> promptKeys;
    private final BlockKey root;
    private final Tenant owner;
    private final int[] tokens;
    private int size;
    private volatile boolean cancelled;

    /** Claims of the worker that prefills, and of a decode worker that has to do it after all. */
    final Claimant prefillClaimant = new Claimant("prefill of request");

    final Claimant decodeClaimant = new Claimant("decode of request");
    final long submittedNanos = System.nanoTime();
    final AtomicInteger computedTokens = new AtomicInteger();
    private long dispatchedNanos;
    private long promptReadyNanos;
    private long firstTokenNanos;

    /** Of the worker that it is at now, where it has gone on from another. */
    private Leg leg = new Leg(0, 0);

    /** Guarded by this, as are the next. */
    private int generatedAtCrash = -1;

    private int barrenCrashes;
    final AtomicLong onboardNanos = new AtomicLong();

    /** The part of it that the worker spent which prefills. */
    final AtomicLong prefillOnboardNanos = new AtomicLong();

    /** Tokens that were brought from the disk tier for this request, and how long that took. */
    final AtomicInteger diskTokens = new AtomicInteger();

    volatile long diskNanos;

    /** How long it took to bring what was brought while the request waited for its turn. */
    volatile long diskAheadNanos;

    /** The same of the remote tier. */
    final AtomicInteger remoteTokens = new AtomicInteger();

    volatile long remoteNanos;

    /** What comes from peers for it; set before it is submitted. */
    volatile FromPeers peers = FromPeers.nothing();

    /** How long it was looked for there. */
    volatile long lookNanos;

    /** Prompt tokens whose KV was taken from another position. */
    final AtomicInteger splicedTokens = new AtomicInteger();

    /** Tokens of its passages that were computed for it before it was queued, and the time. */
    final AtomicInteger passagesComputed = new AtomicInteger();

    volatile long passagesNanos;

    int deviceTokens;

    /** Whether it gives way to all others; set before it is submitted. */
    volatile boolean background;

    private final List<Stretch> stretches;
    private final RouteRequest route;
    private Optional<Decision> decision = Optional.empty();
    private long boundNanos;
    private volatile long startedNanos;
    private volatile long prefilledNanos;
    private Runnable unpin = () -> {};

    /** Comes before the end of the pins that it has while it is computed. */
    private Runnable whenPromptReady = () -> {};

    private volatile OptionalInt pinnedTokens = OptionalInt.empty();

    /** What became of a guarded one. */
    private volatile Optional<Account.Guarded> guarded = Optional.empty();

    private volatile Optional<String> exactBecause = Optional.empty();
    private volatile Optional<Request> heir = Optional.empty();
    private Runnable whenInDoubt = () -> {};
    private Optional<String> stop = Optional.empty();

    /**
     * @param before tokens of the answer that other workers generated
     * @param firstTokenNanos when this one's first came; 0: not yet
     */
    private record Leg(int before, long firstTokenNanos) {}

    /**
     * @param number unique in this process
     */
    Request(
            long number,
            GenerationRequest asked,
            GenerationListener listener,
            BlockKey exactRoot,
            int blockTokens,
            Consumer<Request> onCancel) {
        this.asked = asked;
        this.listener = listener;
        this.onCancel = onCancel;
        this.owner = asked.standing().owner();
        this.root = asked.splice().map(splice -> Splicer.root(exactRoot, splice)).orElse(exactRoot);
        this.stretches =
                asked.splice()
                        .map(its -> Stretch.of(exactRoot, asked.prompt(), its, blockTokens))
                        .orElse(List.of());
        this.tokens = Arrays.copyOf(asked.prompt(), asked.prompt().length + asked.maxTokens());
        this.size = asked.prompt().length;
        this.promptKeys =
                BlockKey.chain(root, Arrays.copyOf(asked.prompt(), reusable()), blockTokens);
        this.route =
                new RouteRequest(
                        number,
                        routeKeys(blockTokens),
                        blockTokens,
                        asked.prompt().length,
                        Math.min(asked.maxTokens(), ANSWER_TOKENS),
                        asked.standing().tenant(),
                        asked.standing().serviceClass().priority(),
                        asked.standing().deadlineNanos());
    }

    /** Where a block will come from a passage, the router is told of the passage's block. */
    private long[] routeKeys(int blockTokens) {
        long[] keys =
                promptKeys.stream()
                        .limit(reusable() / blockTokens)
                        .mapToLong(BlockKey::high)
                        .toArray();
        for (var stretch : stretches) {
            int first = Math.ceilDiv(stretch.from(), blockTokens);
            for (int block = first; (block + 1) * blockTokens <= stretch.to(); block++) {
                int sourceAt = block * blockTokens - stretch.movedBy();
                keys[block] = stretch.source().keys().get(sourceAt / blockTokens).high();
            }
        }
        return keys;
    }

    /** Runs of the prompt that may come from other prompts; empty if it is an exact one. */
    List<Stretch> stretches() {
        return stretches;
    }

    /** Where the first stretch behind a position begins; the prompt's end if there is none. */
    int nextStretch(int position) {
        return stretches.stream()
                .mapToInt(Stretch::from)
                .filter(from -> from > position)
                .findFirst()
                .orElse(asked.prompt().length);
    }

    /** KV of the tokens {@code [from, to)} came from elsewhere to where the answer is generated. */
    void imported(int from, int to) {
        for (var stretch : stretches) {
            int moved = Math.min(to, stretch.to()) - Math.max(from, stretch.from());
            if (moved > 0 && !stretch.exact()) {
                splicedTokens.addAndGet(moved);
            }
        }
    }

    /** Blocks of this and other prompts that it will read. */
    List<BlockKey> wantedKeys() {
        return Stream.concat(
                        promptKeys.stream(), sources().stream().flatMap(s -> s.keys().stream()))
                .toList();
    }

    /** The prompts that its stretches are of. */
    List<Stretch.Source> sources() {
        return stretches.stream().map(Stretch::source).distinct().toList();
    }

    /** As the router sees it. */
    RouteRequest route() {
        return route;
    }

    GenerationRequest asked() {
        return asked;
    }

    GenerationListener listener() {
        return listener;
    }

    BlockKey root() {
        return root;
    }

    /** Whose the blocks are that come of it. */
    Tenant owner() {
        return owner;
    }

    /**
     * Prompt tokens whose KV can come from elsewhere: all but the last, whose logits begin the
     * answer.
     */
    int reusable() {
        return asked.prompt().length - 1;
    }

    /** Keys of the blocks of the {@link #reusable()} tokens; the last block may be short. */
    List<BlockKey> promptKeys() {
        return promptKeys;
    }

    /**
     * Prompt and answer; valid up to {@link #size()}. Never reallocated, so the prompt may be read
     * from any thread.
     */
    int[] tokens() {
        return tokens;
    }

    int size() {
        return size;
    }

    int generated() {
        return size - asked.prompt().length;
    }

    /**
     * @return whether it is the first token that its present worker generated
     */
    boolean append(int token) {
        tokens[size++] = token;
        boolean first = generated() == leg.before + 1;
        if (first) {
            leg = new Leg(leg.before, System.nanoTime());
            firstTokenNanos = firstTokenNanos == 0 ? leg.firstTokenNanos : firstTokenNanos;
        }
        return first;
    }

    /** What of the answer is there: tokens that whoever goes on with it takes as his own. */
    int[] begun() {
        return Arrays.copyOfRange(tokens, asked.prompt().length - asked.answered(), size);
    }

    /**
     * The engine's process died while it computed this request.
     *
     * @param generated tokens of the answer at that time, as far as who computed knows
     * @return how many died so, one after the other, without a token between them
     */
    synchronized int crashed(int generated) {
        barrenCrashes = generatedAtCrash == generated ? barrenCrashes + 1 : 1;
        generatedAtCrash = generated;
        return barrenCrashes;
    }

    /**
     * Whether a process died while it computed this request, and nothing has cleared it since. Two
     * of them never share a step, or the innocent would be blamed with the guilty.
     */
    synchronized boolean isSuspect() {
        return barrenCrashes > 0 && generatedAtCrash == generated();
    }

    boolean cancelled() {
        return cancelled;
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            cancelled = true;
            onCancel.accept(this);
            heir.ifPresent(Request::cancel);
        }
    }

    /** Before it is submitted; the task is called by an engine thread. */
    void whenInDoubt(Runnable task) {
        whenInDoubt = task;
    }

    /**
     * @param certainty of its first token, which has not been sampled
     * @return whether its guard says no; it then ends here, without a word to its listener, and
     *     goes on as another
     */
    boolean isInDoubt(Certainty certainty) {
        boolean doubted =
                asked.splice().flatMap(Splice::guard).filter(g -> g.doubts(certainty)).isPresent();
        guarded = Optional.of(new Account.Guarded(!doubted, certainty));
        if (doubted) {
            whenInDoubt.run();
        }
        return doubted;
    }

    boolean isGuarded() {
        return asked.splice().flatMap(Splice::guard).isPresent();
    }

    /** From now on whoever cancels this request means the other one, to which its doubt led. */
    void goesOnAs(Request exact) {
        exact.guarded = guarded;
        exact.exactBecause = Optional.of("the first token was in doubt");
        heir = Optional.of(exact);
        if (cancelled) {
            exact.cancel();
        }
    }

    /** A splice was asked for, but is not made use of. */
    void exactBecause(String why) {
        exactBecause = Optional.of(why);
    }

    /**
     * Comes again if a worker is lost, and its part of the answer stays.
     *
     * @param unpin lets go of the prompt's blocks, which must not be evicted between their
     *     publication and the decode worker's reading; idempotent
     */
    void dispatched(Decision decision, Runnable unpin) {
        this.decision = Optional.of(decision);
        this.unpin = unpin;
        this.boundNanos = System.nanoTime();
        this.dispatchedNanos = dispatchedNanos == 0 ? boundNanos : dispatchedNanos;
        this.leg = new Leg(generated(), 0);
        this.startedNanos = 0;
        this.prefilledNanos = 0;
        this.prefillOnboardNanos.set(0);
    }

    Decision decision() {
        return decision.orElseThrow();
    }

    boolean split() {
        return decision.map(Decision::plan).filter(Plan.Split.class::isInstance).isPresent();
    }

    /** Prompt tokens that the plan did not mean to compute. */
    int supplied() {
        return route.reusable(decision().plan().supply().blocks());
    }

    /** The worker that prefills has begun with it; only the first call counts. */
    void started() {
        if (startedNanos == 0) {
            startedNanos = System.nanoTime();
        }
    }

    /** The prefill worker of a split plan has done its part. */
    void prefilled() {
        prefilledNanos = System.nanoTime();
    }

    /** What its present worker's first token, which must be there, took by stage. */
    Actual actual() {
        long first = leg.firstTokenNanos;
        long started = startedNanos == 0 ? first : startedNanos;
        long prefilled = split() && prefilledNanos != 0 ? Math.min(prefilledNanos, first) : first;
        started = Math.min(started, prefilled);
        double fetch = Math.min(prefillOnboardNanos.get() / 1e6, millis(started, prefilled));
        // Nobody could begin before the first blocks had come from slower tiers.
        double fromBelow =
                Math.min(Math.max(diskNanos, remoteNanos) / 1e6, millis(boundNanos, started));
        // Waiting for a peer is neither: this node's router has not predicted it.
        long firstPeer = Math.clamp(peers.firstNanos(), boundNanos, started);
        double queue = Math.max(0, millis(firstPeer, started) - fromBelow);
        long began = Math.clamp(peers.lastNanos(), started, prefilled);
        return new Actual(
                queue,
                fetch + fromBelow,
                Math.max(0, millis(began, prefilled) - fetch),
                millis(prefilled, first));
    }

    void promptReady() {
        if (promptReadyNanos == 0) {
            promptReadyNanos = System.nanoTime();
            whenPromptReady.run();
        }
        unpin();
    }

    /** Before it is submitted. */
    void whenPromptReady(Runnable task) {
        whenPromptReady = task;
    }

    /** So much of its prompt stays in the host tier as was asked. */
    void pinned(int tokens) {
        pinnedTokens = OptionalInt.of(tokens);
    }

    void unpin() {
        unpin.run();
        unpin = () -> {};
    }

    /** The stop string that ends its answer. */
    void stopped(Optional<String> by) {
        stop = by;
    }

    Account account() {
        long now = System.nanoTime();
        int prompt = asked.prompt().length;
        int computed = Math.min(prompt, computedTokens.get() + passagesComputed.get());
        int device = Math.min(prompt - computed, deviceTokens);
        var sources = new LinkedHashMap<String, Integer>();
        sources.put("device", device);
        int disk = Math.min(prompt - computed - device, diskTokens.get());
        int remote = Math.min(prompt - computed - device - disk, remoteTokens.get());
        int peer = Math.min(prompt - computed - device - disk - remote, peers.tokens());
        sources.put("host", prompt - computed - device - disk - remote - peer);
        if (peer > 0) {
            sources.put("peer", peer);
        }
        if (disk > 0) {
            sources.put("disk", disk);
        }
        if (remote > 0) {
            sources.put("remote", remote);
        }
        sources.put("computed", computed);
        var stages = new LinkedHashMap<String, Double>();
        stages.put("queue", millis(submittedNanos, dispatchedNanos == 0 ? now : dispatchedNanos));
        stages.put("onboard", onboardNanos.get() / 1e6);
        if (passagesNanos != 0) {
            stages.put("passages", passagesNanos / 1e6);
        }
        if (diskNanos != 0) {
            stages.put("disk", diskNanos / 1e6);
        }
        if (diskAheadNanos != 0) {
            stages.put("disk_ahead", diskAheadNanos / 1e6);
        }
        if (lookNanos != 0) {
            stages.put("look", lookNanos / 1e6);
        }
        if (peers.nanos() != 0) {
            stages.put("peer", peers.nanos() / 1e6);
        }
        if (remoteNanos != 0) {
            stages.put("remote", remoteNanos / 1e6);
        }
        if (promptReadyNanos != 0) {
            stages.put("prefill", millis(dispatchedNanos, promptReadyNanos));
        }
        if (firstTokenNanos != 0) {
            stages.put("first_token", millis(submittedNanos, firstTokenNanos));
            stages.put("decode", millis(firstTokenNanos, now));
        }
        var plan = decision.map(Decision::plan);
        plan.ifPresent(
                known ->
                        stages.put("predicted_first_token", known.prediction().firstTokenMillis()));
        stages.put("total", millis(submittedNanos, now));
        return new Account(
                split() ? "split" : "aggregated",
                plan.map(Plan::prefillWorker).orElse(""),
                plan.map(Plan::decodeWorker).orElse(""),
                sources,
                splicedTokens.get(),
                Arrays.copyOfRange(tokens, prompt, size),
                stages,
                decision.map(this::explained),
                pinnedTokens,
                guarded,
                exactBecause,
                stop);
    }

    private Explained explained(Decision made) {
        return new Explained(
                made, leg.firstTokenNanos == 0 ? Optional.empty() : Optional.of(actual()));
    }

    /** Keys of full blocks, which a decode worker extends as the answer grows. */
    List<BlockKey> fullBlockKeys(int blockTokens) {
        return new ArrayList<>(promptKeys.subList(0, reusable() / blockTokens));
    }

    private static double millis(long from, long to) {
        return (to - from) / 1e6;
    }
}
