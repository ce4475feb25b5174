package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CacheException;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.disk.DiskFolder;
import dev.stator.cache.disk.DiskTier;
import dev.stator.cache.disk.DiskTierOptions;
import dev.stator.cache.remote.PrefixModel;
import dev.stator.cache.remote.RemoteTier;
import dev.stator.cache.remote.RemoteTierOptions;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.Embedder;
import dev.stator.engine.Engine;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Pause;
import dev.stator.engine.SharedMemory;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Explained;
import dev.stator.routing.Router;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.Step;
import dev.stator.routing.Ticker;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One process that does everything: host tier, prefill and decode workers over one loaded model.
 * Owns all of these but not the engine.
 */
public final class NodeFabric implements ObservedFabric {
    private static final Logger LOG = LoggerFactory.getLogger(NodeFabric.class);

    /** Slots beyond the running answers, for sequences that stay resident. */
    private static final int RESIDENT_SLOTS = 16;

    /**
     * Prompts that a prefill worker interleaves: enough to go on while some wait for blocks of
     * others.
     */
    private static final int PREFILLING = 16;

    private static final String NODE = "local";

    /** Bytes of the index for each block that there can be. */
    private static final long INDEX_BYTES_PER_BLOCK = 64;

    private static final long LEAST_INDEX_BYTES = 1 << 20;

    /** A step that generates carries at most this part of the step budget in prompt tokens. */
    private static final int MIXED_PART = 8;

    /**
     * Blocks that wait to be written to disk, or to a store, keep their slots: at most this part of
     * the host tier for either.
     */
    private static final int WRITE_BEHIND_PART = 8;

    private static final long MOST_WRITE_BEHIND_BYTES = 256L << 20;

    private final Engine engine;

    /** As the codecs of the tiers make it. */
    private final ModelInfo model;

    private final NodeOptions options;
    private final Reopening.BackOff backOff;
    private final Disks disks;
    private final Quarantine quarantine = new Quarantine();
    private final Blocks blocks;
    private final PrefillSpeed speed = new PrefillSpeed();
    private final CoreBudget cores;
    private final BlockIndex index;
    private final Router router;
    private final Observers observers = new Observers();

    /** Of the tiers; what devices hold is near in the host tier too. */
    private final List<TierFeed> feeds = new ArrayList<>();

    private final AtomicLong requests = new AtomicLong();
    private final List<Worker> prefill = new ArrayList<>();
    private final List<Worker> decode = new ArrayList<>();
    private final Binder binder;
    private final Splicer splicer;
    private final Background background;
    private final Optional<Texts> texts;
    private final ReentrantLock embedding = new ReentrantLock();
    private Optional<Embedder> embedder = Optional.empty();
    private final AtomicLong generatedTokens = new AtomicLong();
    private final Map<String, AtomicLong> promptTokens = new ConcurrentHashMap<>();

