package dev.stator.sim.world;

import dev.stator.routing.Actual;
import dev.stator.routing.Decision;
import dev.stator.routing.Plan;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.sim.trace.Arrivals;
import dev.stator.sim.trace.TraceRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;

/**
 * A fleet on a virtual clock: the real routing classes and the real cache policy over simulated
 * workers. The same arguments give the same outcome, to the last bit.
 */
public final class World {
    /** Until somebody notices that a worker is gone. */
    private static final long DETECTION_NANOS = 1_000_000_000L;

    private static final int PROGRESS_REQUESTS = 256;

    /** Where a worker is, or will be again. */
    private record Post(WorkerSpec spec, WorkerGroup group, Node node) {}

    private final VirtualClock clock = new VirtualClock();
    private final Recorder recorder = new Recorder();
    private final Fleet fleet;
    private final int blockTokens;
    private final Arrivals arrivals;
    private final long warmUp;
    private final LongConsumer progress;
    private final Map<String, Node> nodes = new LinkedHashMap<>();
    private final Map<String, Worker> workers = new LinkedHashMap<>();
    private final Map<String, Post> posts = new LinkedHashMap<>();
    private final Optional<Store> remote;
    private final List<Front> fronts = new ArrayList<>();
    private List<Notice> notices = new ArrayList<>();
    private long largest;
    private long arrived;
    private long ended;
    private long refused;

    /**
     * @param blockTokens tokens per block of the requests' keys
     * @param warmUp how many requests do not count
     * @param progress hears now and then how many more requests have ended
     */
    public World(
            Fleet fleet,
            RouterOptions options,
            Arrivals arrivals,
            int blockTokens,
            long warmUp,
            long seed,
            LongConsumer progress) {
        this.fleet = fleet;
        this.blockTokens = blockTokens;
        this.arrivals = arrivals;
        this.warmUp = warmUp;
        this.progress = progress;
        var random = new SplittableRandom(seed);
        for (int i = 0; i < fleet.routers(); i++) {
            fronts.add(new Front(this, i, options.withRouters(fleet.routers()), random.split()));
        }
        long blockBytes = fleet.groups().getFirst().time().kvBytesPerToken() * blockTokens;
        remote = store(Tier.REMOTE, "remote", fleet.remote(), blockBytes);
        for (int i = 0; i < fleet.nodes(); i++) {
            var id = "n" + i;
            nodes.put(
                    id,
                    new Node(
                            id,
                            store(Tier.HOST, id, fleet.host(), blockBytes),
                            store(Tier.DISK, id, fleet.disk(), blockBytes),
                            new Claims()));
        }
        fleet.groups().forEach(this::staff);
        fleet.incidents().forEach(this::schedule);
    }

    private Optional<Store> store(Tier tier, String owner, Storage storage, long blockBytes) {
        return storage.bytes() == 0
                ? Optional.empty()
                : Optional.of(new Store(new Place(tier, owner), storage, blockBytes, this::post));
    }

    private void staff(WorkerGroup group) {
        var hosts = List.copyOf(nodes.values());
        for (int i = 0; i < group.count(); i++) {
            var node = hosts.get(i * hosts.size() / group.count());
            var spec =
                    new WorkerSpec(
                            group.name() + i,
                            node.id(),
                            group.kind(),
                            group.role(),
                            group.maxRunning(),
                            group.time().kvTokens(),
                            group.stepTokens());
            var post = new Post(spec, group, node);
            posts.put(spec.id(), post);
            add(post);
            fronts.forEach(front -> front.hear(new Notice.Joined(spec)));
            if (group.role().generates()) {
                largest = Math.max(largest, spec.kvTokens());
            }
        }
    }

    private void add(Post post) {
        var id = post.spec.id();
        double slowness = fleet.slowness().getOrDefault(id, 1.0);
        var time = post.group.time();
        workers.put(id, new Worker(this, post.spec, post.node, time, slowness, fleet.routers()));
    }

