package dev.stator.cluster;

import dev.stator.cluster.wire.GenerateCall;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.Shape;
import dev.stator.routing.Mode;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.ServiceClass;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Real frontends, and real services of nodes without engines, in virtual processes on virtual
 * machines. What happens to them is somebody else's to say.
 */
final class VirtualCluster implements CallWatch {
    private static final int FIRST_PORT = 7000;
    private static final int RESTART_NANOS = 1_500_000_000;
    private static final Duration DRAIN_POLL = Duration.ofMillis(20);
    private static final Duration LAST_WORDS = Duration.ofMillis(500);

    /** Hears what happens. */
    interface Log {
        void say(String what, Object... of);
    }

    /** A start of a frontend. */
    record Frontend(
            int host, VirtualProcess process, Group group, BlockIndex index, ClusterFabric fabric) {
        String name() {
            return process.name();
        }
    }

    /** A start of a node. */
    record NodeStart(
            int host,
            VirtualProcess process,
            VirtualNode node,
            NodeService service,
            Member member,
            Group group) {
        String name() {
            return member.getName();
        }
    }

    private final Setting setting;
    private final VirtualTime time;
    private final Random random;
    private final Log log;
    private final Consumer<String> onWrong;
    private final VirtualNetwork network;
    private final VirtualGroup group;
    private final GreedyModel model = new GreedyModel();

    /** By machine: the latest start there. */
    private final Map<Integer, Frontend> frontends = new LinkedHashMap<>();

    private final Map<Integer, NodeStart> nodes = new LinkedHashMap<>();
    private final Map<String, Question> questions = new LinkedHashMap<>();
    private final Map<VirtualCall<?, ?>, Long> open = new LinkedHashMap<>();
    private final Set<NodeStart> draining = new LinkedHashSet<>();
    private final Set<Long> everHeld = new LinkedHashSet<>();
    private int starts;
    private boolean tellsAll;

    VirtualCluster(
            Setting setting, VirtualTime time, Random random, Log log, Consumer<String> onWrong) {
        this.setting = setting;
        this.time = time;
        this.random = random;
        this.log = log;
        this.onWrong = onWrong;
        this.network =
                new VirtualNetwork(setting.frontends() + setting.nodes(), time, random, this);
        this.group = new VirtualGroup(time, network, random);
        for (int host = 0; host < setting.frontends(); host++) {
            startFrontend(host);
        }
        for (int host = setting.frontends(); host < hosts(); host++) {
            startNode(host);
        }
    }

    Setting setting() {
        return setting;
    }

    VirtualTime time() {
        return time;
    }

    GreedyModel model() {
        return model;
    }

    int hosts() {
        return setting.frontends() + setting.nodes();
    }

    Collection<Frontend> frontends() {
        return frontends.values();
    }

    Collection<NodeStart> nodes() {
        return nodes.values();
    }

    Collection<Question> questions() {
        return questions.values();
    }

    void add(Question question) {
        questions.put(question.request.id(), question);
    }

    /** Keys of all blocks that any node has ever held. */
    Set<Long> everHeld() {
        return everHeld;
    }

    /** All calls for answers that have not ended at their frontends, and when they began. */
    Map<VirtualCall<?, ?>, Long> open() {
        return open;
    }

    private VirtualProcess process(String name, int host) {
        return new VirtualProcess(name, host, time, random);
    }

    private static ClusterOptions member(String name) {
        return new ClusterOptions(
                "virtual", name, "1", "127.0.0.1", 0, 0, 0, List.of(), Optional.empty());
    }

    void startFrontend(int host) {
        var process = process("f%d.%d".formatted(host, ++starts), host);
        var index = new BlockIndex(new IndexOptions(64 << 10));
        var joined = new ArrayList<Group>();
        var surroundings =
                new Surroundings(
                        process,
                        node ->
                                network.dial(
                                        process, Integer.parseInt(node.getHost()), node.getPort()),
                        (_, self, onChange) -> {
                            joined.add(
                                    Group.join(
                                            group.open(process),
                                            process,
                                            self,
                                            List.of(),
                                            onChange));
                            return joined.getFirst();
                        },
                        index,
                        new SplittableRandom(random.nextLong()));
        var fabric =
                ClusterFabric.start(
                        member("f" + host),
                        new FrontendOptions(
                                setting.policy(),
                                Mode.AUTO,
                                setting.shape().contextTokens(),
                                setting.shape().blockTokens(),
                                ServiceClass.queue(64),
                                setting.timeout(),
                                setting.retries(),
                                setting.patience()),
                        GreedyModel.info(),
                        model,
                        surroundings);
        log.say("%s starts", process);
        frontends.put(host, new Frontend(host, process, joined.getFirst(), index, fabric));
    }

