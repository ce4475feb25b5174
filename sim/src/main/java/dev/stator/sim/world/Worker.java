package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.sim.time.StepWork;
import dev.stator.sim.time.TimeModel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * An engine with continuous batching. Each step generates a token for every running answer and
 * computes prompt tokens as far as the step's budget goes: first of prompts that lack only the last
 * token, which cost no more than an answer, then oldest first. Prompts are admitted in order when
 * there is memory for all of them. If memory runs out while answers grow, the youngest answer gives
 * up its own and begins again.
 *
 * <p>While nothing but answers run, nothing happens between two steps that anybody could see; so
 * many steps are one event, cut short at a step's end if something is to be computed.
 */
final class Worker {
    /** Part of the memory that admission leaves free for answers to grow into, as vLLM does. */
    private static final double WATERMARK = 0.01;

    /** No event spans more than this, so that reports do not get older. */
    private static final double SPAN_MILLIS = 1_000;

    private static final double RECENT = 0.2;

    private record Chunk(Job job, int tokens) {}

    private final World world;
    private final WorkerSpec spec;
    private final Node node;
    private final TimeModel time;
    private final double slowness;
    private final int blockTokens;
    private final DeviceMemory memory;
    private final Feed feed;
    private final Links links;
    private final Onboarding onboarding;

    private final Deque<Job> queue = new ArrayDeque<>();
    private final List<Job> prompts = new ArrayList<>();
    private final List<Job> running = new ArrayList<>();
    private final List<Job> held = new ArrayList<>();
    private long contextTokens;

    /** Memory that was free when the first in the queue was last refused. */
    private long heldBack = -1;

    /** Set while the worker puts itself in order, so that news on the way do not begin a step. */
    private boolean settling;

    // The step or run of steps that goes on.
    private final List<Chunk> chunks = new ArrayList<>();
    private boolean stepping;
    private long began;
    private int steps;
    private double firstMillis;
    private double growthMillis;
    private long epoch;

    private final long[] seen;
    private long stalledUntil;
    private boolean dead;
    private double promptTokenMillis;
    private long busyNanos;
    private long computedTokens;

    Worker(World world, WorkerSpec spec, Node node, TimeModel time, double slowness, int routers) {
        this.world = world;
        this.spec = spec;
        this.node = node;
        this.time = time;
        this.slowness = slowness;
        blockTokens = world.blockTokens();
        feed = new Feed(new Place(Tier.DEVICE, spec.id()), world::post);
        memory = new DeviceMemory(spec.kvTokens(), blockTokens, feed::removed);
        links = new Links(time);
        onboarding = new Onboarding(world, this, memory, feed);
        seen = new long[routers];
        int tokens = spec.stepTokens();
        promptTokenMillis = time.stepMillis(StepWork.prefill(0, tokens)) * slowness / tokens;
    }

    WorkerSpec spec() {
        return spec;
    }

    Node node() {
        return node;
    }

    Links links() {
        return links;
    }

    int blockTokens() {
        return blockTokens;
    }

    Onboarding onboarding() {
        return onboarding;
    }

    boolean holds(BlockKey key) {
        return !dead && memory.holds(key);
    }

    long busyNanos() {
        return busyNanos;
    }

    long computedTokens() {
        return computedTokens;
    }

    /** What a block would cost to compute again, as recent prompts went. */
    long recomputeMicros(int tokens) {
        return Math.max(1, (long) (tokens * promptTokenMillis * 1000));
    }

    void moved(Place from, int tokens, long nanos) {
        world.post(new Notice.Moved(spec.id(), from, tokens, nanos / 1e6));
    }

    /** Takes a job over from a router. */
    void accept(Job job, int router, long number) {
        seen[router] = Math.max(seen[router], number);
        queue.addLast(job);
        job.estimate = job.feeder.isPresent() ? 1 : onboarding.missing(job.flight);
        changed();
    }

    /** Something may be possible that was not. */
    void changed() {
        if (dead || settling) {
            return;
        }
        settling = true;
        admit();
        if (!stepping) {
            begin();
        } else if (steps > 1 && anyReady()) {
            cut();
        }
        settling = false;
    }

    private void admit() {
        while (!queue.isEmpty()
                && running.size() + prompts.size() < spec.maxRunning()
                && memory.free() > heldBack) {
            Job job = queue.getFirst();
            job.target = job.flight.context();
            int leased = onboarding.lease(job);
            int needed = job.target - leased * blockTokens;
            boolean alone = running.isEmpty() && prompts.isEmpty();
            double spare = alone ? 0 : WATERMARK * memory.capacity();
            if (needed + spare > memory.free()) {
                giveBack(job);
                heldBack = memory.free();
                return;
            }
            queue.removeFirst();
            heldBack = -1;
            job.count(Origin.DEVICE, leased * blockTokens);
            memory.reserve(needed);
            job.reserved = needed;
            prompts.add(job);
            onboarding.advance(job);
        }
    }

