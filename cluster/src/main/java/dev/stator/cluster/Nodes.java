package dev.stator.cluster;

import com.google.protobuf.ByteString;
import dev.stator.cluster.wire.Change;
import dev.stator.cluster.wire.Figures;
import dev.stator.cluster.wire.Inventory;
import dev.stator.cluster.wire.Load;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.NodeNews;
import dev.stator.cluster.wire.Source;
import dev.stator.engine.ModelInfo;
import dev.stator.routing.Plan;
import dev.stator.routing.Router;
import dev.stator.routing.Step;
import dev.stator.routing.Supply;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.serving.ClusterStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The nodes that a frontend knows: a link to each, and what the router and its index are told of
 * it. To the router a node is one worker, named like the node.
 */
final class Nodes implements NodeLink.Owner, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Nodes.class);

    /** A handed over prompt may take so many times what was predicted, and so much longer. */
    private static final double PATIENCE = 2;

    private static final Duration LEAST_PATIENCE = Duration.ofSeconds(10);

    /** What is known of one node. Guarded by the monitor of its link. */
    private static final class Known {
        final Set<Place> places = new HashSet<>();
        final Map<Place, List<ByteString>> telling = new HashMap<>();
        volatile boolean serves;
        volatile Load load = Load.getDefaultInstance();
        volatile Figures figures = Figures.getDefaultInstance();
    }

    private final long frontend;
    private final FrontendOptions options;
    private final ModelInfo model;
    private final Surroundings surroundings;
    private final Router router;
    private final BlockIndex index;
    private final Runnable onNews;

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock, but read without.
    private final Map<String, NodeLink> links = new ConcurrentHashMap<>();
    private final Map<String, String> complaints = new ConcurrentHashMap<>();

    private final Map<NodeLink, Known> known = new ConcurrentHashMap<>();
    private final LongAdder losses = new LongAdder();

    Nodes(
            long frontend,
            FrontendOptions options,
            ModelInfo model,
            Surroundings surroundings,
            Router router,
            Runnable onNews) {
        this.frontend = frontend;
        this.options = options;
        this.model = model;
        this.surroundings = surroundings;
        this.router = router;
        this.index = surroundings.index();
        this.onNews = onNews;
    }

    /** These are the other members of the group now. */
    void members(List<Member> members) {
        lock.lock();
        try {
            var named = new TreeMap<String, Member>();
            complaints.clear();
            for (var member : members) {
                if (member.getRole() == Member.Role.ROLE_NODE) {
                    admit(member, named);
                }
            }
            links.values().forEach(link -> settle(link, named));
            named.values().forEach(this::open);
        } finally {
            lock.unlock();
        }
    }

    private void admit(Member member, Map<String, Member> named) {
        var complaint = complaint(member);
        if (complaint.isEmpty() && named.putIfAbsent(member.getName(), member) != null) {
            complaint =
                    Optional.of(
                            "two nodes call themselves %s; give each a --member-name of its own"
                                    .formatted(member.getName()));
        }
        complaint.ifPresent(
                words -> {
                    complaints.put(member.getName(), words);
                    LOG.warn("{}", words);
                });
    }

    /** Why a node cannot serve this frontend. */
    private Optional<String> complaint(Member member) {
        var shape = member.getShape();
        if (!shape.getFingerprint().equals(model.fingerprint())) {
            return Optional.of(
                    "the node %s is refused: it serves %s (fingerprint %s, KV included), and this frontend %s (%s)"
                            .formatted(
                                    member.getName(),
                                    shape.getModel(),
                                    shortened(shape.getFingerprint()),
                                    model.name(),
                                    shortened(model.fingerprint())));
        }
        if (shape.getBlockTokens() != options.blockTokens()) {
            return Optional.of(
                    "the node %s is refused: its blocks have %d tokens, and this frontend's %d; give both the same --block-tokens"
                            .formatted(
                                    member.getName(),
                                    shape.getBlockTokens(),
                                    options.blockTokens()));
        }
        if (shape.getContextTokens() < options.contextTokens()) {
            return Optional.of(
                    "the node %s is refused: it has a context of %d tokens, and this frontend serves %d; give both the same --context"
                            .formatted(
                                    member.getName(),
                                    shape.getContextTokens(),
                                    options.contextTokens()));
        }
        return Optional.empty();
    }

    private static String shortened(String fingerprint) {
        return fingerprint.substring(0, Math.min(12, fingerprint.length()));
    }

    private void settle(NodeLink link, Map<String, Member> named) {
        var now = Optional.ofNullable(named.get(link.name()));
        if (now.isEmpty()) {
            link.forget();
        } else if (now.get().equals(link.member())) {
            link.remember();
        } else {
            link.replaced();
            links.remove(link.name(), link);
            known.remove(link);
        }
    }

    private void open(Member member) {
        links.computeIfAbsent(
                member.getName(),
                _ -> {
                    var link =
                            new NodeLink(
                                    member,
                                    frontend,
                                    options.nodeTimeout(),
                                    surroundings.clock(),
                                    surroundings.dial(),
                                    this);
                    known.put(link, new Known());
                    surroundings.clock().execute(link::open);
                    return link;
                });
    }

    void tick() {
        lock.lock();
        try {
            for (var link : links.values()) {
                link.tick();
                if (link.state() == NodeLink.State.CLOSED && links.remove(link.name(), link)) {
                    known.remove(link);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    Optional<NodeLink> link(String node) {
        return Optional.ofNullable(links.get(node));
    }

    /** What a node is to do for a plan, and where it takes blocks from that it lacks. */
    record Errand(NodeLink link, List<Source> sources) {}

    /** For the node that answers; empty if it has left. */
    Optional<Errand> answering(Plan plan) {
        return link(plan.decodeWorker())
                .map(
                        link ->
                                switch (plan) {
                                    case Plan.Aggregated _ ->
                                            new Errand(link, sources(plan.supply(), link));
                                    case Plan.Split split -> new Errand(link, handoff(split, link));
                                });
    }

    /** For the node that computes the prompt for another; empty if none does. */
    Optional<Errand> prefilling(Plan plan) {
        return Optional.of(plan)
                .filter(Plan.Split.class::isInstance)
                .flatMap(its -> link(its.prefillWorker()))
                .map(link -> new Errand(link, sources(plan.supply(), link)));
    }

    /** Where a node is to take blocks from that are in the host tiers of others. */
    private List<Source> sources(Supply supply, NodeLink to) {
        var sources = new ArrayList<Source>();
        for (var source : supply.sources()) {
            var owner = source.place().owner();
            if (source.place().tier() == Tier.HOST && !owner.equals(to.name())) {
                link(owner)
                        .ifPresent(
                                peer ->
                                        sources.add(
                                                source(peer, source.toBlock())
                                                        .setFromBlock(source.fromBlock())
                                                        .build()));
            }
        }
        return sources;
    }

    private static Source.Builder source(NodeLink peer, int toBlock) {
        return Source.newBuilder()
                .setToBlock(toBlock)
                .setNode(peer.name())
                .setHost(peer.member().getHost())
                .setPort(peer.member().getPort());
    }

    /** What is there already, and then what the other node computes. */
    private List<Source> handoff(Plan.Split split, NodeLink to) {
        var sources = sources(split.decodeSupply(), to);
        var predicted = split.prediction();
        double millis =
                predicted.queueMillis() + predicted.fetchMillis() + predicted.prefillMillis();
        link(split.prefillWorker())
                .ifPresent(
                        peer ->
                                sources.add(
                                        source(peer, Integer.MAX_VALUE)
                                                .setFromBlock(split.decodeSupply().blocks())
                                                .setPatienceMillis(
                                                        LEAST_PATIENCE.toMillis()
                                                                + (long) (millis * PATIENCE))
                                                .build()));
        return sources;
    }

    /** Nodes that answer. */
    int serving() {
        return (int)
                known.entrySet().stream()
                        .filter(each -> each.getValue().serves)
                        .filter(each -> role(each.getKey()).generates())
                        .count();
    }

    private static WorkerRole role(NodeLink link) {
        return Duties.role(link.member().getShape());
    }

    long losses() {
        return losses.sum();
    }

    List<String> complaints() {
        return complaints.values().stream().sorted().toList();
    }

    /** Nodes that can be asked something, the least busy first. */
    List<NodeGrpc.NodeBlockingStub> stubs() {
        var serving = new ArrayList<Map.Entry<NodeLink, Known>>();
        known.entrySet().stream().filter(each -> each.getValue().serves).forEach(serving::add);
        serving.sort(
                (a, b) ->
                        Long.compare(
                                a.getValue().load.getWaitingTokens(),
                                b.getValue().load.getWaitingTokens()));
        return serving.stream().flatMap(each -> each.getKey().blocking().stream()).toList();
    }

    /** By node. */
    Map<String, Figures> figures() {
        var all = new TreeMap<String, Figures>();
        known.forEach((link, its) -> all.put(link.name(), its.figures));
        return all;
    }

    List<ClusterStatus.Member> status(String self, List<Member> members) {
        var all = new TreeMap<String, ClusterStatus.Member>();
        all.put(
                self,
                new ClusterStatus.Member(
                        self, "frontend", "", "serving", "", "", Optional.empty()));
        for (var member : members) {
            boolean node = member.getRole() == Member.Role.ROLE_NODE;
            all.putIfAbsent(
                    member.getName(),
                    new ClusterStatus.Member(
                            member.getName(),
                            node ? "node" : "frontend",
                            node ? Duties.words(member.getShape()) : "",
                            node ? "refused" : "serving",
                            node ? address(member) : "",
                            member.getVersion(),
                            Optional.empty()));
        }
        known.forEach((link, its) -> all.put(link.name(), status(link, its)));
        return List.copyOf(all.values());
    }

    private static ClusterStatus.Member status(NodeLink link, Known its) {
        var member = link.member();
        var state = link.state();
        return new ClusterStatus.Member(
                member.getName(),
                "node",
                Duties.words(member.getShape()),
                state.name().toLowerCase(Locale.ROOT),
                address(member),
                member.getVersion(),
                state.isUp()
                        ? Optional.of(
                                new ClusterStatus.Load(
                                        its.load.getRunning(),
                                        its.load.getWaitingPrompts(),
                                        ClusterFabric.workers("", its.figures),
                                        its.figures.getHostMap(),
                                        its.figures.getDiskMap(),
                                        its.figures.getRemoteMap()))
                        : Optional.empty());
    }

    private static String address(Member member) {
        return member.getHost() + ":" + member.getPort();
    }

    // What links tell, within their monitors.

    @Override
    public void opened(NodeLink link) {
        var shape = link.member().getShape();
        router.join(
                new WorkerSpec(
                        link.name(),
                        link.name(),
                        shape.getFingerprint(),
                        role(link),
                        shape.getRunning(),
                        shape.getCells(),
                        shape.getStepTokens(),
                        shape.getMixedStepTokens()));
        of(link).ifPresent(its -> its.serves = true);
        LOG.info("the node {} at {} serves", link.name(), address(link.member()));
        onNews.run();
    }

    private Optional<Known> of(NodeLink link) {
        return Optional.ofNullable(known.get(link));
    }

    @Override
    public void closed(NodeLink link) {
        router.leave(link.name());
        of(link).ifPresent(its -> its.serves = false);
    }

    @Override
    public void lost(NodeLink link, String why) {
        if (why.isEmpty()) {
            LOG.info("the node {} has stopped", link.name());
        } else {
            LOG.warn("the node {} is lost: {}", link.name(), why);
            losses.increment();
        }
        closed(link);
    }

    @Override
    public void dropped(NodeLink link) {
        of(link).ifPresent(
                        its -> {
                            its.places.forEach(index::drop);
                            its.places.clear();
                        });
    }

    @Override
    public void asked(NodeLink link) {
        of(link).ifPresent(its -> its.telling.clear());
    }

    @Override
    public boolean heard(NodeLink link, NodeNews news) {
        var its = of(link);
        return its.isEmpty() || heard(link.name(), its.get(), news);
    }

    private boolean heard(String node, Known its, NodeNews news) {
        boolean complete = true;
        for (var inventory : news.getInventoriesList()) {
            complete &= told(node, its, inventory);
        }
        for (var change : news.getChangesList()) {
            complete &= changed(node, its, change);
        }
        for (var step : news.getStepsList()) {
            router.step(
                    node,
                    new Step(
                            step.getNewTokens(),
                            step.getAttendedTokens(),
                            step.getRunning(),
                            step.getContextTokens()),
                    step.getMillis());
        }
        for (var moved : news.getMovedList()) {
            tier(moved.getTier())
                    .ifPresent(
                            tier ->
                                    router.moved(
                                            node,
                                            new Place(
                                                    tier,
                                                    moved.getPeer().isEmpty()
                                                            ? node
                                                            : moved.getPeer()),
                                            moved.getTokens(),
                                            moved.getMillis()));
        }
        if (news.hasFigures()) {
            its.figures = news.getFigures();
        }
        if (news.hasLoad()) {
            its.load = news.getLoad();
            router.report(node, load(news.getLoad()));
            onNews.run();
        }
        return complete;
    }

    private static WorkerLoad load(Load load) {
        return new WorkerLoad(
                load.getRunning(),
                load.getContextTokens(),
                load.getWaitingPrompts(),
                load.getWaitingTokens(),
                load.getWaitingAttended(),
                load.getFreeTokens(),
                load.getSeen());
    }

    private boolean told(String node, Known its, Inventory inventory) {
        var place = place(node, inventory.getTier(), inventory.getOwner());
        if (place.isEmpty()) {
            return true;
        }
        var parts = its.telling.computeIfAbsent(place.get(), _ -> new ArrayList<>());
        parts.add(inventory.getKeys());
        if (inventory.getMore()) {
            return true;
        }
        its.telling.remove(place.get());
        its.places.add(place.get());
        return index.resync(place.get(), inventory.getSequence(), PackedKeys.keys(parts));
    }

    private boolean changed(String node, Known its, Change change) {
        var place = place(node, change.getTier(), change.getOwner());
        var kind =
                switch (change.getKind()) {
                    case KIND_STORED -> Optional.of(BlockEvents.Change.STORED);
                    case KIND_REMOVED -> Optional.of(BlockEvents.Change.REMOVED);
                    case KIND_CLEARED -> Optional.of(BlockEvents.Change.CLEARED);
                    case KIND_UNKNOWN, UNRECOGNIZED -> Optional.<BlockEvents.Change>empty();
                };
        if (place.isEmpty() || kind.isEmpty()) {
            return place.isEmpty();
        }
        its.places.add(place.get());
        return index.apply(
                new BlockEvents(
                        place.get(),
                        change.getSequence(),
                        kind.get(),
                        change.getKeysList().stream().mapToLong(Long::longValue).toArray()));
    }

    /**
     * A node's own tiers are named like the node. Each knows for itself what of a shared store it
     * can read.
     */
    private static Optional<Place> place(String node, String tier, String owner) {
        return tier(tier)
                .map(known -> new Place(known, known == Tier.REMOTE ? owner + "@" + node : node));
    }

    /** Empty for one that only a later version knows. */
    private static Optional<Tier> tier(String name) {
        return Arrays.stream(Tier.values()).filter(tier -> tier.name().equals(name)).findFirst();
    }

    @Override
    public void close() {
        links.values().forEach(NodeLink::close);
    }
}