    void startNode(int host) {
        var process = process("n%d.%d".formatted(host, ++starts), host);
        long incarnation = random.nextLong();
        var node =
                new VirtualNode(
                        setting.shape(), model, process, random, everHeld, of -> die(host, of));
        var service =
                new NodeService(
                        incarnation,
                        node,
                        Optional.empty(),
                        _ -> {
                            throw new IllegalStateException("nodes here exchange no blocks");
                        },
                        process,
                        setting.bounds());
        int port = FIRST_PORT + host + (random.nextBoolean() ? 0 : 100 * starts);
        network.listen(port, process, service.bindService());
        var shape = setting.shape();
        var spec = node.spec("n" + host);
        var member =
                Member.newBuilder()
                        .setRole(Member.Role.ROLE_NODE)
                        .setName("n" + host)
                        .setIncarnation(incarnation)
                        .setHost(String.valueOf(host))
                        .setPort(port)
                        .setShape(
                                Shape.newBuilder()
                                        .setModel("greedy")
                                        .setFingerprint(GreedyModel.info().fingerprint())
                                        .setBlockTokens(shape.blockTokens())
                                        .setContextTokens(shape.contextTokens())
                                        .setRunning(spec.maxRunning())
                                        .setCells(spec.kvTokens())
                                        .setStepTokens(spec.stepTokens())
                                        .setMixedStepTokens(spec.mixedStepTokens()))
                        .build();
        var joined = Group.join(group.open(process), process, member, List.of(), _ -> {});
        log.say("%s starts at port %d", process, port);
        nodes.put(host, new NodeStart(host, process, node, service, member, joined));
        if (tellsAll) {
            node.tellAll();
        }
    }

    private NodeStart nodeOf(int host) {
        return Optional.ofNullable(nodes.get(host)).orElseThrow();
    }

    Frontend frontendOf(int host) {
        return Optional.ofNullable(frontends.get(host)).orElseThrow();
    }

    VirtualProcess processOf(int host) {
        return isFrontend(host) ? frontendOf(host).process() : nodeOf(host).process();
    }

    // Faults.

    private void die(int host, GenerationRequest of) {
        log.say("%s dies of %s", processOf(host), of.id());
        // Not what a frontend has called back before.
        open.keySet().stream()
                .filter(call -> call.server().equals(Optional.of(processOf(host))))
                .map(this::question)
                .filter(question -> question.request.id().equals(of.id()))
                .forEach(question -> question.kills++);
        kill(host);
        time.after(random.nextInt(RESTART_NANOS), () -> restart(host));
    }

    /** The process is gone from one moment to the next. */
    void kill(int host) {
        var process = processOf(host);
        log.say("%s dies", process);
        process.kill();
        network.killed(process);
        group.changed();
    }

    void restart(int host) {
        if (processOf(host).isDead()) {
            if (isFrontend(host)) {
                startFrontend(host);
            } else {
                startNode(host);
            }
        }
    }

    void freeze(int host) {
        log.say("%s freezes", processOf(host));
        processOf(host).freeze();
        group.changed();
    }

    void thaw(int host) {
        if (processOf(host).isFrozen()) {
            log.say("%s thaws", processOf(host));
            processOf(host).thaw();
            group.changed();
        }
    }

    void cut(int from, int to) {
        log.say("nothing comes from %s to %s", processOf(from), processOf(to));
        network.cut(from, to);
        group.changed();
    }

    void heal(int from, int to) {
        if (network.isCut(from, to)) {
            log.say("things come from %s to %s again", processOf(from), processOf(to));
            network.heal(from, to);
            group.changed();
        }
    }

    void reset(int frontend, int node) {
        log.say("connections of %s with %s break", processOf(frontend), processOf(node));
        network.reset(frontend, node);
    }

    void slow(int from, int to, long nanos) {
        log.say(
                "from %s to %s it takes %d ms more",
                processOf(from), processOf(to), nanos / 1_000_000);
        network.slow(from, to, nanos);
    }

    void slowDown(int host, int times) {
        log.say("%s is %d times as slow", processOf(host), times);
        nodeOf(host).node.slowDown(times);
    }

    void clear(int host) {
        log.say("the cache of %s is cleared", processOf(host));
        nodeOf(host).node.clear();
    }

