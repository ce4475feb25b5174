package dev.stator.serving;

import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.EngineLostException;
import dev.stator.engine.Sampler;
import dev.stator.engine.StepResult;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Router;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One engine context and the thread that steps it: continuous batching with chunked prefill.
 *
 * <p>Each turn takes in new requests, moves sequences on through the cache, computes one batch (a
 * token for every running answer, the rest of the budget for prompts in order of arrival), samples,
 * and publishes finished blocks. A prefill worker does the same without generating: it computes and
 * publishes all blocks of a prompt, and forgets it.
 */
final class Worker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

    /**
     * How long an idle worker sleeps at most; sequences that wait for others are looked at again
     * then.
     */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Of one that is away. */
    private static final WorkerLoad AWAY = new WorkerLoad(0, 0, 0, 0, 0, 0, 0);

    /** What a worker needs of its node. None of these waits. */
    interface Home {
        void news();

        /** Its worker is lost: the request goes on at another one, as soon as there is one. */
        void goOn(Request request);

        /** Processes of the engine die of it. */
        void blame(Request request);
    }

    private final WorkerOptions options;
    private final WorkerSpec spec;
    private final EngineContext context;
    private final Tokenizer tokenizer;
    private final Blocks blocks;
    private final CoreBudget.Share cores;
    private final Router router;
    private final Observers observers;
    private final Home home;
    private final Onboarder onboarder;
    private final Publisher publisher;
    private final StepBatch batch;
    private final DeviceSlots slots;
    private final Thread thread;

    private final Queue<Request> inbox = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean awake = new AtomicBoolean();
    private final AtomicBoolean forgetting = new AtomicBoolean();
    private volatile boolean stopping;

    // Owned by the worker's thread.
    private final Deque<Request> backlog = new ArrayDeque<>();
    private final List<Sequence> sequences = new ArrayList<>();
    private long seen;

    /** For whom the engine is at work: suspects if its process dies. */
    private List<Request> atWork = List.of();

    private final Reopening reopening;

    // Read by statistics.
    private final AtomicInteger assigned = new AtomicInteger();
    private volatile int usedCells;
    private volatile long steps;
    private volatile long computedTokens;
    private volatile int losses;
    private volatile boolean away;
    private volatile WorkerLoad reported;

    Worker(
            WorkerOptions options,
            WorkerSpec spec,
            EngineContext context,
            Tokenizer tokenizer,
            int bytesPerToken,
            Blocks blocks,
            CoreBudget.Share cores,
            PrefillSpeed speed,
            AttentionTiles tiles,
            Router router,
            TierFeed feed,
            Observers observers,
            Home home,
            Reopening.BackOff backOff) {
        this.options = options;
        this.context = context;
        this.tokenizer = tokenizer;
        this.blocks = blocks;
        this.cores = cores;
        this.router = router;
        this.observers = observers;
        this.home = home;
        this.spec = spec;
        this.reopening = new Reopening(options.id(), context, backOff, this::wake);
        this.reported = new WorkerLoad(0, 0, 0, 0, 0, context.options().cells(), 0);
        this.onboarder = new Onboarder(blocks, context, bytesPerToken, this::moved, this::wake);
        this.publisher = new Publisher(blocks, context, bytesPerToken, speed::millisPerToken);
        this.batch =
                new StepBatch(
                        options,
                        onboarder::mayCompute,
                        speed,
                        blocks.blockTokens(),
                        cores::possible,
                        tiles,
                        context::truncate);
        this.slots =
                new DeviceSlots(
                        context,
                        new Residents(options.residentCells(), feed),
                        blocks.blockTokens());
        this.thread = Thread.ofPlatform().name(options.id()).unstarted(this::run);
    }

    void start() {
        context.process()
                .ifPresent(
                        process ->
                                LOG.info("{} has the engine's process {}", options.id(), process));
        thread.start();
    }

    // Any thread.

    String id() {
        return options.id();
    }

    /** Takes a request in; it will be heard of through its listener. */
    void assign(Request request) {
        assigned.incrementAndGet();
        inbox.add(request);
        cores.oneMore();
        wake();
    }

    /** Clears what it holds of sequences that nobody uses, soon. */
    void forgetResidents() {
        forgetting.set(true);
        wake();
    }

    void wake() {
        awake.set(true);
        LockSupport.unpark(thread);
    }

    /** Its last report, and what it has been given since. */
    WorkerLoad given() {
        return away ? AWAY : Workload.since(reported, options.role(), inbox);
    }

    FabricStats.Worker stats() {
        return new FabricStats.Worker(
                options.id(),
                options.role().label(),
                assigned.get(),
                inbox.size(),
                context.options().cells(),
                usedCells,
                slots.residentCells(),
                steps,
                computedTokens,
                onboarder.bytesImported(),
                publisher.bytesExported(),
                away ? OptionalLong.empty() : context.process(),
                losses);
    }

    // The worker's thread.

    private void run() {
        try {
            while (!stopping) {
                awake.set(false);
                if (!guardedTurn()) {
                    idle();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            cores.work(0);
            abandonAll();
        }
    }

    /**
     * A defect costs the requests it met, not the worker: those that come later find it at work.
     */
    private boolean guardedTurn() throws InterruptedException {
        try {
            return reopening.isPending() ? returned() : turn();
        } catch (EngineLostException e) {
            lost(e.getMessage());
            return true;
        } catch (RuntimeException e) {
            LOG.error("{}: a turn failed; its {} requests end", options.id(), sequences.size(), e);
            List.copyOf(sequences)
                    .forEach(sequence -> fail(sequence, "the server failed: " + e.getMessage()));
            return false;
        }
    }

    private void idle() {
        cores.work(0);
        if (!awake.get() && !stopping) {
            LockSupport.parkNanos(this, IDLE_NANOS);
        }
    }

    /**
     * @return whether anything moved
     */
    private boolean turn() throws InterruptedException {
        atWork = List.of();
        if (context.isLost()) {
            lost("the engine's process ended while it did nothing");
            return true;
        }
        if (forgetting.getAndSet(false)) {
            slots.evictAll();
        }
        boolean moved = admit();
        moved |= reap();
        moved |= onboard();
        batch.fill(sequences);
        observe();
        if (batch.isEmpty()) {
            return moved;
        }
        cores.work(options.role() == Role.DECODE ? batch.sequences().size() : sequences.size());
        step();
        return true;
    }

    private boolean admit() {
        for (var request = inbox.poll(); request != null; request = inbox.poll()) {
            backlog.add(request);
            seen = Math.max(seen, request.decision().number());
        }
        boolean moved = false;
        while (!backlog.isEmpty() && sequences.size() < options.running() && slots.available()) {
            var request = backlog.element();
            atWork = List.of(request);
            begin(request);
            backlog.remove();
            moved = true;
        }
        return moved;
    }

    private void begin(Request request) {
        boolean generates = options.role() == Role.DECODE;
        Optional<Sampler> sampler = Optional.empty();
        if (generates) {
            try {
                sampler = Optional.of(sampler(request));
            } catch (EngineException e) {
                abandon(request, e.getMessage());
                return;
            }
        }
        var keys = request.fullBlockKeys(blocks.blockTokens());
        // Of what another worker generated the cache has blocks, too.
        blocks.extend(keys, request.root(), request.tokens(), request.size() - 1);
        var sequence = new Sequence(request, generates, slots.take(), sampler, keys);
        if (generates) {
            for (int token : request.begun()) {
                // Its text is the client's already.
                sequence.text.accept(tokenizer.bytes(token, true));
            }
        }
        sequences.add(sequence);
        int held = slots.copyInto(sequence);
        if (held > 0) {
            sequence.moveOn(held);
            request.deviceTokens = held;
        }
        if (context.inHostMemory()) {
            // Attention passes over every used cell, at each step. Where importing is a mere copy,
            // residents are worth that only while nobody else computes.
            slots.evictAll();
        }
    }

    /** As if it had chosen the beginning of the answer itself. */
    private Sampler sampler(Request request) {
        var sampling = Continuation.reseeded(request.asked().sampling(), request.generated());
        var sampler = context.sampler(sampling);
        try {
            for (int token : request.begun()) {
                sampler.accept(token);
            }
            return sampler;
        } catch (EngineException e) {
            sampler.close();
            throw e;
        }
    }

    private boolean reap() {
        boolean moved = false;
        for (var sequence : List.copyOf(sequences)) {
            if (sequence.request.cancelled()) {
                finish(sequence, FinishReason.CANCELLED);
                moved = true;
            } else if (!sequence.generates && sequence.ready >= sequence.goal()) {
                drop(sequence);
                moved = true;
            }
        }
        return moved;
    }

    private boolean onboard() {
        boolean moved = false;
        for (var sequence : List.copyOf(sequences)) {
            if (sequence.preempted && !resumes(sequence)) {
                continue;
            }
            int before = sequence.ready;
            atWork = List.of(sequence.request);
            if (onboarder.advance(sequence) == StepResult.NO_ROOM) {
                makeRoom(sequence);
                moved = true;
            }
            if (sequence.ready != before) {
                moved = true;
                begun(sequence);
                publishSpliced(sequence);
            }
            if (sequence.ready >= sequence.goal() && sequence.generates) {
                sequence.request.promptReady();
            }
        }
        return moved;
    }

    /**
     * Passages came from other prompts: under this one's keys nobody has them yet, and others may
     * wait for them.
     */
    private void publishSpliced(Sequence sequence) {
        if (!sequence.request.stretches().isEmpty() && publisher.due(sequence)) {
            try {
                publisher.publish(sequence);
            } catch (EngineException e) {
                fail(sequence, e.getMessage());
            }
        }
    }

    /** A preempted sequence goes on when it is the oldest, or when all before it leave it room. */
    private boolean resumes(Sequence sequence) {
        int used = sequences.stream().mapToInt(s -> s.ready).sum();
        if (sequences.getFirst() == sequence
                || used + sequence.request.size() + Request.ANSWER_TOKENS
                        <= context.options().cells()) {
            sequence.preempted = false;
        }
        return !sequence.preempted;
    }

    private void step() throws InterruptedException {
        StepResult result;
        double millis;
        // From here on its prompts are begun with: that others have the cores is no queue.
        batch.sequences().forEach(this::begun);
        atWork = batch.sequences().stream().map(sequence -> sequence.request).toList();
        try (var lease = cores.take()) {
            context.threads(lease.count());
            result = context.step(batch.batch());
            millis = lease.workedNanos() / 1e6;
        } catch (EngineException e) {
            LOG.error("{}: a step of {} tokens failed", options.id(), batch.batch().size(), e);
            List.copyOf(batch.sequences())
                    .forEach(sequence -> fail(sequence, "the engine failed: " + e.getMessage()));
            return;
        }
        if (result == StepResult.NO_ROOM) {
            makeRoom(batch.sequences().getFirst());
            return;
        }
        steps++;
        var measured = batch.measure(millis);
        router.step(options.id(), measured, millis);
        observers.stepped(measured, millis);
        for (var sequence : List.copyOf(batch.sequences())) {
            afterStep(sequence);
        }
    }

    /** The worker of the plan that prefills has come to a sequence. */
    private void begun(Sequence sequence) {
        if (!sequence.generates || !sequence.request.split()) {
            sequence.request.started();
        }
    }

    /** KV came from the host tier. */
    private void moved(Sequence sequence, int tokens, long nanos) {
        if (!sequence.generates || !sequence.request.split()) {
            sequence.request.prefillOnboardNanos.addAndGet(nanos);
        }
        router.moved(options.id(), options.host(), tokens, nanos / 1e6);
        observers.moved(options.host().tier(), tokens, nanos / 1e6);
    }

    private void afterStep(Sequence sequence) {
        var request = sequence.request;
        int prompt = request.asked().prompt().length;
        int before = sequence.ready;
        sequence.ready += sequence.stepTokens;
        int computed = Math.max(0, Math.min(sequence.ready, prompt) - before);
        request.computedTokens.addAndGet(computed);
        computedTokens += sequence.stepTokens;
        try {
            if (sequence.outputIndex >= 0) {
                request.promptReady();
                if (sequence.isInDoubt()) {
                    giveUp(sequence);
                    return;
                }
                emit(sequence);
            }
            // Ended sequences publish too: the next turn begins with what they generated.
            if (publisher.due(sequence)) {
                publisher.publish(sequence);
            }
        } catch (EngineException e) {
            fail(sequence, e.getMessage());
            return;
        }
        endIfDone(sequence);
    }

    /** Somebody else goes on with it. */
    private void giveUp(Sequence sequence) {
        slots.release(sequence.slot);
        forget(sequence);
        home.news();
    }

    private void emit(Sequence sequence) {
        var request = sequence.request;
        var asked = request.asked();
        var sampled = sequence.sampler.orElseThrow().sample(sequence.outputIndex);
        if (request.append(sampled.token())) {
            router.firstToken(request.route().id(), request.actual());
        }
        boolean ends = asked.endsWith(sampled.token(), tokenizer);
        var text = ends ? "" : sequence.text.accept(tokenizer.bytes(sampled.token(), true));
        call(request, () -> request.listener().onToken(new GeneratedToken(sampled, text)));
        if (ends || sequence.text.stopped()) {
            request.stopped(sequence.text.stop());
            sequence.ended = Optional.of(FinishReason.STOP);
        } else if (request.generated() >= asked.maxTokens()) {
            sequence.ended = Optional.of(FinishReason.LENGTH);
        }
    }

    private void endIfDone(Sequence sequence) {
        sequence.ended.ifPresent(reason -> finish(sequence, reason));
    }

    /** Frees cells: first of ended sequences, then of the youngest running one. */
    private void makeRoom(Sequence wanting) {
        if (slots.evictOne()) {
            return;
        }
        var youngest =
                sequences.reversed().stream().filter(s -> s.ready > 0 && !s.preempted).findFirst();
        if (sequences.size() <= 1 || youngest.isEmpty()) {
            fail(
                    wanting,
                    "the request does not fit the engine's KV memory of %d tokens"
                            .formatted(context.options().cells()));
            return;
        }
        LOG.debug(
                "{}: preempting {}, its {} tokens go on later",
                options.id(),
                youngest.get().request.asked().id(),
                youngest.get().ready);
        preempt(youngest.get());
    }

    private void preempt(Sequence sequence) {
        if (publisher.due(sequence)) {
            publisher.publish(sequence);
        }
        context.truncate(sequence.slot, 0);
        sequence.ready = 0;
        sequence.preempted = true;
        sequence.computable = false;
        sequence.stopWaiting();
    }

    private void finish(Sequence sequence, FinishReason reason) {
        if (sequence.generates) {
            publishEnd(sequence);
            slots.keep(sequence);
            forget(sequence);
            tellEnd(sequence, reason);
        } else {
            drop(sequence);
        }
    }

    private void tellEnd(Sequence sequence, FinishReason reason) {
        var request = sequence.request;
        var tail = sequence.text.tail();
        call(request, () -> request.listener().onFinish(reason, tail, request.account()));
        home.news();
    }

    /** The next turn begins where this one ended, in the midst of a block. */
    private void publishEnd(Sequence sequence) {
        try {
            publisher.publishEnd(sequence);
        } catch (EngineException e) {
            LOG.error("{}: the end of an answer cannot be cached", options.id(), e);
        }
    }

    private void fail(Sequence sequence, String message) {
        giveUp(sequence);
        if (sequence.generates) {
            var listener = sequence.request.listener();
            call(sequence.request, () -> listener.onFailure(message));
        }
    }

    /** A prefill is over: what it computed lives in the cache. */
    private void drop(Sequence sequence) {
        sequence.request.prefilled();
        giveUp(sequence);
    }

    private void forget(Sequence sequence) {
        sequences.remove(sequence);
        batch.forget(sequence);
        sequence.stopWaiting();
        sequence.sampler.ifPresent(Sampler::close);
        blocks.release(sequence.claimant);
        if (sequence.generates) {
            sequence.request.unpin();
            router.finished(sequence.request.route().id());
        }
        assigned.decrementAndGet();
    }

    /** Ends a request that never became a sequence here. */
    private void abandon(Request request, String message) {
        assigned.decrementAndGet();
        if (options.role() == Role.DECODE) {
            router.finished(request.route().id());
            blocks.release(request.decodeClaimant);
            request.unpin();
            call(request, () -> request.listener().onFailure(message));
            home.news();
        } else {
            blocks.release(request.prefillClaimant);
        }
    }

    /**
     * The engine's process is gone, and all KV with it. Its requests go on at other workers, from
     * the tokens that they have.
     */
    private void lost(String why) {
        LOG.warn(
                "{}: {}; its {} requests go on elsewhere",
                options.id(),
                why,
                sequences.size() + backlog.size());
        losses++;
        away = true;
        router.leave(options.id());
        for (var sequence : List.copyOf(sequences)) {
            part(sequence, why);
        }
        slots.lost();
        usedCells = 0;
        handOverAll(why);
        atWork = List.of();
        reopening.begin();
    }

    private void part(Sequence sequence, String why) {
        var request = sequence.request;
        forget(sequence);
        if (!sequence.generates) {
            // The decode worker computes what it does not get.
            if (atWork.contains(request)) {
                request.crashed(0);
            }
            request.prefilled();
        } else if (request.cancelled()) {
            tellEnd(sequence, FinishReason.CANCELLED);
        } else if (sequence.ended.isPresent()) {
            tellEnd(sequence, sequence.ended.get());
        } else {
            handOver(request, why);
        }
    }

    private void handOver(Request request, String why) {
        int crashes = atWork.contains(request) ? request.crashed(request.generated()) : 0;
        if (crashes < Quarantine.BLAMED_AFTER) {
            home.goOn(request);
            return;
        }
        home.blame(request);
        var message =
                "%d processes of the engine died one after the other while they computed this request, and it is not tried again: the last was that of %s (%s)"
                        .formatted(crashes, options.id(), why);
        call(request, () -> request.listener().onFailure(message));
        home.news();
    }

    /** Who waits here waits no longer. */
    private void handOverAll(String why) {
        for (var request = backlog.poll(); request != null; request = backlog.poll()) {
            handOverWaiting(request, why);
        }
        for (var request = inbox.poll(); request != null; request = inbox.poll()) {
            handOverWaiting(request, why);
        }
    }

    private void handOverWaiting(Request request, String why) {
        assigned.decrementAndGet();
        if (options.role() == Role.PREFILL) {
            blocks.release(request.prefillClaimant);
            return;
        }
        router.finished(request.route().id());
        blocks.release(request.decodeClaimant);
        request.unpin();
        handOver(request, why);
    }

    /**
     * While there is no process nothing is computed; who was sent here before the router knew goes
     * on elsewhere.
     *
     * @return whether there is one again
     */
    private boolean returned() {
        handOverAll("it was away");
        home.news();
        if (!reopening.isOver()) {
            return false;
        }
        away = false;
        router.join(spec);
        report(new WorkerLoad(0, 0, 0, 0, 0, context.options().cells(), seen));
        return true;
    }

    private void abandonAll() {
        List.copyOf(sequences).forEach(sequence -> fail(sequence, "the server stops"));
        admitNothing();
    }

    private void admitNothing() {
        backlog.forEach(request -> abandon(request, "the server stops"));
        backlog.clear();
        for (var request = inbox.poll(); request != null; request = inbox.poll()) {
            abandon(request, "the server stops");
        }
    }

    private void observe() {
        usedCells = sequences.stream().mapToInt(sequence -> sequence.ready).sum();
        var load = Workload.of(options.role(), sequences, backlog, context.options().cells(), seen);
        if (!load.equals(reported)) {
            report(load);
        }
    }

    private void report(WorkerLoad load) {
        reported = load;
        router.report(options.id(), load);
        home.news();
    }

    private static void call(Request request, Runnable callback) {
        try {
            callback.run();
        } catch (RuntimeException e) {
            LOG.error("the listener of {} failed", request.asked().id(), e);
        }
    }

    /** Ends what runs, stops the thread and closes the context. */
    @Override
    public void close() {
        stopping = true;
        wake();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        reopening.close();
        context.close();
    }
}