    private NodeFabric(Engine engine, NodeOptions options, Reopening.BackOff backOff, Disks disks) {
        this.engine = engine;
        this.model = known(engine.model(), options);
        this.options = options;
        this.backOff = backOff;
        this.disks = disks;
        this.cores = new CoreBudget(options.threads(), options.slowdownPercent() / 100.0);
        this.index = new BlockIndex(new IndexOptions(indexBytes(engine, options)));
        this.router =
                new Router(
                        RouterOptions.of(options.policy(), options.mode())
                                .withBindMillis(0)
                                .withExpectIn(Tier.HOST)
                                .withSlack(options.slowdownPercent() / 100.0),
                        index,
                        Ticker.system(),
                        new SplittableRandom());
        this.blocks = openBlocks(speed);
        for (var source : List.of("device", "host", "computed")) {
            promptTokens.put(source, new AtomicLong());
        }
        if (blocks.onDisk()) {
            promptTokens.put("disk", new AtomicLong());
        }
        if (blocks.isShared()) {
            promptTokens.put("remote", new AtomicLong());
        }
        this.binder = new Binder(options.queue(), decode, prefill, router, blocks);
        this.splicer = new Splicer(blocks, this::request, this::enter, options.auditShare());
        this.background = new Background(this::enterBehindAll);
        this.texts =
                blocks.enabled()
                        ? Optional.of(
                                new Texts(blocks, background, this::root, this::forgetResidents))
                        : Optional.empty();
        try {
            if (engine.model().generates()) {
                for (int i = 0; i < options.decodeWorkers(); i++) {
                    decode.add(worker(Role.DECODE, i, speed));
                }
                // Without a cache there is no way to hand KV over.
                for (int i = 0; i < options.prefillWorkers() && blocks.enabled(); i++) {
                    prefill.add(worker(Role.PREFILL, i, speed));
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        prefill.forEach(Worker::start);
        decode.forEach(Worker::start);
        binder.start();
        background.start();
        texts.ifPresent(Texts::start);
        blocks.watchSpeed(
                Stream.of(prefill, decode)
                        .flatMap(kind -> kind.stream().limit(1))
                        .map(Worker::id)
                        .toList());
    }

    /**
     * Opens the host tier and the workers' contexts and starts them.
     *
     * @throws dev.stator.engine.EngineException if KV memory cannot be had
     * @throws dev.stator.cache.CacheException if the host tier cannot be made
     */
    public static NodeFabric start(Engine engine, NodeOptions options) {
        return start(engine, options, Reopening.BackOff.USUAL);
    }

    static NodeFabric start(Engine engine, NodeOptions options, Reopening.BackOff backOff) {
        return start(engine, options, backOff, DiskTier::open);
    }

    static NodeFabric start(
            Engine engine, NodeOptions options, Reopening.BackOff backOff, Disks disks) {
        return new NodeFabric(engine, options, backOff, disks);
    }

    /** How the disk tier is opened. */
    @FunctionalInterface
    interface Disks {
        DiskTier open(DiskTierOptions options);
    }

    /**
     * @throws CacheException if its KV cannot be written as the tiers' codecs say
     */
    private static ModelInfo known(ModelInfo model, NodeOptions options) {
        var codecs =
                Stream.concat(
                                options.remoteCache().map(RemoteCache::codec).stream(),
                                options.diskCache().map(DiskCache::codec).stream())
                        .toList();
        model.kv().ifPresent(kv -> codecs.forEach(codec -> codec.payloads(kv)));
        return CacheCodec.known(model, codecs);
    }

    private static long indexBytes(Engine engine, NodeOptions options) {
        int bytesPerToken = engine.model().kv().map(KvShape::bytesPerToken).orElse(1);
        long inHost = options.hostCacheBytes() / ((long) bytesPerToken * options.blockTokens());
        long onDevices =
                (long) options.decodeWorkers() * options.decodeCells() / options.blockTokens();
        long onDisk =
                options.diskCache().map(DiskCache::bytes).orElse(0L)
                        / ((long) bytesPerToken * options.blockTokens());
        long remote = options.remoteCache().isPresent() ? RemoteTier.MOST_KNOWN : 0;
        return Math.max(
                LEAST_INDEX_BYTES, (inHost + onDevices + onDisk + remote) * INDEX_BYTES_PER_BLOCK);
    }

    private Blocks openBlocks(PrefillSpeed speed) {
        var host = openTier();
        host.ifPresent(tier -> engine.share(new SharedMemory(tier.file(), tier.mapping())));
        try {
            return new Blocks(
                    host,
                    host.flatMap(this::openDisk),
                    host.flatMap(tier -> openRemote(tier, speed)),
                    options.fileKey().map(key -> new CacheFiles.Kind(key, prefixModel())),
                    options.blockTokens());
        } catch (RuntimeException e) {
            host.ifPresent(HostTier::close);
            throw e;
        }
    }

    private PrefixModel prefixModel() {
        var type = model.kv().map(KvShape::type).orElse("");
        return new PrefixModel(
                "the model %s with %s KV".formatted(model.name(), type),
                BlockKey.root("prefix file", model.fingerprint()),
                options.blockTokens(),
                model.kv().map(KvShape::bytesPerToken).orElse(0));
    }

    private Optional<RemoteBlocks> openRemote(HostTier host, PrefillSpeed speed) {
        return options.remoteCache()
                .map(
                        cache -> {
                            var place = new Place(Tier.REMOTE, cache.store().address());
                            return new RemoteBlocks(
                                    host,
                                    RemoteTier.open(
                                            cache.store(), remoteOptions(cache, host, place)),
                                    router,
                                    place,
                                    speed,
                                    options.blockTokens(),
                                    cache.timeout().toMillis());
                        });
    }

    private RemoteTierOptions remoteOptions(RemoteCache cache, HostTier host, Place place) {
        var options =
                RemoteTierOptions.of(
                                cache.key(),
                                BlockKey.root("remote tier", model.fingerprint()),
                                this.options.blockTokens(),
                                host.options().blockBytes(this.options.blockTokens()))
                        .withTimes(cache.timeout(), cache.life())
                        .withWarnings(LOG::warn)
                        .withQueueBytes(writeBehindBytes())
                        .withInventory(feed(place));
        return model.kv().map(kv -> options.withCodec(cache.codec().payloads(kv))).orElse(options);
    }

    private long writeBehindBytes() {
        return Math.clamp(options.hostCacheBytes() / WRITE_BEHIND_PART, 1, MOST_WRITE_BEHIND_BYTES);
    }

    private Optional<DiskBlocks> openDisk(HostTier host) {
        return options.diskCache()
                .map(
                        cache -> {
                            int blockBytes = host.options().blockBytes(options.blockTokens());
                            var place = new Place(Tier.DISK, NODE);
                            return new DiskBlocks(
                                    host,
                                    disks.open(
                                            diskOptions(cache, blockBytes)
                                                    .withInventory(feed(place))),
                                    router,
                                    place,
                                    options.blockTokens());
                        });
    }

    private DiskTierOptions diskOptions(DiskCache cache, int blockBytes) {
        try {
            return DiskTierOptions.of(
                            cache.folders().stream()
                                    .map(f -> DiskFolder.of(f.path(), f.bytes(), blockBytes))
                                    .toList(),
                            diskFingerprint(cache.codec()))
                    .withCodec(model.kv().map(cache.codec()::payloads).orElse(PayloadCodec.RAW))
                    .withKeyFile(cache.keyFile())
                    .withQueueBytes(writeBehindBytes())
                    .withWarnings(LOG::warn);
        } catch (IllegalArgumentException e) {
            throw new CacheException(String.valueOf(e.getMessage()), e);
        }
    }

    /** What one codec wrote another does not read. */
    private BlockKey diskFingerprint(CacheCodec codec) {
        return codec == CacheCodec.RAW
                ? BlockKey.root("disk tier", model.fingerprint())
                : BlockKey.root("disk tier", model.fingerprint(), codec.name());
    }

    private Optional<HostTier> openTier() {
        if (options.hostCacheBytes() == 0) {
            return Optional.empty();
        }
        return engine.model()
                .kv()
                .map(
                        kv ->
                                HostTier.open(
                                        HostTierOptions.of(
                                                        options.hostCacheFolder(),
                                                        options.hostCacheBytes(),
                                                        kv.bytesPerToken() * options.blockTokens(),
                                                        options.blockTokens())
                                                .withInventory(feed(new Place(Tier.HOST, NODE)))));
    }

    private TierFeed feed(Place place) {
        var feed = new TierFeed(place, index, observers::changed);
        feeds.add(feed);
        return feed;
    }

    private Worker worker(Role role, int number, PrefillSpeed speed) {
        boolean generates = role == Role.DECODE;
        int cells = generates ? options.decodeCells() : options.prefillCells();
        int running = generates ? options.running() : PREFILLING;
        int sequences = generates ? running + RESIDENT_SLOTS : running;
        // llama.cpp reserves an output for each sequence and aborts if a batch cannot have so many.
        int stepTokens = Math.max(options.stepTokens(), sequences + 1);
        var share = cores.share(role);
        var context =
                engine.open(
                        new ContextOptions(cells, sequences, stepTokens, cores.cores()),
                        generates ? Pause.NEVER : share);
        var workerOptions =
                new WorkerOptions(
                        role.label() + "-" + number,
                        role,
                        running,
                        options.stepTokens(),
                        Math.max(options.blockTokens(), options.stepTokens() / MIXED_PART),
                        generates ? cells / 4 : 0,
                        new Place(Tier.HOST, NODE));
        var spec = spec(workerOptions, cells);
        router.join(spec);
        int bytesPerToken = engine.model().kv().map(KvShape::bytesPerToken).orElse(0);
        return new Worker(
                workerOptions,
                spec,
                context,
                engine.tokenizer(),
                bytesPerToken,
                blocks,
                share,
                speed,
                AttentionTiles.of(
                        engine.model(), context.attentionTile(), workerOptions.stepTokens()),
                router,
                new TierFeed(new Place(Tier.DEVICE, workerOptions.id()), index),
                observers,
                new Home(),
                backOff);
    }

    private WorkerSpec spec(WorkerOptions worker, int cells) {
        return new WorkerSpec(
                worker.id(),
                NODE,
                model.fingerprint(),
                worker.role() == Role.DECODE ? WorkerRole.DECODE : WorkerRole.PREFILL,
                worker.running(),
                cells,
                worker.stepTokens(),
                Math.min(worker.mixedTokens(), worker.stepTokens()));
    }

    private final class Home implements Worker.Home {
        @Override
        public void news() {
            binder.pump();
        }

        @Override
        public void goOn(Request request) {
            binder.goOn(request);
        }

        @Override
        public void blame(Request request) {
            quarantine.add(request.asked(), System.nanoTime());
        }
    }

    @Override
    public ModelInfo model() {
        return model;
    }

    @Override
    public Tokenizer tokenizer() {
        return engine.tokenizer();
    }

    @Override
    public int contextTokens() {
        return options.contextTokens();
    }

    @Override
    public Admission submit(GenerationRequest asked, GenerationListener listener) {
        return submit(asked, listener, FromPeers.nothing());
    }

    @Override
    public Admission submit(GenerationRequest asked, GenerationListener listener, FromPeers peers) {
        check(asked);
        long flight = background.flights().begin();
        var counting = new Counting(listener, flight);
        if (quarantine.holds(asked, System.nanoTime())) {
            counting.onFailure(
                    "processes of the engine died of this very request, so it is not tried again for %d minutes"
                            .formatted(Quarantine.TERM.toMinutes()));
            return request(asked, counting);
        }
        boolean admitted = false;
        try {
            var admission =
                    asked.splice().isPresent()
                            ? splicer.submit(
                                    asked, counting, () -> background.flights().follow(flight))
                            : enter(withPeers(request(asked, counting), peers));
            admitted = !(admission instanceof Admission.Shed);
            return admission;
        } finally {
            if (!admitted) {
                background.flights().end(flight);
            }
        }
    }

    private static Request withPeers(Request request, FromPeers peers) {
        request.peers = peers;
        return request;
    }

    private Request request(GenerationRequest asked, GenerationListener listener) {
        var request =
                new Request(
                        requests.incrementAndGet(),
                        asked,
                        listener,
                        BlockKey.root(model.fingerprint(), asked.salt()),
                        options.blockTokens(),
                        this::cancelled);
        if (!asked.retentions().isEmpty()) {
            request.whenPromptReady(() -> blocks.keep(request));
        }
        return request;
    }

    /** Of the keys of a request's prompt if it is computed exactly. */
    private BlockKey root(GenerationRequest asked) {
        return BlockKey.root(model.fingerprint(), asked.salt());
    }

    private void forgetResidents() {
        decode.forEach(Worker::forgetResidents);
        prefill.forEach(Worker::forgetResidents);
    }

    private Admission enterBehindAll(GenerationRequest asked, GenerationListener listener) {
        check(asked);
        var request = request(asked, listener);
        request.background = true;
        return enter(request);
    }

    private Admission enter(Request request) {
        if (blocks.isShared()) {
            // What comes from a peer is not waited for in a store.
            boolean startsAtOnce = binder.state().requests() == 0 && !request.peers.isComing();
            blocks.lookFor(request, startsAtOnce);
        }
        return binder.submit(request);
    }

    @Override
    public Optional<String> unspliceable() {
        return blocks.enabled()
                ? engine.immovable()
                : Optional.of("there is no host cache to take passages from");
    }

    @Override
    public int held(int[] prompt, String salt) {
        var root = BlockKey.root(model.fingerprint(), salt);
        int blocks = this.blocks.near(BlockKey.chain(root, prompt, options.blockTokens()));
        return Math.min(prompt.length, blocks * options.blockTokens());
    }

    private void check(GenerationRequest asked) {
        if (!engine.model().generates()) {
            throw new IllegalArgumentException(
                    "the model %s embeds texts and does not generate"
                            .formatted(engine.model().name()));
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
        if (asked.answered() < 0 || asked.answered() >= asked.prompt().length) {
            throw new IllegalArgumentException(
                    "%d of %d tokens cannot be the answer's beginning"
                            .formatted(asked.answered(), asked.prompt().length));
        }
        asked.splice().ifPresent(splice -> checkSplice(splice, asked.prompt().length));
        for (int token : asked.prompt()) {
            if (token < 0 || token >= engine.model().vocabularySize()) {
                throw new IllegalArgumentException(
                        "token %d is not one of 0 to %d"
                                .formatted(token, engine.model().vocabularySize() - 1));
            }
        }
    }

    private void checkSplice(Splice splice, int promptTokens) {
        var complaint = splice.complaint(promptTokens);
        if (!complaint.isEmpty()) {
            throw new IllegalArgumentException(complaint);
        }
        unspliceable()
                .ifPresent(
                        why -> {
                            throw new IllegalArgumentException(why);
                        });
    }

    private void cancelled(Request request) {
        if (binder.remove(request)) {
            request.listener().onFinish(FinishReason.CANCELLED, "", request.account());
        } else {
            decode.forEach(Worker::wake);
            prefill.forEach(Worker::wake);
        }
    }

    @Override
    public List<float[]> embed(List<int[]> inputs) {
        embedding.lock();
        try {
            if (embedder.isEmpty()) {
                embedder = Optional.of(engine.openEmbedder(cores.cores()));
            }
            var opened = embedder.get();
            var share = cores.share(Role.PREFILL);
            share.work(1);
            try {
                var vectors = new ArrayList<float[]>();
                for (int[] input : inputs) {
                    try (var _ = share.take()) {
                        vectors.add(opened.embed(input));
                    }
                }
                return vectors;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for cores", e);
            } finally {
                share.work(0);
            }
        } finally {
            embedding.unlock();
        }
    }

    @Override
    public FabricStats stats() {
        var workers = new ArrayList<FabricStats.Worker>();
        prefill.forEach(worker -> workers.add(worker.stats()));
        decode.forEach(worker -> workers.add(worker.stats()));
        var sources = new LinkedHashMap<String, Long>();
        promptTokens.forEach((source, count) -> sources.put(source, count.get()));
        return new FabricStats(
                binder.state(),
                options.queue().maxRequests(),
                workers,
                sources,
                generatedTokens.get(),
                blocks.stats(),
                blocks.diskStats(),
                blocks.remoteStats(),
                splicer.stats(),
                router.predictionErrors());
    }

    @Override
    public Runnable observe(NodeObserver observer) {
        observers.add(observer);
        return () -> observers.remove(observer);
    }

    @Override
    public List<Holding> holdings() {
        return feeds.stream().map(TierFeed::holding).toList();
    }

    @Override
    public WorkerLoad load(long seen) {
        int running = 0;
        long context = 0;
        int prompts = 0;
        long waiting = 0;
        double attended = 0;
        long free = 0;
        for (var worker : decode) {
            var load = worker.given();
            running += load.running();
            context += load.contextTokens();
            prompts += load.waitingPrompts();
            waiting += load.waitingTokens();
            attended += load.waitingAttended();
            free += load.freeTokens();
        }
        for (var worker : prefill) {
            var load = worker.given();
            waiting += load.waitingTokens();
            attended += load.waitingAttended();
        }
        for (var queued : binder.state().classes()) {
            prompts += queued.requests();
            waiting += queued.promptTokens();
            free -= queued.promptTokens();
            attended +=
                    queued.requests()
                            * Step.attended(
                                    0,
                                    (double) queued.promptTokens()
                                            / Math.max(1, queued.requests()));
        }
        // Between the queue and a worker a request is in neither for a moment.
        prompts = Math.max(prompts, background.flights().count() - running);
        return new WorkerLoad(running, context, prompts, waiting, attended, free, seen);
    }

    @Override
    public WorkerSpec spec(String name) {
        int steps = options.stepTokens();
        return new WorkerSpec(
                name,
                name,
                model.fingerprint(),
                WorkerRole.DECODE,
                options.decodeWorkers() * options.running(),
                (long) options.decodeWorkers() * options.decodeCells(),
                steps,
                Math.min(steps, Math.max(options.blockTokens(), steps / MIXED_PART)));
    }

    @Override
    public int blockTokens() {
        return options.blockTokens();
    }

    @Override
    public Optional<BlockExchange> exchange() {
        return blocks.exchange(speed, model.fingerprint(), this::expect);
    }

    /** The router counts on blocks that are on their way as on those that are being computed. */
    private void expect(long[] keys, int from, int to, Duration within) {
        long now = System.nanoTime();
        index.expire(now);
        int place = index.place(new Place(Tier.HOST, NODE));
        index.expect(place, keys, from, to, now + within.toNanos());
    }

    @Override
    public Optional<Texts> texts() {
        return texts;
    }

    @Override
    public Optional<CacheControl> cache() {
        return blocks.control();
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
        binder.drain();
    }

    @Override
    public void close() {
        background.close();
        texts.ifPresent(Texts::close);
        binder.abandon().forEach(request -> request.listener().onFailure("the server stops"));
        binder.close();
        decode.forEach(Worker::close);
        prefill.forEach(Worker::close);
        embedder.ifPresent(Embedder::close);
        blocks.close();
    }

    /** Counts for {@link #stats()} what a listener hears. */
    private final class Counting implements GenerationListener {
        private final GenerationListener listener;
        private final long flight;

        Counting(GenerationListener listener, long flight) {
            this.listener = listener;
            this.flight = flight;
        }

        @Override
        public void onToken(GeneratedToken token) {
            generatedTokens.incrementAndGet();
            listener.onToken(token);
        }

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            account.promptTokensBySource()
                    .forEach(
                            (source, count) ->
                                    promptTokens
                                            .computeIfAbsent(source, _ -> new AtomicLong())
                                            .addAndGet(count));
            background.flights().end(flight);
            listener.onFinish(reason, tail, account);
        }

        @Override
        public void onShed(Admission.Shed shed) {
            background.flights().end(flight);
            listener.onShed(shed);
        }

        @Override
        public void onFailure(String message) {
            background.flights().end(flight);
            listener.onFailure(message);
        }
    }
}