    private boolean anyReady() {
        for (Job job : prompts) {
            if (job.state == Job.State.READY) {
                return true;
            }
        }
        return false;
    }

    private void begin() {
        if (world.now() < stalledUntil) {
            return;
        }
        makeRoom();
        plan();
        if (chunks.isEmpty() && running.isEmpty()) {
            return;
        }
        stepping = true;
        began = world.now();
        steps = 1;
        growthMillis = 0;
        firstMillis = stepMillis(0);
        if (chunks.isEmpty()) {
            planRun();
        }
        memory.reserve((long) steps * running.size());
        endAt(began + nanosOf(steps));
    }

    /** Sees that every running answer can grow by a token. */
    private void makeRoom() {
        while (memory.free() < running.size()) {
            preempt(running.removeLast());
        }
    }

    private void preempt(Job job) {
        contextTokens -= job.have;
        release(job);
        job.flight.preemptions++;
        job.state = Job.State.QUEUED;
        job.estimate = job.flight.context();
        queue.addFirst(job);
        heldBack = -1;
    }

    private void plan() {
        int budget = Math.max(1, spec.stepTokens() - running.size());
        for (Job job : prompts) {
            if (job.state == Job.State.READY && job.missing() == 1) {
                budget -= add(job, budget);
            }
        }
        for (Job job : prompts) {
            if (job.state == Job.State.READY && job.missing() > 1) {
                budget -= add(job, budget);
            }
        }
    }

    private int add(Job job, int budget) {
        int tokens = Math.min(budget, job.missing());
        if (tokens > 0) {
            chunks.add(new Chunk(job, tokens));
            job.computeBegan = Math.min(job.computeBegan, world.now());
        }
        return tokens;
    }

    /** Milliseconds of the step that follows {@code after} steps of the batch as it is. */
    private double stepMillis(int after) {
        int tokens = 0;
        double attended = 0;
        for (Chunk chunk : chunks) {
            tokens += chunk.tokens;
            attended += StepWork.attended(chunk.job.have, chunk.tokens);
        }
        long context = contextTokens + (long) running.size() * (after + 1);
        return time.stepMillis(new StepWork(tokens, attended, running.size(), context)) * slowness;
    }

    /**
     * How many steps follow each other without anything else happening, and how they get slower.
     */
    private void planRun() {
        int most = Integer.MAX_VALUE;
        for (Job job : running) {
            most = Math.min(most, job.flight.request.outputTokens() - job.flight.generated);
        }
        most = (int) Math.min(most, memory.free() / running.size());
        most = (int) Math.min(most, Math.max(1, SPAN_MILLIS / firstMillis));
        steps = Math.max(1, most);
        if (steps > 1) {
            growthMillis = (stepMillis(steps - 1) - firstMillis) / (steps - 1);
        }
    }

    /** Duration of the first {@code count} steps: their times form an arithmetic series. */
    private long nanosOf(int count) {
        double millis = count * firstMillis + growthMillis * count * (count - 1.0) / 2;
        return Math.max(1, (long) (millis * 1e6));
    }

    private void endAt(long nanos) {
        long mine = ++epoch;
        world.at(
                nanos,
                () -> {
                    if (mine == epoch) {
                        end();
                    }
                });
    }

