package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Sampled;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Explained;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.routing.queue.QueueState;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FabricStats;
import dev.stator.serving.FinishReason;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Holding;
import dev.stator.serving.NodeObserver;
import dev.stator.serving.ObservedFabric;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A node without an engine: it takes its time for each token, keeps blocks in a host tier that
 * forgets the least lately used, and says so. Some questions kill it, or fail.
 */
final class VirtualNode implements ObservedFabric {
    /** A prompt that begins with this kills the node before the answer's first token. */
    static final int DEADLY = 1;

    /** Before its third. */
    static final int DEADLY_LATER = 2;

    /** The engine fails at it. */
    static final int FAILING = 3;

    static final String FAILURE = "the engine cannot do that";
    private static final int DEADLY_TOKENS = 2;
    private static final int STEPS_TOLD = 8;
    private static final int STEP_TOKENS = 512;
    private static final int MIXED_TOKENS = 64;

    /**
     * @param slots answers at once
     * @param queue that may wait
     * @param blocks that the host tier holds
     * @param lostBatches of so many batches of changes one is not told; 0: all are
     */
    record Shape(
            int slots,
            int queue,
            int blocks,
            int blockTokens,
            int contextTokens,
            Duration promptToken,
            Duration answerToken,
            int lostBatches) {
        long cells() {
            return (long) slots * contextTokens;
        }
    }

    private final Shape shape;
    private final GreedyModel model;
    private final VirtualProcess process;
    private final Random random;
    private final Set<Long> everHeld;
    private final Consumer<GenerationRequest> onDeath;

    private final Deque<Job> waiting = new ArrayDeque<>();
    private final Set<Job> running = new LinkedHashSet<>();
    private final List<NodeObserver> observers = new ArrayList<>();

    /** In the order in which they were used. */
    private final Map<Long, Boolean> held = new LinkedHashMap<>(16, 0.75f, true);

    private long sequence;
    private int slowness = 1;
    private boolean tellsAll;
    private int steps;
    private int served;

    VirtualNode(
            Shape shape,
            GreedyModel model,
            VirtualProcess process,
            Random random,
            Set<Long> everHeld,
            Consumer<GenerationRequest> onDeath) {
        this.shape = shape;
        this.model = model;
        this.process = process;
        this.random = random;
        this.everHeld = everHeld;
        this.onDeath = onDeath;
    }

    void slowDown(int times) {
        slowness = times;
    }

    /** From now on all changes are told, and there is one by which earlier gaps are seen. */
    void tellAll() {
        tellsAll = true;
        hold(new long[] {random.nextLong()});
    }

    boolean isIdle() {
        return waiting.isEmpty() && running.isEmpty();
    }

    /** Requests that it was given. */
    int served() {
        return served;
    }

    Set<Long> held() {
        return held.keySet();
    }

    private final class Job implements Admission.Admitted {
        final GenerationRequest asked;
        final GenerationListener listener;
        int[] tokens;
        int count;
        boolean cancelled;

        Job(GenerationRequest asked, GenerationListener listener) {
            this.asked = asked;
            this.listener = listener;
            this.count = asked.prompt().length;
            this.tokens = Arrays.copyOf(asked.prompt(), count + asked.maxTokens());
        }

        @Override
        public void cancel() {
            cancelled = true;
            if (waiting.remove(this)) {
                running.add(this);
                process.execute(() -> end(FinishReason.CANCELLED));
            }
        }

        void begin() {
            long[] keys = keys(count - 1);
            int known = 0;
            while (known < keys.length && held.containsKey(keys[known])) {
                known++;
            }
            int computed = count - known * shape.blockTokens;
            process.after(
                    shape.promptToken.multipliedBy((long) computed * slowness),
                    () -> prefilled(computed));
        }

        private long[] keys(int upTo) {
            int whole = upTo / shape.blockTokens * shape.blockTokens;
            return BlockKey.chain(
                            BlockKey.root(model().fingerprint(), asked.salt()),
                            Arrays.copyOf(tokens, whole),
                            shape.blockTokens)
                    .stream()
                    .mapToLong(BlockKey::high)
                    .toArray();
        }

        private void prefilled(int computed) {
            if (asked.prompt()[0] == DEADLY) {
                onDeath.accept(asked);
                return;
            }
            if (asked.prompt()[0] == FAILING) {
                running.remove(this);
                listener.onFailure(FAILURE);
                advance();
                return;
            }
            hold(keys(count - 1));
            var step = new Step(computed, Step.attended(count - computed, computed), 0, 0);
            observers.forEach(
                    each -> each.stepped(step, computed * shape.promptToken.toNanos() / 1e6));
            token();
        }

        private void token() {
            if (cancelled) {
                end(FinishReason.CANCELLED);
                return;
            }
            int answered = asked.answered() + count - asked.prompt().length;
            if (asked.prompt()[0] == DEADLY_LATER && answered == DEADLY_TOKENS) {
                onDeath.accept(asked);
                return;
            }
            int token = model.next(tokens, count);
            tokens[count++] = token;
            tellStep();
            listener.onToken(
                    new GeneratedToken(
                            new Sampled(token, Float.NaN, List.of()), model.text(token)));
            if (model.endsGeneration(token)) {
                end(FinishReason.STOP);
            } else if (count == tokens.length) {
                end(FinishReason.LENGTH);
            } else {
                process.after(shape.answerToken.multipliedBy(slowness), this::token);
            }
        }

