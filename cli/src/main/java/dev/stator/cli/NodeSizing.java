package dev.stator.cli;

import dev.stator.cache.remote.SharedKey;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import dev.stator.remote.RemoteStores;
import dev.stator.routing.queue.QueueOptions;
import dev.stator.serving.DiskCache;
import dev.stator.serving.NodeOptions;
import dev.stator.serving.RemoteCache;
import dev.stator.serving.ServiceClass;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Fills in what the user left open about a node, from the machine and the model. */
record NodeSizing(Configuration configuration, Machine machine, Folders folders) {
    private static final int USUAL_CONTEXT = 8192;
    private static final int LEAST_CONTEXT = 512;
    private static final long USUAL_DISK_CACHE = 20L << 30;
    private static final long LEAST_SHARED_MEMORY = 256L << 20;

    /**
     * Where files can be made.
     *
     * @param sharedMemory a file system that lives in memory
     */
    record Folders(Optional<Path> sharedMemory, Path temporary) {
        static Folders ofSystem() {
            var shm = Path.of("/dev/shm");
            return new Folders(
                    Optional.of(shm).filter(Files::isWritable),
                    Path.of(System.getProperty("java.io.tmpdir")));
        }
    }

    /**
     * @throws IllegalArgumentException if the choices contradict each other
     * @throws Refusal if the machine has too little memory for them
     */
    NodeOptions options(ModelInfo model) {
        int context = context(model);
        int prefillCells = configuration.find(Settings.PREFILL_CELLS).orElse(context);
        int decodeCells = configuration.find(Settings.DECODE_CELLS).orElse(2 * context);
        var cache = hostCache();
        var options =
                new NodeOptions(
                        configuration.get(Settings.MODE),
                        configuration.get(Settings.ROUTER_POLICY),
                        configuration.get(Settings.PREFILL_WORKERS),
                        configuration.get(Settings.DECODE_WORKERS),
                        context,
                        prefillCells,
                        decodeCells,
                        configuration.get(Settings.MAX_RUNNING),
                        configuration.get(Settings.BLOCK_TOKENS),
                        configuration.get(Settings.STEP_TOKENS),
                        threads(),
                        configuration.get(Settings.ANSWER_SLOWDOWN),
                        cache.bytes,
                        cache.folder,
                        queue(configuration),
                        diskCache(),
                        Optional.empty(),
                        fileKey(),
                        configuration.get(Settings.REUSE_AUDIT) / 100.0);
        requireMemory(model, options);
        return remoteCache().map(options::withRemoteCache).orElse(options);
    }

    int threads() {
        return configuration.find(Settings.THREADS).orElse(machine.cores());
    }

    static QueueOptions queue(Configuration configuration) {
        return ServiceClass.queue(
                configuration.get(Settings.MAX_QUEUE),
                configuration.find(Settings.CLASS_WEIGHTS).orElse(Map.of()),
                configuration.find(Settings.CLASS_QUEUES).orElse(Map.of()));
    }

    private int context(ModelInfo model) {
        int usual = usualContext(configuration, model);
        return configuration.find(Settings.CONTEXT).isPresent() ? usual : fitting(usual, model);
    }

    /** What was asked for, else what is usual where there is enough memory. */
    static int usualContext(Configuration configuration, ModelInfo model) {
        int trained = model.contextTokens() > 0 ? model.contextTokens() : USUAL_CONTEXT;
        return configuration
                .find(Settings.CONTEXT)
                .map(asked -> requireTrained(asked, trained, model))
                .orElse(Math.min(USUAL_CONTEXT, trained));
    }

    private static int requireTrained(int asked, int trained, ModelInfo model) {
        if (asked > trained) {
            throw Refusal.misused(
                    "a context of %d tokens is more than the %d that the model %s was trained for"
                            .formatted(asked, trained, model.name()));
        }
        return asked;
    }

    /** The largest context up to {@code most} whose KV takes no more than half the free memory. */
    private int fitting(int most, ModelInfo model) {
        long perToken = model.kv().map(KvShape::bytesPerToken).orElse(0);
        long workers =
                configuration.get(Settings.PREFILL_WORKERS)
                        + 2L * configuration.get(Settings.DECODE_WORKERS);
        int context = most;
        while (context / 2 >= LEAST_CONTEXT
                && context * workers * perToken > machine.freeBytes() / 2) {
            context /= 2;
        }
        return context;
    }

    private record HostCache(long bytes, Path folder) {}

    private HostCache hostCache() {
        var asked = configuration.find(Settings.HOST_CACHE);
        long bytes = asked.orElse(machine.memoryBytes() / 8);
        var folder = configuration.find(Settings.HOST_CACHE_FOLDER);
        if (folder.isPresent()) {
            return new HostCache(bytes, folder.get());
        }
        // Others must not be able to make files of ours impossible: a folder for each user.
        var name =
                "stator-"
                        + System.getProperty("user.name", "user")
                                .replaceAll("[^A-Za-z0-9._-]", "_")
                                .toLowerCase(Locale.ROOT);
        if (folders.sharedMemory.isPresent()) {
            long room = room(folders.sharedMemory.get());
            if (room >= bytes) {
                return new HostCache(bytes, folders.sharedMemory.get().resolve(name));
            }
            if (asked.isEmpty() && room >= LEAST_SHARED_MEMORY) {
                return new HostCache(room * 3 / 4, folders.sharedMemory.get().resolve(name));
            }
        }
        long room = room(folders.temporary);
        return new HostCache(
                asked.orElse(Math.min(bytes, room / 2)), folders.temporary.resolve(name));
    }