    /** Ends a run of steps with the one that is being computed. */
    private void cut() {
        int low = 1;
        int high = steps;
        while (low < high) {
            int middle = (low + high) / 2;
            if (began + nanosOf(middle) >= world.now()) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if (low < steps) {
            memory.unreserve((long) (steps - low) * running.size());
            steps = low;
            endAt(began + nanosOf(steps));
        }
    }

    private void end() {
        settling = true;
        stepping = false;
        long nanos = world.now() - began;
        busyNanos += nanos;
        observe(nanos);
        world.recorder().gaps(nanos / 1e6 / steps, (long) steps * running.size());
        generate();
        compute();
        admit();
        begin();
        publish();
        settling = false;
    }

    private void observe(long nanos) {
        int tokens = 0;
        double attended = 0;
        for (Chunk chunk : chunks) {
            tokens += chunk.tokens;
            attended += StepWork.attended(chunk.job.have, chunk.tokens);
        }
        computedTokens += tokens;
        if (tokens >= blockTokens && running.isEmpty()) {
            promptTokenMillis += RECENT * (nanos / 1e6 / tokens - promptTokenMillis);
        }
        long context = contextTokens + (long) running.size() * (steps + 1) / 2;
        world.post(
                new Notice.Stepped(
                        spec.id(),
                        new Step(tokens, attended, running.size(), context),
                        nanos / 1e6 / steps));
    }

    private void generate() {
        int kept = 0;
        int before = running.size();
        for (int i = 0; i < before; i++) {
            Job job = running.get(i);
            job.flight.generated += steps;
            job.flight.lastTokenAt = world.now();
            job.reserved += steps;
            job.have += steps;
            contextTokens += steps;
            if (job.have / blockTokens > job.blocks) {
                onboarding.complete(job, true);
            }
            if (job.flight.ended()) {
                contextTokens -= job.have;
                end(job);
            } else {
                running.set(kept++, job);
            }
        }
        while (running.size() > kept) {
            running.removeLast();
        }
    }

    private void compute() {
        for (Chunk chunk : chunks) {
            Job job = chunk.job;
            if (job.state == Job.State.ENDED) {
                continue;
            }
            job.have += chunk.tokens;
            job.count(Origin.COMPUTED, chunk.tokens);
            onboarding.complete(job, true);
            if (job.missing() == 0) {
                computed(job);
            }
            job.follower.ifPresent(follower -> follower.worker.onboarding.resume(follower));
        }
        chunks.clear();
    }

    private void computed(Job job) {
        prompts.remove(job);
        job.computedAt = world.now();
        if (job.promptOnly) {
            job.state = Job.State.HELD;
            held.add(job);
            return;
        }
        Flight flight = job.flight;
        flight.generated++;
        if (flight.generated == 1) {
            flight.firstTokenAt = world.now();
            world.began(flight);
        } else {
            world.recorder().gaps((world.now() - flight.lastTokenAt) / 1e6, 1);
        }
        flight.lastTokenAt = world.now();
        if (flight.ended()) {
            end(job);
        } else {
            job.state = Job.State.GENERATING;
            running.add(job);
            contextTokens += job.have;
        }
    }

    private void end(Job job) {
        release(job);
        job.state = Job.State.ENDED;
        world.finished(job.flight);
    }

    /** The other worker has what this one computed. */
    void letGo(Job job) {
        held.remove(job);
        release(job);
        job.state = Job.State.ENDED;
        changed();
        publish();
    }

    private void release(Job job) {
        onboarding.unclaim(job);
        giveBack(job);
    }

    /** Takes the job's memory back; its complete blocks stay until the room is needed. */
    private void giveBack(Job job) {
        for (int block = 0; block < job.blocks; block++) {
            memory.unlease(job.flight.keys[block]);
        }
        memory.unreserve(job.reserved);
        job.blocks = 0;
        job.have = 0;
        job.reserved = 0;
    }

    private void publish() {
        feed.flush();
        world.post(new Notice.Loaded(spec.id(), load(), seen.clone()));
    }

    private WorkerLoad load() {
        long waiting = 0;
        double attended = 0;
        long free = memory.free();
        for (Job job : prompts) {
            int tokens = job.feeder.isPresent() ? 1 : job.missing();
            waiting += tokens;
            attended += StepWork.attended(job.target - tokens, tokens);
        }
        for (Job job : queue) {
            waiting += job.estimate;
            attended += StepWork.attended(job.flight.context() - job.estimate, job.estimate);
            free -= job.flight.context();
        }
        return new WorkerLoad(
                running.size(),
                contextTokens,
                prompts.size() + queue.size(),
                waiting,
                attended,
                free,
                0);
    }

    /** What is being computed takes so much longer. */
    void stall(long nanos) {
        stalledUntil = world.now() + nanos;
        if (stepping) {
            cut();
            endAt(began + nanosOf(steps) + nanos);
        } else {
            world.at(stalledUntil, this::changed);
        }
    }

    /** Loses all that it holds and does; returns the jobs that it had. */
    List<Job> die() {
        dead = true;
        epoch++;
        var lost = new ArrayList<Job>(queue);
        lost.addAll(prompts);
        lost.addAll(running);
        lost.addAll(held);
        for (Job job : lost) {
            onboarding.unclaim(job);
            job.state = Job.State.ENDED;
        }
        return lost;
    }

    /** Drops a job whose request goes on elsewhere. */
    void drop(Job job) {
        switch (job.state) {
            case QUEUED -> queue.remove(job);
            case FETCHING, BLOCKED, READY -> prompts.remove(job);
            case GENERATING -> {
                running.remove(job);
                contextTokens -= job.have;
                memory.unreserve(stepping ? steps : 0);
            }
            case HELD -> held.remove(job);
            case ENDED -> {
                return;
            }
        }
        release(job);
        job.state = Job.State.ENDED;
        changed();
    }

    void checkIntegrity() {
        memory.checkIntegrity();
    }
}
