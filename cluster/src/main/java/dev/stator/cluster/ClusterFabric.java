package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.EmbedCall;
import dev.stator.cluster.wire.Figures;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.SplicingCall;
import dev.stator.engine.EngineException;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Actual;
import dev.stator.routing.Decision;
import dev.stator.routing.Dispatcher;
import dev.stator.routing.Explained;
import dev.stator.routing.RouteRequest;
import dev.stator.routing.Router;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Tier;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.ClusterStatus;
import dev.stator.serving.Continuation;
import dev.stator.serving.Fabric;
import dev.stator.serving.FabricStats;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Quarantine;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/**
 * The fabric of a frontend: it computes nothing itself. Nodes of the cluster are the workers of its
 * router; what they generate is relayed.
 */
public final class ClusterFabric implements Fabric {
    private static final Duration TICK = Duration.ofMillis(50);

    /** Who found no node tries again after so long. */
    private static final Duration PARKED = Duration.ofMillis(200);

    private static final long EMBED_SECONDS = 120;
    private static final long ASK_SECONDS = 20;

    /** What a request has for its answer if nobody says how long that will be. */
    private static final int ANSWER_TOKENS = 256;

    private final ModelInfo model;
    private final Tokenizer tokenizer;
    private final FrontendOptions options;
    private final String name;
    private final long id;
    private final Clock clock;
    private final BlockIndex index;
    private final Router router;
    private final Dispatcher<Relay> dispatcher;
    private final Quarantine quarantine = new Quarantine();
    private final AtomicLong requests = new AtomicLong();
    private final Nodes nodes;
    private final Membership membership;

    /** Those that are not over, in the order in which they came. */
    private final Set<Relay> waiting = Collections.synchronizedSet(new LinkedHashSet<>());

    /** Those that no node could take, in that order, and when to try again. */
    private final Map<Relay, Long> parked = Collections.synchronizedMap(new LinkedHashMap<>());

    private final Map<String, LongAdder> promptTokens = new ConcurrentHashMap<>();
    private final LongAdder tokens = new LongAdder();
    private final LongAdder moves = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder quarantined = new LongAdder();

    /** Since when no node serves; empty while one does. */
    private volatile Optional<Long> aloneNanos;

    private volatile boolean stopping;