    /** What {@code NodeServer} does at a signal, and the process then. */
    void drain(int host, Duration limit) {
        var node = nodeOf(host);
        log.say("%s drains for %d ms", node.process, limit.toMillis());
        draining.add(node);
        node.service.drain();
        awaitDrained(node, node.process.nanos() + limit.toNanos());
    }

    private void awaitDrained(NodeStart node, long end) {
        if (node.service.running() > 0 && node.process.nanos() - end < 0) {
            node.process.after(DRAIN_POLL, () -> awaitDrained(node, end));
            return;
        }
        node.service.handOver();
        node.group.close();
        node.service.close();
        node.process.after(
                LAST_WORDS,
                () -> {
                    if (nodes.get(node.host) == node) {
                        kill(node.host);
                    }
                });
    }

    /** All is as it should be, but for what is dead. */
    void heal() {
        log.say("all heals");
        for (int from = 0; from < hosts(); from++) {
            thaw(from);
            for (int to = 0; to < hosts(); to++) {
                network.slow(from, to, 0);
                heal(from, to);
            }
            if (!isFrontend(from)) {
                nodeOf(from).node.slowDown(1);
                if (draining.contains(nodeOf(from)) && !processOf(from).isDead()) {
                    kill(from);
                }
            }
        }
    }

    /** From now on nodes lose none of their changes. */
    void tellAll() {
        tellsAll = true;
        nodes.values().forEach(each -> each.node.tellAll());
    }

    boolean isFrontend(int host) {
        return host < setting.frontends();
    }

    boolean isUp(int host) {
        return !processOf(host).isDead();
    }

    // What calls for answers become.

    private static boolean isGenerate(VirtualCall<?, ?> call) {
        return call.request() instanceof GenerateCall;
    }

    Question question(VirtualCall<?, ?> call) {
        var id = ((GenerateCall) call.request()).getRequest().getId();
        return Optional.ofNullable(questions.get(id)).orElseThrow();
    }

    @Override
    public void began(VirtualCall<?, ?> call) {
        if (isGenerate(call)) {
            open.put(call, time.now());
            var question = question(call);
            question.calls++;
            if (question.blamed) {
                onWrong.accept("%s goes to a node, which died of it before".formatted(question));
            }
            checkSources(question);
        }
    }

    /** No plan counts on what a node held that is not there any more. */
    private void checkSources(Question question) {
        var fabric = question.frontend.fabric();
        var sources = fabric.decisions(1).getFirst().decision().plan().supply().sources();
        if (sources.isEmpty()) {
            return;
        }
        var up = new LinkedHashMap<String, String>();
        fabric.cluster()
                .orElseThrow()
                .members()
                .forEach(member -> up.put(member.name(), member.state()));
        for (var source : sources) {
            var state = up.getOrDefault(source.place().owner(), "gone");
            if (!Set.of("connecting", "serving", "silent", "draining").contains(state)) {
                onWrong.accept(
                        "%s is to find blocks at %s, which is %s"
                                .formatted(question, source.place(), state));
            }
        }
    }

    @Override
    public void ended(VirtualCall<?, ?> call, Status status, Metadata trailers) {
        if (Optional.ofNullable(open.remove(call)).isEmpty()) {
            return;
        }
        var question = question(call);
        question.calls--;
        boolean leaving = Calls.isLeaving(status.asRuntimeException(trailers));
        if (!status.isOk() && !leaving) {
            boolean dead =
                    call.brokeDown() || call.server().filter(VirtualProcess::isDead).isPresent();
            question.losses.add(
                    new Question.Loss(
                            call.server(),
                            question.heard(),
                            dead && call.reachedServer(),
                            call.hasHeard() && VirtualChannel.isBroken(status)));
        }
        log.say(
                "%s is over at %s with %s after %d tokens",
                question,
                call.server().map(VirtualProcess::name).orElse("nobody"),
                status.getCode(),
                question.heard());
    }

    /**
     * Since when nothing can have come from a node to a frontend; {@link Long#MAX_VALUE} if
     * something can.
     */
    long silentSince(VirtualProcess node, VirtualProcess frontend) {
        long unacknowledged = network.cutSince(frontend.host(), node.host());
        // What it said before it froze may have waited for the way to be free.
        long out =
                node.outSince() == Long.MAX_VALUE
                        ? Long.MAX_VALUE
                        : Math.max(node.outSince(), network.healedAt(node.host(), frontend.host()));
        return Math.min(
                Math.min(out, network.cutSince(node.host(), frontend.host())),
                unacknowledged == Long.MAX_VALUE
                        ? Long.MAX_VALUE
                        : unacknowledged + Duration.ofSeconds(2).toNanos());
    }
}