        private void tellStep() {
            if (++steps % STEPS_TOLD == 0) {
                var step = new Step(0, 0, running.size(), context());
                double millis = slowness * shape.answerToken.toNanos() / 1e6;
                observers.forEach(each -> each.stepped(step, millis));
            }
        }

        private void end(FinishReason reason) {
            if (!running.remove(this)) {
                return;
            }
            hold(keys(count - 1));
            int prompt = asked.prompt().length;
            listener.onFinish(
                    reason,
                    "",
                    new Account(
                            "aggregated",
                            "w",
                            "w",
                            Map.of("computed", prompt),
                            Arrays.copyOfRange(tokens, prompt, count),
                            Map.of(),
                            Optional.empty()));
            advance();
        }
    }

    private void advance() {
        while (running.size() < shape.slots && !waiting.isEmpty()) {
            var next = waiting.remove();
            running.add(next);
            next.begin();
        }
    }

    private void hold(long[] keys) {
        long[] stored = Arrays.stream(keys).filter(key -> !held.containsKey(key)).toArray();
        for (long key : keys) {
            held.put(key, true);
            everHeld.add(key);
        }
        tell(BlockEvents.Change.STORED, stored);
        int excess = Math.max(0, held.size() - shape.blocks);
        long[] removed = held.keySet().stream().limit(excess).mapToLong(Long::longValue).toArray();
        for (long key : removed) {
            held.remove(key);
        }
        tell(BlockEvents.Change.REMOVED, removed);
    }

    private void tell(BlockEvents.Change change, long[] keys) {
        if (keys.length > 0 || change == BlockEvents.Change.CLEARED) {
            var events = new BlockEvents(place(), ++sequence, change, keys);
            for (var each : observers) {
                if (tellsAll || shape.lostBatches == 0 || random.nextInt(shape.lostBatches) > 0) {
                    each.changed(events);
                }
            }
        }
    }

    private static Place place() {
        return new Place(Tier.HOST, "node");
    }

    /** Somebody has emptied its host tier. */
    void clear() {
        held.clear();
        tell(BlockEvents.Change.CLEARED, new long[0]);
    }

    // What others see.

    @Override
    public Admission submit(GenerationRequest asked, GenerationListener listener) {
        return submit(asked, listener, FromPeers.nothing());
    }

    @Override
    public Admission submit(GenerationRequest asked, GenerationListener listener, FromPeers peers) {
        if (waiting.size() >= shape.queue) {
            return new Admission.Shed(Cause.QUEUE_FULL, 1, "the node is full");
        }
        served++;
        var job = new Job(asked, listener);
        waiting.add(job);
        process.execute(this::advance);
        return job;
    }

    @Override
    public Runnable observe(NodeObserver observer) {
        observers.add(observer);
        return () -> observers.remove(observer);
    }

    @Override
    public List<Holding> holdings() {
        return List.of(
                new Holding(place(), sequence, held.keySet().stream().mapToLong(k -> k).toArray()));
    }

    private long context() {
        return running.stream().mapToLong(job -> job.count).sum();
    }

    @Override
    public WorkerLoad load(long seen) {
        long prompts = waiting.stream().mapToLong(job -> job.count).sum();
        return new WorkerLoad(
                running.size(),
                context(),
                waiting.size(),
                prompts,
                Step.attended(0, prompts),
                shape.cells() - context() - prompts,
                seen);
    }

    @Override
    public WorkerSpec spec(String name) {
        return new WorkerSpec(
                name,
                name,
                GreedyModel.info().fingerprint(),
                WorkerRole.DECODE,
                shape.slots,
                shape.cells(),
                STEP_TOKENS,
                MIXED_TOKENS);
    }

    @Override
    public int blockTokens() {
        return shape.blockTokens;
    }

    @Override
    public Optional<BlockExchange> exchange() {
        return Optional.empty();
    }

    @Override
    public ModelInfo model() {
        return GreedyModel.info();
    }

    @Override
    public Tokenizer tokenizer() {
        return model;
    }

    @Override
    public int contextTokens() {
        return shape.contextTokens;
    }

    @Override
    public List<float[]> embed(List<int[]> inputs) {
        throw new UnsupportedOperationException("nobody asks for it here");
    }

    @Override
    public FabricStats stats() {
        return new FabricStats(
                new QueueState(List.of(), Map.of(), false),
                shape.queue,
                List.of(),
                Map.of(),
                0,
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of());
    }

    @Override
    public List<Explained> decisions(int count) {
        return List.of();
    }

    @Override
    public Optional<Explained> decision(long request) {
        return Optional.empty();
    }

    @Override
    public void drain() {}

    @Override
    public void close() {}
}