    /**
     * Every node's host tier holds these blocks from the beginning, as far as it has room. The
     * routers know.
     *
     * @param keys of one sequence, from its first block on
     */
    public void hold(long[] keys) {
        for (var node : nodes.values()) {
            node.host().ifPresent(host -> host.store(keys));
        }
        notices.forEach(notice -> fronts.forEach(front -> front.hear(notice)));
        notices.clear();
    }

    /**
     * Runs until every request has its answer.
     *
     * @throws IllegalStateException if requests wait for ever, which would be a bug
     */
    public Outcome run(Sla sla) {
        return run(sla, Long.MAX_VALUE).orElseThrow();
    }

    /**
     * Runs until every request has its answer, or too many of them broke the SLA.
     *
     * @param most of the requests that count may break it
     * @return empty if more did
     * @throws IllegalStateException if requests wait for ever, which would be a bug
     */
    public Optional<Outcome> run(Sla sla, long most) {
        recorder.promise(sla);
        arriveNext();
        while (clock.advance()) {
            deliver();
            if (recorder.broken() > most) {
                return Optional.empty();
            }
        }
        if (ended < arrived) {
            throw new IllegalStateException(
                    "%d of %d requests wait for ever".formatted(arrived - ended, arrived));
        }
        return Optional.of(outcome());
    }

    private void arriveNext() {
        arrivals.next()
                .ifPresent(
                        request ->
                                clock.at(
                                        Math.max(clock.nanos(), request.arrivalNanos()),
                                        () -> {
                                            arrive(request);
                                            arriveNext();
                                        }));
    }

    private void arrive(TraceRequest request) {
        if (arrived == warmUp) {
            recorder.begin(clock.nanos());
        }
        long number = arrived++;
        if (request.promptTokens() + request.outputTokens() > largest) {
            refused++;
            end();
            return;
        }
        var front = fronts.get((int) (number % fronts.size()));
        front.submit(new Flight(request, front));
    }

    // What routers say.

    void dispatch(Flight flight, Decision decision) {
        flight.dispatchedAt = clock.nanos();
        flight.predictedMillis = decision.plan().prediction().firstTokenMillis();
        clock.after(
                fleet.dispatchDelay().toNanos(),
                () -> {
                    switch (decision.plan()) {
                        case Plan.Aggregated plan -> aggregated(flight, decision, plan);
                        case Plan.Split plan -> split(flight, decision, plan);
                    }
                });
    }

    private void aggregated(Flight flight, Decision decision, Plan.Aggregated plan) {
        var worker = workers.get(plan.worker());
        if (worker == null) {
            resubmit(flight);
            return;
        }
        var job = new Job(flight, worker, false, true, plan.supply().sources());
        flight.jobs.add(job);
        worker.accept(job, flight.front.number(), decision.number());
    }

    private void split(Flight flight, Decision decision, Plan.Split plan) {
        var prefill = workers.get(plan.prefillWorker());
        var decode = workers.get(plan.decodeWorker());
        if (prefill == null || decode == null) {
            resubmit(flight);
            return;
        }
        var prompt = new Job(flight, prefill, true, true, plan.supply().sources());
        var answer = new Job(flight, decode, false, false, plan.decodeSupply().sources());
        prompt.follower = Optional.of(answer);
        answer.feeder = Optional.of(prompt);
        flight.jobs.add(prompt);
        flight.jobs.add(answer);
        prefill.accept(prompt, flight.front.number(), decision.number());
        decode.accept(answer, flight.front.number(), decision.number());
    }

    private void resubmit(Flight flight) {
        post(new Notice.Finished(flight.front, flight.id, 0));
        flight.restart();
        clock.after(DETECTION_NANOS, () -> flight.front.submit(flight));
    }

    // What workers say.

    /** Tells the routers, later. */
    void post(Notice notice) {
        notices.add(notice);
    }

    void post(BlockEvents events) {
        post(new Notice.Changed(events));
    }