    private Optional<DiskCache> diskCache() {
        var sizes = configuration.find(Settings.DISK_CACHE_SIZE);
        var keyFile = configuration.find(Settings.DISK_CACHE_KEY_FILE);
        var folders = configuration.find(Settings.DISK_CACHE);
        if (folders.isEmpty() && (sizes.isPresent() || keyFile.isPresent())) {
            throw Refusal.misused(
                    "%s means nothing without disk-cache, which names the folder"
                            .formatted(
                                    sizes.isPresent() ? "disk-cache-size" : "disk-cache-key-file"));
        }
        var codec = configuration.get(Settings.DISK_CACHE_CODEC);
        if (folders.isEmpty() && codec.isLossy()) {
            throw Refusal.misused(
                    "disk-cache-codec q8_0 means nothing without disk-cache, which names the folder");
        }
        return folders.map(paths -> new DiskCache(diskFolders(paths, sizes), keyFile, codec));
    }

    private static List<DiskCache.Folder> diskFolders(
            List<Path> paths, Optional<List<Long>> sizes) {
        int given = sizes.map(List::size).orElse(1);
        if (given != 1 && given != paths.size()) {
            throw Refusal.misused(
                    "disk-cache names %d folders, but disk-cache-size %d sizes: give one for all, or one for each"
                            .formatted(paths.size(), given));
        }
        return IntStream.range(0, paths.size())
                .mapToObj(
                        i ->
                                new DiskCache.Folder(
                                        paths.get(i),
                                        sizes.map(some -> some.get(given == 1 ? 0 : i))
                                                .orElseGet(
                                                        () -> usualDiskCache(paths.get(i), paths))))
                .toList();
    }

    /** Folders on one file system share its room. */
    private static long usualDiskCache(Path folder, List<Path> all) {
        var store = store(folder);
        long sharing = all.stream().filter(other -> store(other).equals(store)).count();
        return usualDiskCache(room(existing(folder)), sharing);
    }

    static long usualDiskCache(long room, long sharing) {
        return Math.min(USUAL_DISK_CACHE, room / 2 / sharing);
    }

    private static Optional<FileStore> store(Path folder) {
        try {
            return Optional.of(Files.getFileStore(existing(folder)));
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private Optional<RemoteCache> remoteCache() {
        var url = configuration.find(Settings.REMOTE_CACHE);
        var keyFile = configuration.find(Settings.REMOTE_CACHE_KEY_FILE);
        if (url.isEmpty()) {
            if (keyFile.isPresent()) {
                throw Refusal.misused(
                        "remote-cache-key-file means nothing without remote-cache, which names the store");
            }
            if (configuration.get(Settings.REMOTE_CACHE_CODEC).isLossy()) {
                throw Refusal.misused(
                        "remote-cache-codec q8_0 means nothing without remote-cache, which names the store");
            }
            return Optional.empty();
        }
        if (keyFile.isEmpty()) {
            throw Refusal.misused(
                    "remote-cache needs remote-cache-key-file, as nothing that comes from a store is trusted without one. Make it once with: head -c 32 /dev/urandom > remote.key && chmod 600 remote.key; then copy it to every server that shares the store");
        }
        var key = SharedKey.read(keyFile.get());
        var timeout = configuration.get(Settings.REMOTE_CACHE_TIMEOUT);
        return Optional.of(
                new RemoteCache(
                        RemoteStores.open(url.get(), timeout),
                        key,
                        configuration.get(Settings.REMOTE_CACHE_CODEC),
                        timeout,
                        configuration.get(Settings.REMOTE_CACHE_TTL)));
    }

    private Optional<SharedKey> fileKey() {
        return configuration
                .find(Settings.CACHE_KEY_FILE)
                .map(file -> SharedKey.read(file, "The cache's key file"));
    }

    /** The folder, or the one in which it is going to be made. */
    private static Path existing(Path folder) {
        var at = folder.toAbsolutePath();
        while (!Files.exists(at) && at.getParent() != null) {
            at = at.getParent();
        }
        return at;
    }

    private static long room(Path folder) {
        try {
            return Files.getFileStore(folder).getUsableSpace();
        } catch (IOException _) {
            return 0;
        }
    }

    private void requireMemory(ModelInfo model, NodeOptions options) {
        if (mayUseGpu()) {
            return;
        }
        long cells =
                (long) options.prefillWorkers() * options.prefillCells()
                        + (long) options.decodeWorkers() * options.decodeCells();
        long bytes = cells * model.kv().map(KvShape::bytesPerToken).orElse(0);
        if (bytes > machine.freeBytes()) {
            throw Refusal.failed(
                    "the KV memory of %d workers needs %s, but only %s are free: lower context, prefill-cells or decode-cells, use fewer workers, or set kv-type to q8_0"
                            .formatted(
                                    options.prefillWorkers() + options.decodeWorkers(),
                                    ByteSize.format(bytes),
                                    ByteSize.format(machine.freeBytes())));
        }
    }

    /** KV then lies in memory that we cannot see. */
    private boolean mayUseGpu() {
        boolean shipped = configuration.find(Settings.LLAMA_DIR).isEmpty();
        boolean mac = System.getProperty("os.name").startsWith("Mac");
        return configuration.get(Settings.GPU_LAYERS) != 0 && (!shipped || mac);
    }
}
