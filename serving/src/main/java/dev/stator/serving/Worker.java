package dev.stator.serving;

import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.Sampler;
import dev.stator.engine.StepResult;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Router;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
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

    private final WorkerOptions options;
    private final EngineContext context;
    private final Tokenizer tokenizer;
    private final Blocks blocks;
    private final CoreBudget.Share cores;
    private final Router router;
    private final Observers observers;
    private final Runnable onNews;
    private final Onboarder onboarder;
    private final Publisher publisher;
    private final StepBatch batch;
    private final Residents residents;
    private final Thread thread;

    private final Queue<Request> inbox = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean awake = new AtomicBoolean();
    private final AtomicBoolean forgetting = new AtomicBoolean();
    private volatile boolean stopping;

    // Owned by the worker's thread.
    private final Deque<Request> backlog = new ArrayDeque<>();
    private final List<Sequence> sequences = new ArrayList<>();
    private final Deque<Integer> freeSlots = new ArrayDeque<>();
    private long seen;

    // Read by statistics.
    private final AtomicInteger assigned = new AtomicInteger();
    private volatile int usedCells;
    private volatile long steps;
    private volatile long computedTokens;
    private volatile WorkerLoad reported;

    Worker(
            WorkerOptions options,
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
            Runnable onNews) {
        this.options = options;
        this.context = context;
        this.tokenizer = tokenizer;
        this.blocks = blocks;
        this.cores = cores;
        this.router = router;
        this.observers = observers;
        this.onNews = onNews;
        this.reported = new WorkerLoad(0, 0, 0, 0, 0, context.options().cells(), 0);
        this.onboarder = new Onboarder(blocks, context, bytesPerToken, this::moved, this::wake);
        this.publisher = new Publisher(blocks, context, bytesPerToken, speed::millisPerToken);
        this.batch =
                new StepBatch(
                        options,
                        onboarder,
                        speed,
                        blocks.blockTokens(),
                        cores::possible,
                        tiles,
                        context::truncate);
        this.residents = new Residents(options.residentCells(), feed);
        for (int slot = 0; slot < context.options().sequences(); slot++) {
            freeSlots.add(slot);
        }
        this.thread = Thread.ofPlatform().name(options.id()).unstarted(this::run);
    }

    void start() {
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
        var last = reported;
        int prompts = 0;
        long waiting = 0;
        double attended = 0;
        long free = last.freeTokens();
        for (var request : inbox) {
            long left = uncomputed(request, 0);
            prompts++;
            waiting += left;
            attended += Step.attended(request.reusable() - left, left);
            free -= cellsOf(request);
        }
        return new WorkerLoad(
                last.running(),
                last.contextTokens(),
                last.waitingPrompts() + prompts,
                last.waitingTokens() + waiting,
                last.waitingAttended() + attended,
                free,
                last.seen());
    }

    FabricStats.Worker stats() {
        return new FabricStats.Worker(
                options.id(),
                options.role().label(),
                assigned.get(),
                inbox.size(),
                context.options().cells(),
                usedCells,
                residents.cells(),
                steps,
                computedTokens,
                onboarder.bytesImported(),
                publisher.bytesExported());
    }

    private static long cellsOf(Request request) {
        return request.asked().prompt().length
                + Math.min(request.asked().maxTokens(), Request.ANSWER_TOKENS);
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
            return turn();
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
        if (forgetting.getAndSet(false)) {
            residents.evictAll().forEach(this::clear);
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
        while (!backlog.isEmpty() && sequences.size() < options.running() && slotAvailable()) {
            begin(backlog.poll());
            moved = true;
        }
        return moved;
    }

    private boolean slotAvailable() {
        if (freeSlots.isEmpty()) {
            residents.evict().ifPresent(this::clear);
        }
        return !freeSlots.isEmpty();
    }

    private void clear(Residents.Resident resident) {
        context.truncate(resident.slot(), 0);
        freeSlots.add(resident.slot());
    }

    private void begin(Request request) {
        boolean generates = options.role() == Role.DECODE;
        Optional<Sampler> sampler = Optional.empty();
        if (generates) {
            try {
                sampler = Optional.of(sampler(request.asked()));
            } catch (EngineException e) {
                abandon(request, e.getMessage());
                return;
            }
        }
        var sequence =
                new Sequence(
                        request,
                        generates,
                        freeSlots.poll(),
                        sampler,
                        request.fullBlockKeys(blocks.blockTokens()));
        if (generates) {
            for (int token : request.asked().begun()) {
                // Its text is the client's already.
                sequence.text.accept(tokenizer.bytes(token, true));
            }
        }
        sequences.add(sequence);
        takeFromDevice(sequence);
        if (context.inHostMemory()) {
            // Attention passes over every used cell, at each step. Where importing is a mere copy,
            // residents are worth that only while nobody else computes.
            residents.evictAll().forEach(this::clear);
        }
    }

    /** As if it had chosen the beginning of the answer itself. */
    private Sampler sampler(GenerationRequest asked) {
        var sampler = context.sampler(asked.sampling());
        try {
            for (int token : asked.begun()) {
                sampler.accept(token);
            }
            return sampler;
        } catch (EngineException e) {
            sampler.close();
            throw e;
        }
    }

    /** Begins a sequence with what a resident holds of it. */
    private void takeFromDevice(Sequence sequence) {
        var request = sequence.request;
        residents
                .best(request)
                .ifPresent(
                        resident -> {
                            int shared = resident.shared(request);
                            context.copy(resident.slot(), sequence.slot, shared);
                            if (resident.tokens().length - shared <= blocks.blockTokens()) {
                                // The conversation goes on: its last turn need not stay beside it.
                                residents.remove(resident);
                                clear(resident);
                            }
                            sequence.moveOn(shared);
                            request.deviceTokens = shared;
                        });
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
                if (isInDoubt(sequence)) {
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

    /** Asked once, before the first token, so that nothing that was sent is ever taken back. */
    private static boolean isInDoubt(Sequence sequence) {
        var request = sequence.request;
        if (!request.isGuarded() || request.generated() > 0) {
            return false;
        }
        var certainty = sequence.sampler.orElseThrow().certainty(sequence.outputIndex);
        return request.isInDoubt(certainty);
    }

    /** Somebody else goes on with it. */
    private void giveUp(Sequence sequence) {
        context.truncate(sequence.slot, 0);
        freeSlots.add(sequence.slot);
        forget(sequence);
        onNews.run();
    }

    private void emit(Sequence sequence) {
        var request = sequence.request;
        var asked = request.asked();
        var sampled = sequence.sampler.orElseThrow().sample(sequence.outputIndex);
        request.append(sampled.token());
        if (request.generated() == 1) {
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
        var resident = residents.evict();
        if (resident.isPresent()) {
            clear(resident.get());
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
        var request = sequence.request;
        if (sequence.generates) {
            var tail = sequence.text.tail();
            publishEnd(sequence);
            keepResident(sequence);
            forget(sequence);
            call(request, () -> request.listener().onFinish(reason, tail, request.account()));
            onNews.run();
        } else {
            drop(sequence);
        }
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

    private void keepResident(Sequence sequence) {
        if (sequence.ready == 0 || !residents.fits(sequence.ready)) {
            context.truncate(sequence.slot, 0);
            freeSlots.add(sequence.slot);
            return;
        }
        residents.add(
                new Residents.Resident(
                        sequence.slot,
                        sequence.request.root(),
                        Arrays.copyOf(sequence.request.tokens(), sequence.ready),
                        sequence.fullKeys(blocks.blockTokens())));
        while (residents.overfull()) {
            residents.evict().ifPresent(this::clear);
        }
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
            onNews.run();
        } else {
            blocks.release(request.prefillClaimant);
        }
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
        var load = load();
        if (!load.equals(reported)) {
            reported = load;
            router.report(options.id(), load);
            onNews.run();
        }
    }

    /**
     * What gives way to all others keeps nobody waiting: to the router only its cells are there.
     */
    private WorkerLoad load() {
        int running = 0;
        int prompts = 0;
        long context = 0;
        long waiting = 0;
        double attended = 0;
        long free = this.context.options().cells();
        for (var sequence : sequences) {
            free -= cellsOf(sequence.request);
            if (sequence.request.background) {
                continue;
            }
            if (sequence.generating()) {
                running++;
                context += sequence.ready;
            } else {
                long left = uncomputed(sequence.request, sequence.ready);
                prompts++;
                waiting += left;
                attended += Step.attended(sequence.goal() - left, left);
            }
        }
        for (var request : backlog) {
            free -= cellsOf(request);
            if (!request.background) {
                long left = uncomputed(request, 0);
                prompts++;
                waiting += left;
                attended += Step.attended(request.reusable() - left, left);
            }
        }
        return new WorkerLoad(running, context, prompts, waiting, attended, free, seen);
    }

    /** Prompt tokens that this worker still has to compute for a request. */
    private long uncomputed(Request request, int ready) {
        if (options.role() == Role.DECODE && request.split()) {
            return 1;
        }
        return Math.max(0, request.reusable() - Math.max(ready, request.supplied()));
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
        context.close();
    }
}