    private void deliver() {
        if (notices.isEmpty()) {
            return;
        }
        var told = notices;
        notices = new ArrayList<>();
        clock.after(
                fleet.reportDelay().toNanos(),
                () ->
                        fronts.forEach(
                                front -> {
                                    told.forEach(front::hear);
                                    front.pump();
                                }));
    }

    /** A flight has its first token. */
    void began(Flight flight) {
        var prompt = flight.jobs.getFirst();
        double computed = (prompt.promptOnly ? prompt.computedAt : clock.nanos()) / 1e6;
        double begun = Math.min(prompt.computeBegan / 1e6, computed);
        double fetch = prompt.fetchNanos / 1e6;
        double queue = Math.max(0, begun - flight.dispatchedAt / 1e6 - fetch);
        var actual = new Actual(queue, fetch, computed - begun, clock.nanos() / 1e6 - computed);
        post(new Notice.Began(flight.front, flight.id, actual));
    }

    void finished(Flight flight) {
        end();
        recorder.finished(flight);
        post(new Notice.Finished(flight.front, flight.id, flight.request.outputTokens()));
        arrivals.followUp(flight.request, clock.nanos())
                .ifPresent(
                        turn ->
                                clock.at(
                                        Math.max(clock.nanos(), turn.arrivalNanos()),
                                        () -> arrive(turn)));
    }

    private void end() {
        ended++;
        if (ended % PROGRESS_REQUESTS == 0) {
            progress.accept(PROGRESS_REQUESTS);
        }
    }

    // Incidents.

    private void schedule(Incident incident) {
        if (!posts.containsKey(incident.worker())) {
            throw new IllegalArgumentException(
                    "there is no worker '%s'; there are %s"
                            .formatted(incident.worker(), String.join(", ", workers.keySet())));
        }
        clock.at(incident.at().toNanos(), () -> befall(incident));
    }

    private void befall(Incident incident) {
        var id = incident.worker();
        var worker = worker(id);
        switch (incident) {
            case Incident.Stall stall ->
                    worker.ifPresent(known -> known.stall(stall.length().toNanos()));
            case Incident.Death _ -> worker.ifPresent(this::lose);
            case Incident.Return _ -> {
                if (worker.isEmpty()) {
                    Optional.ofNullable(posts.get(id)).ifPresent(this::putBack);
                }
            }
        }
    }

    private void putBack(Post post) {
        add(post);
        post(new Notice.Joined(post.spec));
    }

    private void lose(Worker worker) {
        workers.remove(worker.spec().id());
        for (Job job : worker.die()) {
            if (job.promptOnly) {
                job.follower.ifPresent(
                        follower -> {
                            follower.loseFeeder();
                            follower.worker.onboarding().resume(follower);
                        });
            } else {
                job.feeder.ifPresent(feeder -> feeder.worker.drop(feeder));
                resubmit(job.flight);
            }
        }
        clock.after(DETECTION_NANOS, () -> post(new Notice.Left(worker.spec().id())));
    }

    // What there is.

    int blockTokens() {
        return blockTokens;
    }

    long now() {
        return clock.nanos();
    }

    VirtualClock clock() {
        return clock;
    }

    void at(long nanos, Runnable action) {
        clock.at(nanos, action);
    }

    Recorder recorder() {
        return recorder;
    }

    Optional<Worker> worker(String id) {
        return Optional.ofNullable(workers.get(id));
    }

    Optional<Node> node(String id) {
        return Optional.ofNullable(nodes.get(id));
    }

    Optional<Store> remote() {
        return remote;
    }

    private Outcome outcome() {
        var groups =
                fleet.groups().stream()
                        .map(
                                group ->
                                        posts.values().stream()
                                                .filter(post -> post.group == group)
                                                .flatMap(post -> worker(post.spec.id()).stream())
                                                .toList())
                        .toList();
        return new Summary(recorder, groups, fleet.gpus(), clock.nanos()).of(arrived, refused);
    }
}