    private ClusterFabric(
            ClusterOptions cluster,
            FrontendOptions options,
            ModelInfo model,
            Tokenizer tokenizer,
            Surroundings surroundings,
            long id) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.options = options;
        this.name = cluster.name();
        this.id = id;
        this.clock = surroundings.clock();
        this.aloneNanos = Optional.of(clock.nanos());
        this.index = surroundings.index();
        this.router =
                new Router(
                        RouterOptions.of(options.policy(), options.mode())
                                .withSplitsByRole()
                                .withExpectIn(Tier.HOST)
                                .withPeerTiers(EnumSet.of(Tier.HOST)),
                        index,
                        clock,
                        surroundings.random());
        this.dispatcher = new Dispatcher<>(options.queue(), router, clock, new Binding());
        this.nodes = new Nodes(id, options, model, surroundings, router, this::news);
        this.membership =
                surroundings
                        .joining()
                        .join(cluster, ClusterEntry.self(cluster, id), nodes::members);
        clock.after(TICK, this::tick);
    }

    /**
     * Joins the cluster; nodes may come later.
     *
     * @param model whose vocabulary is loaded; nodes of another one are refused
     * @throws ClusterException if the cluster cannot be joined
     */
    public static ClusterFabric start(
            ClusterOptions cluster, FrontendOptions options, ModelInfo model, Tokenizer tokenizer) {
        Surroundings.prepare(cluster.key());
        return start(
                cluster, options, model, tokenizer, Surroundings.of(cluster.key(), Group::join));
    }

    static ClusterFabric start(
            ClusterOptions cluster,
            FrontendOptions options,
            ModelInfo model,
            Tokenizer tokenizer,
            Surroundings surroundings) {
        return start(
                cluster, options, model, tokenizer, surroundings, surroundings.random().nextLong());
    }

    /**
     * @param id of this start of the frontend
     */
    static ClusterFabric start(
            ClusterOptions cluster,
            FrontendOptions options,
            ModelInfo model,
            Tokenizer tokenizer,
            Surroundings surroundings,
            long id) {
        return new ClusterFabric(cluster, options, model, tokenizer, surroundings, id);
    }

    /** Something has changed about the nodes. Called within their locks. */
    private void news() {
        clock.execute(this::pump);
    }

    private void pump() {
        dispatcher.pump();
    }

    // The clock.

    private void tick() {
        if (stopping) {
            return;
        }
        try {
            nodes.tick();
            retryParked();
            noticeSolitude();
            if (dispatcher.state().requests() > 0) {
                pump();
            }
        } finally {
            clock.after(TICK, this::tick);
        }
    }

    private void retryParked() {
        long now = clock.nanos();
        for (var each : List.copyOf(parked.entrySet())) {
            if (now - each.getValue() >= 0 && parked.remove(each.getKey(), each.getValue())) {
                send(each.getKey());
            }
        }
    }

    /** Nobody waits for ever for a node to come. */
    private void noticeSolitude() {
        if (nodes.serving() > 0) {
            aloneNanos = Optional.empty();
            return;
        }
        if (aloneNanos.isEmpty()) {
            aloneNanos = Optional.of(clock.nanos());
        }
        if (isAbandoned()) {
            for (var relay : List.copyOf(waiting)) {
                if (dispatcher.remove(relay.route().id()) || parked.remove(relay) != null) {
                    relay.shed(noNode());
                }
            }
        }
    }

    private boolean isAbandoned() {
        // A node may have come since it was looked.
        return nodes.serving() == 0
                && aloneNanos
                        .filter(since -> clock.nanos() - since > options.patience().toNanos())
                        .isPresent();
    }

    private Admission.Shed noNode() {
        var refused = nodes.complaints();
        return new Admission.Shed(
                Cause.DRAINING,
                5,
                refused.isEmpty()
                        ? "no node of the cluster serves the model now"
                        : "no node of the cluster serves the model now: " + refused.getFirst());
    }

    // Requests.

    @Override
    public Admission submit(GenerationRequest asked, GenerationListener listener) {
        check(asked);
        if (isAbandoned()) {
            return noNode();
        }
        var relay = new Relay(new Desk(), asked, listener, options.retries(), id);
        waiting.add(relay);
        if (quarantine.holds(asked, clock.nanos())) {
            relay.fail(
                    "nodes died of this very request, so it is not tried again for %d minutes"
                            .formatted(Quarantine.TERM.toMinutes()));
            return relay;
        }
        return switch (dispatcher.submit(relay.route(), relay)) {
            case dev.stator.routing.queue.Admission.Queued _ -> relay;
            case dev.stator.routing.queue.Admission.Shed shed -> {
                waiting.remove(relay);
                yield shed(shed);
            }
        };
    }

    private static Admission.Shed shed(dev.stator.routing.queue.Admission.Shed shed) {
        return new Admission.Shed(shed.cause(), shed.retryAfterSeconds(), shed.reason());
    }

    private void check(GenerationRequest asked) {
        if (!model.generates()) {
            throw new IllegalArgumentException(
                    "the model %s embeds texts and does not generate".formatted(model.name()));
        }
        if (asked.prompt().length < 1) {
            throw new IllegalArgumentException("the prompt is empty");
        }
        if (asked.maxTokens() < 1) {
            throw new IllegalArgumentException("at least one token must be generated");
        }
        if ((long) asked.prompt().length + asked.maxTokens() > options.contextTokens()) {
            throw new IllegalArgumentException(
                    "a prompt of %d tokens and an answer of up to %d exceed the context of %d tokens"
                            .formatted(
                                    asked.prompt().length,
                                    asked.maxTokens(),
                                    options.contextTokens()));
        }
        for (int token : asked.prompt()) {
            if (token < 0 || token >= model.vocabularySize()) {
                throw new IllegalArgumentException(
                        "token %d is not one of 0 to %d"
                                .formatted(token, model.vocabularySize() - 1));
            }
        }
    }

    private RouteRequest route(GenerationRequest asked) {
        int blockTokens = options.blockTokens();
        int reusable = asked.prompt().length - 1;
        long[] keys =
                BlockKey.chain(
                                BlockKey.root(model.fingerprint(), asked.salt()),
                                Arrays.copyOf(asked.prompt(), reusable / blockTokens * blockTokens),
                                blockTokens)
                        .stream()
                        .mapToLong(BlockKey::high)
                        .toArray();
        return new RouteRequest(
                requests.incrementAndGet(),
                keys,
                blockTokens,
                asked.prompt().length,
                Math.min(asked.maxTokens(), ANSWER_TOKENS),
                asked.standing().tenant(),
                asked.standing().serviceClass().priority(),
                asked.standing().deadlineNanos());
    }

    /** Past the queue: it has had its turn. */
    private void send(Relay relay) {
        if (relay.isOver()) {
            return;
        }
        router.decide(relay.route(), true)
                .ifPresentOrElse(
                        decision -> {
                            router.dispatched(decision);
                            carryOut(relay, decision);
                        },
                        () -> park(relay));
    }

    private void park(Relay relay) {
        parked.put(relay, clock.nanos() + PARKED.toNanos());
        if (relay.isOver()) {
            parked.remove(relay);
        }
    }

    private void carryOut(Relay relay, Decision decision) {
        nodes.answering(decision.plan())
                .ifPresentOrElse(
                        errand -> relay.start(decision, errand, nodes.prefilling(decision.plan())),
                        () -> {
                            // It has left since.
                            router.finished(decision.request().id());
                            park(relay);
                        });
    }

    private final class Binding implements Dispatcher.Binding<Relay> {
        @Override
        public void bind(Relay relay, Decision decision) {
            carryOut(relay, decision);
        }

        @Override
        public void shed(Relay relay, dev.stator.routing.queue.Admission.Shed shed) {
            relay.shed(ClusterFabric.shed(shed));
        }
    }

    private final class Desk implements Relay.Frontend {
        @Override
        public long nanos() {
            return clock.nanos();
        }

        @Override
        public void execute(Runnable task) {
            clock.execute(task);
        }

        @Override
        public RouteRequest route(GenerationRequest rest) {
            return ClusterFabric.this.route(rest);
        }

        @Override
        public void again(Relay relay, boolean atOnce) {
            if (atOnce) {
                send(relay);
            } else {
                park(relay);
            }
        }

        @Override
        public void withdraw(Relay relay) {
            parked.remove(relay);
            dispatcher.remove(relay.route().id());
        }

        @Override
        public void firstToken(long request, Actual actual) {
            router.firstToken(request, actual);
        }

        @Override
        public void done(long request) {
            router.finished(request);
            if (dispatcher.state().requests() > 0) {
                news();
            }
        }

        @Override
        public Optional<Explained> explained(long request) {
            return router.explain(request);
        }

        @Override
        public Continuation continuation(GenerationRequest asked, int[] sent) {
            return Continuation.of(asked, sent, tokenizer);
        }

        @Override
        public void blame(GenerationRequest asked) {
            quarantined.increment();
            quarantine.add(asked, clock.nanos());
        }

        @Override
        public void count(Relay.Event event) {
            switch (event) {
                case TOKEN -> tokens.increment();
                case MOVED -> moves.increment();
                case FAILED -> failures.increment();
            }
        }

        @Override
        public void ended(Relay relay, Optional<Account> account) {
            waiting.remove(relay);
            account.ifPresent(
                    its ->
                            its.promptTokensBySource()
                                    .forEach(
                                            (source, count) ->
                                                    promptTokens
                                                            .computeIfAbsent(
                                                                    source, _ -> new LongAdder())
                                                            .add(count)));
        }
    }

    /** Whether nothing is left of any request. */
    boolean isIdle() {
        return waiting.isEmpty()
                && parked.isEmpty()
                && dispatcher.state().requests() == 0
                && router.flying() == 0;
    }

    // What the API asks.

    @Override
    public ModelInfo model() {
        return model;
    }

    @Override
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    @Override
    public int contextTokens() {
        return options.contextTokens();
    }

    /** Nodes are alike: any of them knows. */
    @Override
    public Optional<String> unspliceable() {
        return ask(
                stub -> {
                    var answer =
                            stub.withDeadlineAfter(ASK_SECONDS, TimeUnit.SECONDS)
                                    .splicing(SplicingCall.getDefaultInstance());
                    return answer.hasUnspliceable()
                            ? Optional.of(answer.getUnspliceable())
                            : Optional.empty();
                });
    }

    @Override
    public List<float[]> embed(List<int[]> inputs) {
        var call = EmbedCall.newBuilder();
        inputs.forEach(input -> call.addInputsBuilder().addAllTokens(Ints.boxed(input)));
        return ask(
                stub ->
                        stub
                                .withDeadlineAfter(EMBED_SECONDS, TimeUnit.SECONDS)
                                .embed(call.build())
                                .getVectorsList()
                                .stream()
                                .map(
                                        vector -> {
                                            float[] values = new float[vector.getValuesCount()];
                                            for (int i = 0; i < values.length; i++) {
                                                values[i] = vector.getValues(i);
                                            }
                                            return values;
                                        })
                                .toList());
    }

    /** Asks one node after the other until one answers. */
    private <T> T ask(Function<NodeGrpc.NodeBlockingStub, T> question) {
        var last = noNode().reason();
        for (var stub : nodes.stubs()) {
            try {
                return question.apply(stub);
            } catch (StatusRuntimeException e) {
                last = NodeLink.words(e.getStatus());
            }
        }
        throw new EngineException(last);
    }

    @Override
    public FabricStats stats() {
        var sources = new TreeMap<String, Long>();
        promptTokens.forEach((source, count) -> sources.put(source, count.sum()));
        var workers = new ArrayList<FabricStats.Worker>();
        var splicing = new TreeMap<String, Long>();
        nodes.figures()
                .forEach(
                        (node, figures) -> {
                            workers.addAll(workers(node + "/", figures));
                            figures.getSplicingMap()
                                    .forEach(
                                            (what, count) ->
                                                    splicing.merge(what, count, Long::sum));
                        });
        return new FabricStats(
                dispatcher.state(),
                options.queue().maxRequests(),
                workers,
                sources,
                tokens.sum(),
                Map.of(),
                Map.of(),
                Map.of(),
                splicing,
                router.predictionErrors());
    }

    static List<FabricStats.Worker> workers(String prefix, Figures figures) {
        return figures.getWorkersList().stream()
                .map(
                        its ->
                                new FabricStats.Worker(
                                        prefix + its.getId(),
                                        its.getRole(),
                                        its.getRunning(),
                                        its.getWaiting(),
                                        its.getCells(),
                                        its.getCellsUsed(),
                                        its.getCellsResident(),
                                        its.getSteps(),
                                        its.getComputedTokens(),
                                        its.getBytesImported(),
                                        its.getBytesExported()))
                .toList();
    }

    @Override
    public Optional<ClusterStatus> cluster() {
        var counters =
                Map.of(
                        "moved",
                        moves.sum(),
                        "failed",
                        failures.sum(),
                        "quarantined",
                        quarantined.sum(),
                        "nodes_lost",
                        nodes.losses());
        var wrong = new ArrayList<>(nodes.complaints());
        if (nodes.serving() == 0) {
            wrong.addFirst("no node serves the model");
        }
        return Optional.of(
                new ClusterStatus(name, nodes.status(name, membership.members()), counters, wrong));
    }

    /** Blocks that nodes hold, as far as this frontend knows. */
    public long indexedBlocks() {
        return index.stats().blocks();
    }

    @Override
    public List<Explained> decisions(int count) {
        return router.latest(count);
    }

    @Override
    public Optional<Explained> decision(long request) {
        return router.explain(request);
    }

    @Override
    public void drain() {
        dispatcher.drain();
    }

    /** Leaves the cluster; what still runs ends with an error. */
    @Override
    public void close() {
        stopping = true;
        dispatcher.abandon();
        List.copyOf(waiting).forEach(relay -> relay.fail("the server stops"));
        membership.close();
        nodes.close();
    }
}
