package dev.stator.cli;

import dev.stator.api.AnswerOptions;
import dev.stator.api.ApiOptions;
import dev.stator.api.ApiServer;
import dev.stator.api.ByKey;
import dev.stator.api.ReuseOptions;
import dev.stator.api.Splicing;
import dev.stator.api.WaitingOptions;
import dev.stator.engine.Engine;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.process.JavaCommand;
import dev.stator.engine.process.ProcessEngine;
import dev.stator.engine.process.ProcessOptions;
import dev.stator.serving.DiskCache;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/** A running node with its HTTP server. Closing it stops everything at once. */
final class Server implements AutoCloseable {
    private final Engine engine;
    private final NodeFabric fabric;
    private final ApiServer api;
    private final NodeOptions node;
    private final String host;
    private final String modelName;

    private Server(
            Engine engine, NodeFabric fabric, ApiServer api, NodeOptions node, ApiOptions options) {
        this.engine = engine;
        this.fabric = fabric;
        this.api = api;
        this.node = node;
        this.host = options.host();
        this.modelName = options.modelName();
    }

    /**
     * Loads the model and serves it.
     *
     * @throws Refusal or an exception of the modules, whose message says what to do
     */
    static Server start(Configuration configuration, Console console) {
        var patience = new Patience(console);
        requireFreePort(configuration);
        var model = ModelSource.of(configuration, Distribution.current(), console);
        var engine = engine(configuration, model, patience);
        try {
            return start(configuration, engine, model, patience);
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    /**
     * Does something with a node that no server stands before, and that may be too much for the
     * engine: it is in a process of its own.
     */
    static <T> T withNode(
            Configuration configuration,
            ModelSource model,
            Console console,
            BiFunction<Engine, NodeFabric, T> work) {
        var patience = new Patience(console);
        try (var engine = apart(configuration, model, patience);
                var fabric =
                        open(
                                engine,
                                nodeOptions(configuration, engine).withAuditShare(0),
                                patience)) {
            return work.apply(engine, fabric);
        }
    }

    /** The model alone, in this process. */
    static LlamaEngine load(Configuration configuration, ModelSource model, Patience patience) {
        return loading(model, patience, () -> LlamaEngine.load(llamaOptions(configuration, model)));
    }

    /** The model alone, where the workers of a node are to have it. */
    static Engine engine(Configuration configuration, ModelSource model, Patience patience) {
        return configuration.get(Settings.ISOLATE)
                ? apart(configuration, model, patience)
                : load(configuration, model, patience);
    }

    private static Engine apart(Configuration configuration, ModelSource model, Patience patience) {
        var command = JavaCommand.running(Main.class, WorkerProcessCommand.NAME);
        var options = ProcessOptions.of(llamaOptions(configuration, model), command);
        return loading(model, patience, () -> ProcessEngine.load(options));
    }

    private static <T> T loading(ModelSource model, Patience patience, Supplier<T> load) {
        return patience.during(
                "loading %s (%s)".formatted(model.file().getFileName(), size(model.file())), load);
    }

    static NodeOptions nodeOptions(Configuration configuration, Engine engine) {
        var sizing = new NodeSizing(configuration, Machine.read(), NodeSizing.Folders.ofSystem());
        return checked(() -> sizing.options(engine.model()));
    }

    static NodeFabric open(Engine engine, NodeOptions node, Patience patience) {
        try {
            return patience.during(
                    "making room for the KV of %d workers"
                            .formatted(node.prefillWorkers() + node.decodeWorkers()),
                    () -> NodeFabric.start(engine, node));
        } catch (RuntimeException e) {
            node.remoteCache().ifPresent(cache -> cache.store().close());
            throw e;
        }
    }

    /** A card that was asked for must be there; one beside the model may be. */
    static Splicing splicing(Configuration configuration, ModelSource model, String fingerprint) {
        var asked = configuration.find(Settings.REUSE_CARD);
        var file = asked.orElseGet(() -> ReuseCard.beside(model.file()));
        if (asked.isEmpty() && !Files.exists(file)) {
            return new Splicing.Refused(
                    "nobody has measured what it does to this model's answers; 'stator eval reuse --model %s --data FILE' does"
                            .formatted(model.file().getFileName()));
        }
        return ReuseCard.read(file).splicing(fingerprint);
    }

    /** Else every request that does not say a mode would fail. */
    static void requireUsualReuse(
            Configuration configuration, Splicing splicing, Supplier<Optional<String>> immovable) {
        var mode = configuration.get(Settings.REUSE);
        if (mode.splices()) {
            splicing.refusal(mode)
                    .or(immovable)
                    .ifPresent(
                            why -> {
                                throw Refusal.failed(
                                        "--reuse %s is not possible: %s"
                                                .formatted(mode.label(), why));
                            });
        }
    }

    private static Server start(
            Configuration configuration, Engine engine, ModelSource model, Patience patience) {
        var splicing = splicing(configuration, model, engine.model().fingerprint());
        requireUsualReuse(configuration, splicing, engine::immovable);
        var node = nodeOptions(configuration, engine);
        var fabric = open(engine, node, patience);
        try {
            var options =
                    checked(() -> apiOptions(configuration, model.name()).withSplicing(splicing));
            return new Server(engine, fabric, ApiServer.start(options, fabric), node, options);
        } catch (RuntimeException e) {
            fabric.close();
            throw e;
        }
    }

    static LlamaOptions llamaOptions(Configuration configuration, ModelSource model) {
        var libraries =
                configuration
                        .find(Settings.LLAMA_DIR)
                        .orElseGet(() -> Distribution.current().libraries());
        return new LlamaOptions(
                model.file(),
                libraries,
                configuration.get(Settings.GPU_LAYERS),
                configuration.all(Settings.DEVICES),
                configuration.get(Settings.KV_TYPE).name().toLowerCase(Locale.ROOT));
    }

    static ApiOptions apiOptions(Configuration configuration, String modelName) {
        var usual = ApiOptions.of(modelName, 0);
        return new ApiOptions(
                configuration.get(Settings.HOST),
                configuration.get(Settings.PORT),
                modelName,
                configuration.all(Settings.API_KEYS),
                configuration.get(Settings.MAX_BODY),
                configuration.get(Settings.DEFAULT_MAX_TOKENS),
                usual.eventLoops(),
                Math.toIntExact(configuration.get(Settings.MAX_UNREAD)),
                configuration.get(Settings.MAX_STALL),
                new WaitingOptions(
                        configuration.get(Settings.TTFT_DEADLINE),
                        configuration.get(Settings.TENANT_BY),
                        ByKey.of(
                                configuration.get(Settings.TENANT_CACHE),
                                configuration.find(Settings.TENANT_CACHE_BY_KEY).orElse(Map.of()))),
                usual.splicing(),
                new ReuseOptions(
                        configuration.get(Settings.REUSE),
                        ByKey.of(
                                configuration.get(Settings.REUSE_CEILING),
                                configuration.find(Settings.REUSE_CEILING_BY_KEY).orElse(Map.of())),
                        configuration.get(Settings.PASSAGE_MEMORY)),
                configuration.get(Settings.DOCUMENT_QUOTA),
                new AnswerOptions(
                        ByKey.of(
                                configuration.get(Settings.ANSWER_CACHE),
                                configuration.find(Settings.ANSWER_CACHE_BY_KEY).orElse(Map.of())),
                        configuration.get(Settings.ANSWER_CACHE_SIZE),
                        configuration.get(Settings.ANSWER_CACHE_TTL),
                        configuration.get(Settings.ANSWER_CACHE_ERRORS) / 100.0));
    }

    /** The modules' records refuse what does not fit together. */
    static <T> T checked(Supplier<T> options) {
        try {
            return options.get();
        } catch (IllegalArgumentException e) {
            throw Refusal.misused(String.valueOf(e.getMessage()));
        }
    }

    /** Before the model is loaded, which may take minutes. */
    static void requireFreePort(Configuration configuration) {
        var host = configuration.get(Settings.HOST);
        int port = configuration.get(Settings.PORT);
        try (var socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
        } catch (UnknownHostException _) {
            throw Refusal.failed("cannot listen on %s: there is no such host".formatted(host));
        } catch (IOException e) {
            throw Refusal.failed(
                    "cannot listen on %s port %d (%s): choose another --port, or 0 for a free one"
                            .formatted(host, port, Reason.of(e)));
        }
    }

    private static String size(Path file) {
        try {
            return ByteSize.format(Files.size(file));
        } catch (IOException _) {
            return "unknown size";
        }
    }

    String url() {
        return url(host, api.port());
    }

    static String url(String host, int port) {
        var reachable = List.of("0.0.0.0", "::").contains(host) ? "127.0.0.1" : host;
        return "http://%s:%d"
                .formatted(reachable.contains(":") ? "[" + reachable + "]" : reachable, port);
    }

    /** The one line that says that requests are served now. */
    String readyLine() {
        var workers = fabric.stats().workers();
        return "ready %s model=%s prefill=%d decode=%d mode=%s context=%d threads=%d host-cache=%s%s"
                .formatted(
                        url(),
                        modelName,
                        workers.stream().filter(w -> w.role().equals("prefill")).count(),
                        workers.stream().filter(w -> w.role().equals("decode")).count(),
                        node.mode().name().toLowerCase(Locale.ROOT),
                        node.contextTokens(),
                        node.threads(),
                        ByteSize.format(node.hostCacheBytes()),
                        node.diskCache().map(this::diskWords).orElse("")
                                + node.remoteCache()
                                        .map(cache -> " remote-cache=" + cache.store().address())
                                        .orElse(""));
    }

    private String diskWords(DiskCache cache) {
        return " disk-cache=%s disk-blocks=%d"
                .formatted(
                        ByteSize.format(cache.bytes()),
                        fabric.stats().disk().getOrDefault("blocks", 0.0).longValue());
    }

    /** Takes no new requests and waits until those that run are answered. */
    void drain(Duration most) {
        api.drain(most);
    }

    @Override
    public void close() {
        api.close();
        fabric.close();
        engine.close();
    }
}
