package dev.stator.api;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.Sampled;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Actual;
import dev.stator.routing.Decision;
import dev.stator.routing.Explained;
import dev.stator.routing.Plan;
import dev.stator.routing.Prediction;
import dev.stator.routing.PredictionError;
import dev.stator.routing.RouteRequest;
import dev.stator.routing.Source;
import dev.stator.routing.Stage;
import dev.stator.routing.Supply;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.routing.queue.QueueState;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.Fabric;
import dev.stator.serving.FabricStats;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A fabric whose answers a test writes. By default every answer is {@code Hello} at once. */
final class StubFabric implements Fabric {
    private static final Plan PLAN =
            new Plan.Aggregated(
                    "decode-0",
                    new Prediction(1, 2, 3, 0, 4),
                    new Supply(1, List.of(new Source(1, 3, new Place(Tier.HOST, "local")))));

    private static final Explained ROUTED =
            new Explained(
                    new Decision(
                            1,
                            0,
                            new RouteRequest(7, new long[3], 32, 100, 10, "", 0, Long.MAX_VALUE),
                            PLAN,
                            List.of(PLAN)),
                    Optional.of(new Actual(1, 2, 4, 0)));

    private static final String TEMPLATE =
            "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}";

    /** What a submitted request does. */
    interface Script {
        Admission answer(GenerationRequest request, GenerationListener listener);
    }

    private final StubTokenizer tokenizer = new StubTokenizer();
    private final boolean generates;
    private final boolean embeds;
    private volatile Script script = StubFabric::hello;
    private volatile boolean draining;
    final BlockingQueue<GenerationRequest> requests = new LinkedBlockingQueue<>();
    final AtomicInteger cancelled = new AtomicInteger();

    StubFabric() {
        this(true, true);
    }

    StubFabric(boolean generates, boolean embeds) {
        this.generates = generates;
        this.embeds = embeds;
    }

    void script(Script script) {
        this.script = script;
    }

    /** An admitted request whose cancellation is counted. */
    Admission.Admitted admitted() {
        return cancelled::incrementAndGet;
    }

    static Admission hello(GenerationRequest request, GenerationListener listener) {
        say(listener, "Hel", "lo");
        listener.onFinish(FinishReason.STOP, "", account(request, 2));
        return (Admission.Admitted) () -> {};
    }

    static void say(GenerationListener listener, String... texts) {
        for (var text : texts) {
            listener.onToken(new GeneratedToken(new Sampled('x', -0.5f, List.of()), text));
        }
    }

    static Account account(GenerationRequest request, int generated) {
        int prompt = request.prompt().length;
        return new Account(
                "aggregated",
                "decode-0",
                "decode-0",
                Map.of("device", 0, "host", prompt / 2, "computed", prompt - prompt / 2),
                new int[generated],
                Map.of("queue", 0.25, "first_token", 1.5, "total", 2.0),
                Optional.of(ROUTED));
    }

    @Override
    public ModelInfo model() {
        return new ModelInfo(
                "stub",
                "llama",
                "stub",
                1,
                1,
                100,
                StubTokenizer.SIZE,
                3,
                Optional.empty(),
                "00",
                Optional.of(TEMPLATE),
                generates,
                embeds);
    }

    @Override
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    @Override
    public int contextTokens() {
        return 2000;
    }

    @Override
    public Admission submit(GenerationRequest request, GenerationListener listener) {
        if (draining) {
            return new Admission.Shed(Cause.DRAINING, 1, "the server is shutting down");
        }
        requests.add(request);
        return script.answer(request, listener);
    }

    @Override
    public List<float[]> embed(List<int[]> inputs) {
        return inputs.stream().map(input -> new float[] {input.length, 0.5f, -1}).toList();
    }

    @Override
    public FabricStats stats() {
        return new FabricStats(
                new QueueState(
                        List.of(
                                new QueueState.ClassState("priority", 1, 10, 20, 30),
                                new QueueState.ClassState("default", 2, 20, 40, 1500)),
                        Map.of(Cause.QUEUE_FULL, 3L, Cause.DEADLINE, 1L),
                        draining),
                8,
                List.of(
                        new FabricStats.Worker(
                                "decode-0", "decode", 2, 0, 100, 25, 10, 7, 70, 1000, 2000)),
                Map.of("host", 5L, "computed", 6L),
                12,
                Map.of("blocks", 9L, "evictions_room", 2L),
                Map.of(
                        "blocks",
                        70.0,
                        "hits",
                        5.0,
                        "evictions_room",
                        3.0,
                        "evictions_orphan",
                        1.0,
                        "bytes_stored",
                        100.0,
                        "bytes_written",
                        125.0),
                Map.of("reachable", 1.0, "hits", 4.0),
                Map.of("tokens", 640L, "guard_doubted", 2L),
                Map.of(Stage.PREFILL, new PredictionError(3, -1.5, 0.1, 0.4)));
    }

    @Override
    public List<Explained> decisions(int count) {
        return List.of(ROUTED);
    }

    @Override
    public Optional<Explained> decision(long request) {
        return request == 7 ? Optional.of(ROUTED) : Optional.empty();
    }

    @Override
    public void drain() {
        draining = true;
    }

    @Override
    public void close() {}
}
