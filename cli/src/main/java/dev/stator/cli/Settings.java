package dev.stator.cli;

import dev.stator.api.ReuseOptions;
import dev.stator.api.WaitingOptions;
import dev.stator.api.answers.AnswerMode;
import dev.stator.api.documents.ReuseMode;
import dev.stator.remote.RemoteStores;
import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.WorkerRole;
import dev.stator.serving.CacheCodec;
import dev.stator.serving.ServiceClass;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;

/** Every {@link Setting} of the server, in the order of the help page. */
final class Settings {
    static final Setting<String> MODEL =
            Setting.derived(
                    "model",
                    "FILE|hf:OWNER/REPO[:FILE]|URL",
                    "the demonstration model that ships with Stator",
                    "GGUF file to serve; what is not here yet is pulled first",
                    Settings::text);
    static final Setting<String> ALIAS =
            Setting.derived(
                    "alias",
                    "NAME",
                    "the file's name",
                    "name that the API calls the model by; 'default' always works too",
                    Settings::text);
    static final Setting<String> HOST =
            Setting.of(
                    "host",
                    "ADDRESS",
                    "127.0.0.1",
                    "address to listen on; 0.0.0.0 is all, then set api-key too",
                    Settings::text);
    static final Setting<Integer> PORT =
            Setting.of(
                    "port",
                    "PORT",
                    "8000",
                    "port to listen on; 0 picks a free one",
                    whole(0, 65535));
    static final Setting<List<String>> API_KEYS =
            Setting.list(
                    "api-key",
                    "KEY",
                    true,
                    "none: anyone who reaches the port is served",
                    "keys of which clients must send one as bearer token");
    static final Setting<Mode> MODE =
            Setting.of(
                    "mode",
                    "MODE",
                    "auto",
                    "aggregated: decode workers prefill for themselves; disaggregated: prefill workers do; auto: whichever is predicted to be faster; of a frontend the same of nodes by their roles",
                    choice(Mode.class));
    static final Setting<Policy> ROUTER_POLICY =
            Setting.of(
                    "router-policy",
                    "POLICY",
                    "predicted",
                    "how workers are chosen: predicted (fewest milliseconds), least-loaded, power-of-two, prefix-hash, round-robin, random, dynamo",
                    Policy::of);
    static final Setting<Integer> PREFILL_WORKERS =
            Setting.of(
                    "prefill-workers",
                    "N",
                    "1",
                    "workers that only prefill; 0 makes every request aggregated",
                    whole(0, 64));
    static final Setting<Integer> DECODE_WORKERS =
            Setting.of("decode-workers", "N", "1", "workers that generate", whole(1, 64));
    static final Setting<Boolean> ISOLATE =
            Setting.toggle(
                    "isolate",
                    "run each worker's engine in a process of its own: a crash of it costs that worker's memory, no answer; each holds the weights that llama.cpp repacks once more");
    static final Setting<Integer> CONTEXT =
            Setting.derived(
                    "context",
                    "TOKENS",
                    "what the model was trained for, at most 8192",
                    "most tokens of prompt and answer together",
                    whole(16, 1 << 24));
    static final Setting<Integer> MAX_RUNNING =
            Setting.of(
                    "max-running",
                    "N",
                    "32",
                    "answers that one decode worker generates at once",
                    whole(1, 128));
    static final Setting<Integer> PREFILL_CELLS =
            Setting.derived(
                    "prefill-cells",
                    "TOKENS",
                    "context",
                    "KV memory of each prefill worker",
                    whole(16, Integer.MAX_VALUE));
    static final Setting<Integer> DECODE_CELLS =
            Setting.derived(
                    "decode-cells",
                    "TOKENS",
                    "2 x context",
                    "KV memory of each decode worker, shared by the answers that it generates",
                    whole(16, Integer.MAX_VALUE));
    static final Setting<Integer> BLOCK_TOKENS =
            Setting.of(
                    "block-tokens",
                    "TOKENS",
                    "32",
                    "tokens of a cache block, the grain of reuse",
                    whole(1, 1024));
    static final Setting<Integer> STEP_TOKENS =
            Setting.of(
                    "step-tokens",
                    "TOKENS",
                    "512",
                    "most prompt tokens that one step computes",
                    whole(1, 65536));
    static final Setting<Integer> THREADS =
            Setting.derived(
                    "threads", "N", "all cores", "cores that the workers share", whole(1, 1024));
    static final Setting<Integer> ANSWER_SLOWDOWN =
            Setting.of(
                    "answer-slowdown",
                    "PERCENT",
                    "15",
                    "by how much prompts may slow running answers down where both want the same cores (up to 100 while more prompts wait than answers run); more starts new answers sooner",
                    whole(1, 10_000));
    static final Setting<Integer> GPU_LAYERS =
            Setting.of(
                    "gpu-layers",
                    "N|all",
                    "all",
                    "layers to keep on GPUs, where the llama.cpp build can use any",
                    text -> text.equalsIgnoreCase("all") ? -1 : whole(0, 1_000_000).read(text));
    static final Setting<List<String>> DEVICES =
            Setting.list(
                    "devices",
                    "NAME",
                    false,
                    "all",
                    "GPUs to use, by llama.cpp's names, e.g. CUDA0");
    static final Setting<KvType> KV_TYPE =
            Setting.of(
                    "kv-type", "TYPE", "f16", "element type of the KV cache", choice(KvType.class));
    static final Setting<Long> HOST_CACHE =
            Setting.derived(
                    "host-cache",
                    "SIZE",
                    "an eighth of the memory",
                    "capacity of the host tier, e.g. 2GiB; 0 turns reuse across workers off",
                    ByteSize::parse);
    static final Setting<Path> HOST_CACHE_FOLDER =
            Setting.derived(
                    "host-cache-folder",
                    "FOLDER",
                    "in /dev/shm if there is room, else in the folder for temporary files",
                    "where the host tier's memory-mapped file is made",
                    Settings::path);
    static final Setting<List<Path>> DISK_CACHE =
            Setting.each(
                    "disk-cache",
                    "FOLDER",
                    "none",
                    "where blocks are kept across restarts and crashes, encrypted; for one server at a time. Several folders, one on each disk, share the blocks",
                    Settings::path);
    static final Setting<List<Long>> DISK_CACHE_SIZE =
            Setting.each(
                    "disk-cache-size",
                    "SIZE",
                    "20GiB, or half of what is free there if that is less",
                    "the most that the disk cache may take in a folder: one size for all folders, or one for each",
                    ByteSize::parse);
    static final Setting<Path> DISK_CACHE_KEY_FILE =
            Setting.derived(
                    "disk-cache-key-file",
                    "FILE",
                    "one that is made in each folder",
                    "at least 32 random bytes that the disk cache is encrypted with",
                    Settings::path);
    static final Setting<CacheCodec> DISK_CACHE_CODEC =
            Setting.of(
                    "disk-cache-codec",
                    "CODEC",
                    "raw",
                    "what the disk cache holds, as remote-cache-codec; another one begins anew",
                    choice(CacheCodec.class));
    static final Setting<Path> CACHE_KEY_FILE =
            Setting.derived(
                    "cache-key-file",
                    "FILE",
                    "none; 'stator cache export' and 'import' need one",
                    "at least 32 random bytes, the same on all servers that exchange prefixes: encrypts what is exported",
                    Settings::path);
    static final Setting<String> REMOTE_CACHE =
            Setting.secret(
                    "remote-cache",
                    "URL",
                    "none",
                    "store in which servers share blocks: " + RemoteStores.SPELLINGS,
                    Settings::text);
    static final Setting<Path> REMOTE_CACHE_KEY_FILE =
            Setting.derived(
                    "remote-cache-key-file",
                    "FILE",
                    "none; remote-cache needs one",
                    "at least 32 random bytes, the same on all servers that share a store: encrypts blocks and names",
                    Settings::path);
    static final Setting<CacheCodec> REMOTE_CACHE_CODEC =
            Setting.of(
                    "remote-cache-codec",
                    "CODEC",
                    "raw",
                    "raw, lossless (compressed: fewer bytes, more computing) or q8_0 (rounded to 8 bits, about half the bytes: answers may differ; all servers that share blocks, and frontends, must choose it)",
                    choice(CacheCodec.class));
    static final Setting<Duration> REMOTE_CACHE_TIMEOUT =
            Setting.of(
                    "remote-cache-timeout-ms",
                    "MILLISECONDS",
                    "1000",
                    "how long an answer of the remote cache is waited for; three too late in a row and it is left alone until it answers again",
                    text -> Duration.ofMillis(whole(1, 600_000).read(text)));
    static final Setting<Duration> REMOTE_CACHE_TTL =
            Setting.of(
                    "remote-cache-ttl-seconds",
                    "SECONDS",
                    "86400",
                    "how long Redis keeps a block after it was written; 0: until it needs the room; S3 keeps blocks as its bucket's lifecycle rules say",
                    text -> Duration.ofSeconds(whole(0, Integer.MAX_VALUE).read(text)));
    static final Setting<Integer> MAX_QUEUE =
            Setting.of(
                    "max-queue",
                    "N",
                    "256",
                    "requests that may wait; one more is answered 429",
                    whole(0, 1_000_000));
    static final Setting<Map<ServiceClass, Integer>> CLASS_QUEUES =
            Setting.pairs(
                    "class-queues",
                    "CLASS=N",
                    "each may fill max-queue",
                    "requests of a class that may wait, e.g. flex=64; classes are priority, default and flex",
                    classOf(whole(0, 1_000_000)));
    static final Setting<Map<ServiceClass, Double>> CLASS_WEIGHTS =
            Setting.pairs(
                    "class-weights",
                    "CLASS=N",
                    "priority=16, default=4, flex=1",
                    "shares of the work that classes of requests (OpenAI's service_tier) have while several wait",
                    classOf(text -> (double) whole(1, 1_000_000).read(text)));
    static final Setting<Duration> TTFT_DEADLINE =
            Setting.of(
                    "ttft-deadline-ms",
                    "MILLISECONDS",
                    "0",
                    "a request that is predicted to get its first token later is answered 429 at once; x-stator-ttft-deadline-ms sets it for one request, flex requests have none; 0: none",
                    text -> Duration.ofMillis(whole(0, 86_400_000).read(text)));
    static final Setting<WaitingOptions.TenantBy> TENANT_BY =
            Setting.of(
                    "tenant-by",
                    "FIELD",
                    "api-key",
                    "who shares the queue alike: api-key, or the field user or safety-identifier, which clients can write as they like, within a key",
                    choice(WaitingOptions.TenantBy.class, value -> lower(value).replace('_', '-')));
    static final Setting<Integer> TENANT_CACHE =
            Setting.of(
                    "tenant-cache-percent",
                    "PERCENT",
                    "100",
                    "of the host cache that one tenant may keep from others: while it is full, blocks beyond that go first, and its new blocks take the place of its own; 100: no limit",
                    whole(0, 100));
    static final Setting<Map<String, Integer>> TENANT_CACHE_BY_KEY =
            Setting.pairs(
                            "tenant-cache-percent-by-key",
                            "KEY=PERCENT",
                            "tenant-cache-percent",
                            "the same for tenants that send one of the API keys",
                            (key, percent) -> Map.entry(text(key), whole(0, 100).read(percent)))
                    .withheld();
    static final Setting<Long> MAX_BODY =
            Setting.of(
                    "max-body",
                    "SIZE",
                    "32MiB",
                    "largest request body",
                    text -> sizeBetween(text, 1024, 1L << 30));
    static final Setting<Long> DOCUMENT_QUOTA =
            Setting.of(
                    "document-quota",
                    "SIZE",
                    "64MiB",
                    "most text that each API key may store as documents; it is kept in memory",
                    text -> sizeBetween(text, 0, 1L << 40));
    static final Setting<Integer> DEFAULT_MAX_TOKENS =
            Setting.of(
                    "default-max-tokens",
                    "TOKENS",
                    "0",
                    "longest answer of a chat request that sets no limit; 0: to the end of the context",
                    whole(0, 1 << 24));
    static final Setting<Long> MAX_UNREAD =
            Setting.of(
                    "max-unread",
                    "SIZE",
                    "1MiB",
                    "what may wait for a streaming client that does not read; beyond it the answer is cancelled",
                    text -> sizeBetween(text, 1024, 1L << 30));
    static final Setting<Duration> MAX_STALL =
            Setting.of(
                    "max-stall-seconds",
                    "SECONDS",
                    "60",
                    "how long a streaming client may read nothing before its answer is cancelled",
                    text -> Duration.ofSeconds(whole(1, 86_400).read(text)));
    static final Setting<Duration> DRAIN =
            Setting.of(
                    "drain-seconds",
                    "SECONDS",
                    "30",
                    "how long running answers may go on after a signal to stop",
                    text -> Duration.ofSeconds(whole(0, 86_400).read(text)));
    static final Setting<Path> LLAMA_DIR =
            Setting.derived(
                    "llama-dir",
                    "FOLDER",
                    "the build that ships with Stator",
                    "another build of the same llama.cpp version, e.g. for CUDA, Metal or Vulkan",
                    Settings::path);

    static final Setting<Path> REUSE_CARD =
            Setting.derived(
                    "reuse-card",
                    "FILE",
                    "MODEL.reuse.json beside the model, if it is there",
                    "card of 'stator eval reuse'; only where it says that answers stay right may requests have documents spliced",
                    Settings::path);

    static final Setting<Integer> REUSE_AUDIT =
            Setting.of(
                    "reuse-audit-percent",
                    "PERCENT",
                    "2",
                    "of the answers from spliced documents, compared with exact ones in the background; a tenant whose answers differ too often is answered exactly for an hour",
                    whole(0, 100));

    static final Setting<ReuseMode> REUSE =
            Setting.of(
                    "reuse",
                    "MODE",
                    "exact",
                    "mode of requests that do not say one: exact, exact-reorder, spliced-guarded, spliced; with these two, passages that prompts have in common are computed once, in any client's plain prompts",
                    choice(ReuseMode.class, ReuseMode::label));
    static final Setting<ReuseMode> REUSE_CEILING =
            Setting.of(
                    "reuse-ceiling",
                    "MODE",
                    "spliced",
                    "the most that any request may ask for",
                    choice(ReuseMode.class, ReuseMode::label));
    static final Setting<Map<String, ReuseMode>> REUSE_CEILING_BY_KEY =
            Setting.pairs(
                            "reuse-ceiling-by-key",
                            "KEY=MODE",
                            "reuse-ceiling",
                            "the same for requests that send one of the API keys",
                            (key, mode) ->
                                    Map.entry(
                                            text(key),
                                            choice(ReuseMode.class, ReuseMode::label).read(mode)))
                    .withheld();
    static final Setting<Long> PASSAGE_MEMORY =
            Setting.of(
                    "passage-memory",
                    "SIZE",
                    "64MiB",
                    "memory for passages that prompts have in common, and for prompts in which they are looked for; used where requests may be spliced",
                    text -> sizeBetween(text, ReuseOptions.LEAST_BYTES, 1L << 40));

    static final Setting<AnswerMode> ANSWER_CACHE =
            Setting.of(
                    "answer-cache",
                    "MODE",
                    "off",
                    "which answers are kept and given again, and the most that a request may ask for (answer_cache): off, exact (to the same greedy request of the same API key and cache_salt), similar (also to other words of the same question about the same documents, once enough of them were verified)",
                    choice(AnswerMode.class, AnswerMode::label));
    static final Setting<Map<String, AnswerMode>> ANSWER_CACHE_BY_KEY =
            Setting.pairs(
                            "answer-cache-by-key",
                            "KEY=MODE",
                            "answer-cache",
                            "the same for requests that send one of the API keys",
                            (key, mode) ->
                                    Map.entry(
                                            text(key),
                                            choice(AnswerMode.class, AnswerMode::label).read(mode)))
                    .withheld();
    static final Setting<Long> ANSWER_CACHE_SIZE =
            Setting.of(
                    "answer-cache-size",
                    "SIZE",
                    "64MiB",
                    "memory for kept answers",
                    text -> sizeBetween(text, 0, 1L << 40));
    static final Setting<Duration> ANSWER_CACHE_TTL =
            Setting.of(
                    "answer-cache-ttl-seconds",
                    "SECONDS",
                    "3600",
                    "how long an answer is given again",
                    text -> Duration.ofSeconds(whole(1, Integer.MAX_VALUE).read(text)));
    static final Setting<Integer> ANSWER_CACHE_ERRORS =
            Setting.of(
                    "answer-cache-errors",
                    "PERCENT",
                    "2",
                    "of the answers to other words, how many may be wrong; none is given before a tenant's verified ones say, with 95 % confidence, that fewer are",
                    whole(1, 50));

    static final Setting<List<String>> JOIN =
            Setting.list(
                    "join",
                    "HOST:PORT",
                    false,
                    "none: others join this one",
                    "members of the cluster to ask for the others, by their cluster-port; or one dns:NAME that has the addresses of all (a headless service of Kubernetes)");
    static final Setting<String> CLUSTER_NAME =
            Setting.of(
                    "cluster-name",
                    "NAME",
                    "stator",
                    "clusters of different names do not see each other",
                    Settings::text);
    static final Setting<String> MEMBER_NAME =
            Setting.derived(
                    "member-name",
                    "NAME",
                    "HOST-PID",
                    "what this process is called in the cluster; no two alike",
                    Settings::text);
    static final Setting<String> CLUSTER_ADDRESS =
            Setting.of(
                    "cluster-address",
                    "ADDRESS",
                    "127.0.0.1",
                    "address of this host at which other members reach it; needs cluster-key-file unless it is a loopback one",
                    Settings::text);
    static final Setting<Integer> CLUSTER_PORT =
            Setting.of(
                    "cluster-port",
                    "PORT",
                    "7800",
                    "port for the members' talk; 0 picks a free one",
                    whole(0, 65535));
    static final Setting<Path> CLUSTER_KEY_FILE =
            Setting.derived(
                    "cluster-key-file",
                    "FILE",
                    "none: whoever reaches the ports is a member",
                    "at least 32 random bytes, the same on all members: who does not have them can neither join nor call nodes",
                    Settings::path);
    static final Setting<Integer> NODE_PORT =
            Setting.of(
                    "node-port",
                    "PORT",
                    "0",
                    "port at which frontends call this node; 0 picks a free one, which the members are told",
                    whole(0, 65535));
    static final Setting<Integer> BLOCK_PORT =
            Setting.of(
                    "block-port",
                    "PORT",
                    "0",
                    "port at which other nodes fetch blocks from this one; 0 picks a free one, which they are told",
                    whole(0, 65535));
    static final Setting<WorkerRole> ROLE =
            Setting.of(
                    "role",
                    "ROLE",
                    "both",
                    "what frontends ask this node for: prefill: prompts that other nodes answer; decode: answers, whose prompts prefill nodes compute where that is predicted to be faster; both",
                    choice(WorkerRole.class));
    static final Setting<Duration> NODE_TIMEOUT =
            Setting.of(
                    "node-timeout-ms",
                    "MILLISECONDS",
                    "3000",
                    "a node that has said nothing for so long is given up, and its answers go on at others; after a third of it no new ones go there",
                    text -> Duration.ofMillis(whole(500, 600_000).read(text)));
    static final Setting<Integer> MIGRATION_RETRIES =
            Setting.of(
                    "migration-retries",
                    "N",
                    "3",
                    "how often an answer goes on at another node after its own was lost",
                    whole(0, 100));
    static final Setting<Duration> NODE_PATIENCE =
            Setting.of(
                    "node-patience-seconds",
                    "SECONDS",
                    "10",
                    "how long requests wait for a node while there is none",
                    text -> Duration.ofSeconds(whole(1, 86_400).read(text)));

    private static final List<Setting<?>> MEMBERS =
            List.of(
                    JOIN,
                    CLUSTER_NAME,
                    MEMBER_NAME,
                    CLUSTER_ADDRESS,
                    CLUSTER_PORT,
                    CLUSTER_KEY_FILE);

    /** Those that mean something to 'stator up', which does all itself. */
    static final List<Setting<?>> UP =
            List.of(
                    MODEL,
                    ALIAS,
                    HOST,
                    PORT,
                    API_KEYS,
                    MODE,
                    ROUTER_POLICY,
                    PREFILL_WORKERS,
                    DECODE_WORKERS,
                    ISOLATE,
                    CONTEXT,
                    MAX_RUNNING,
                    PREFILL_CELLS,
                    DECODE_CELLS,
                    BLOCK_TOKENS,
                    STEP_TOKENS,
                    THREADS,
                    ANSWER_SLOWDOWN,
                    GPU_LAYERS,
                    DEVICES,
                    KV_TYPE,
                    HOST_CACHE,
                    HOST_CACHE_FOLDER,
                    DISK_CACHE,
                    DISK_CACHE_SIZE,
                    DISK_CACHE_KEY_FILE,
                    DISK_CACHE_CODEC,
                    CACHE_KEY_FILE,
                    REMOTE_CACHE,
                    REMOTE_CACHE_KEY_FILE,
                    REMOTE_CACHE_CODEC,
                    REMOTE_CACHE_TIMEOUT,
                    REMOTE_CACHE_TTL,
                    MAX_QUEUE,
                    CLASS_QUEUES,
                    CLASS_WEIGHTS,
                    TTFT_DEADLINE,
                    TENANT_BY,
                    TENANT_CACHE,
                    TENANT_CACHE_BY_KEY,
                    MAX_BODY,
                    DOCUMENT_QUOTA,
                    DEFAULT_MAX_TOKENS,
                    MAX_UNREAD,
                    MAX_STALL,
                    DRAIN,
                    LLAMA_DIR,
                    REUSE_CARD,
                    REUSE_AUDIT,
                    REUSE,
                    REUSE_CEILING,
                    REUSE_CEILING_BY_KEY,
                    PASSAGE_MEMORY,
                    ANSWER_CACHE,
                    ANSWER_CACHE_BY_KEY,
                    ANSWER_CACHE_SIZE,
                    ANSWER_CACHE_TTL,
                    ANSWER_CACHE_ERRORS);

    private static final Set<Setting<?>> OF_HTTP =
            Set.of(
                    HOST,
                    PORT,
                    API_KEYS,
                    TTFT_DEADLINE,
                    TENANT_BY,
                    TENANT_CACHE,
                    TENANT_CACHE_BY_KEY,
                    MAX_BODY,
                    DEFAULT_MAX_TOKENS,
                    MAX_UNREAD,
                    MAX_STALL,
                    REUSE_CARD,
                    REUSE,
                    REUSE_CEILING,
                    REUSE_CEILING_BY_KEY,
                    PASSAGE_MEMORY,
                    DOCUMENT_QUOTA,
                    ANSWER_CACHE,
                    ANSWER_CACHE_BY_KEY,
                    ANSWER_CACHE_SIZE,
                    ANSWER_CACHE_TTL,
                    ANSWER_CACHE_ERRORS);

    /** Those that mean something to both. */
    private static final Set<Setting<?>> OF_ANY =
            Set.of(
                    MODEL,
                    ALIAS,
                    MODE,
                    ROUTER_POLICY,
                    CONTEXT,
                    BLOCK_TOKENS,
                    KV_TYPE,
                    DISK_CACHE_CODEC,
                    REMOTE_CACHE_CODEC,
                    MAX_QUEUE,
                    CLASS_QUEUES,
                    CLASS_WEIGHTS,
                    DRAIN,
                    LLAMA_DIR);

    /** Those of 'stator node'. */
    static final List<Setting<?>> NODE =
            Stream.of(
                            MEMBERS.stream(),
                            Stream.of(ROLE, NODE_PORT, BLOCK_PORT),
                            UP.stream().filter(setting -> !OF_HTTP.contains(setting)))
                    .<Setting<?>>flatMap(part -> part)
                    .toList();

    /** Those of 'stator frontend'. */
    static final List<Setting<?>> FRONTEND =
            Stream.of(
                            MEMBERS.stream(),
                            Stream.of(NODE_TIMEOUT, MIGRATION_RETRIES, NODE_PATIENCE),
                            UP.stream()
                                    .filter(
                                            setting ->
                                                    OF_HTTP.contains(setting)
                                                            || OF_ANY.contains(setting)))
                    .<Setting<?>>flatMap(part -> part)
                    .toList();

    /** All that a file or the environment may set, whichever command reads it. */
    static final List<Setting<?>> ALL =
            Stream.of(UP.stream(), NODE.stream(), FRONTEND.stream())
                    .<Setting<?>>flatMap(part -> part)
                    .distinct()
                    .toList();

    /** Variables with our prefix that are no settings of the server. */
    static final Set<String> RESERVED_VARIABLES =
            Set.of(
                    "STATOR_JAVA_HOME",
                    "STATOR_JAVA_OPTS",
                    "STATOR_DEBUG",
                    "STATOR_MODELS",
                    "STATOR_CONFIG",
                    "STATOR_AOT");

    /** Element types that llama.cpp keeps KV in. */
    enum KvType {
        F16,
        BF16,
        F32,
        Q8_0
    }

    private Settings() {}

    static Optional<Setting<?>> named(String name) {
        return ALL.stream()
                .<Setting<?>>map(setting -> setting)
                .filter(setting -> setting.name().equals(name))
                .findFirst();
    }

    private static String text(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("it is empty");
        }
        return text.strip();
    }

    private static Path path(String text) {
        var stripped = text(text);
        return stripped.startsWith("~/")
                ? Path.of(System.getProperty("user.home"), stripped.substring(2))
                : Path.of(stripped);
    }

    private static Setting.Single<Integer> whole(int least, int most) {
        return text -> {
            try {
                int value = Integer.parseInt(text.strip());
                if (value >= least && value <= most) {
                    return value;
                }
            } catch (NumberFormatException _) {
                // Told below, like any other value out of bounds.
            }
            throw new IllegalArgumentException(
                    most == Integer.MAX_VALUE
                            ? "write a whole number of at least " + least
                            : "write a whole number from %d to %d".formatted(least, most));
        };
    }

    private static <T> Setting.Pair<ServiceClass, T> classOf(Setting.Single<T> value) {
        return (name, text) -> Map.entry(choice(ServiceClass.class).read(name), value.read(text));
    }

    private static long sizeBetween(String text, long least, long most) {
        long bytes = ByteSize.parse(text);
        if (bytes < least || bytes > most) {
            throw new IllegalArgumentException(
                    "write a size from %s to %s"
                            .formatted(ByteSize.format(least), ByteSize.format(most)));
        }
        return bytes;
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static <E extends Enum<E>> Setting.Single<E> choice(Class<E> type) {
        return choice(type, Settings::lower);
    }

    private static <E extends Enum<E>> Setting.Single<E> choice(
            Class<E> type, Function<E, String> named) {
        return text -> {
            for (var value : type.getEnumConstants()) {
                if (named.apply(value).equalsIgnoreCase(text.strip())) {
                    return value;
                }
            }
            var names = new TreeSet<String>();
            for (var value : type.getEnumConstants()) {
                names.add(named.apply(value));
            }
            throw new IllegalArgumentException(
                    "write one of "
                            + String.join(", ", names)
                            + Nearest.hint(text.strip().toLowerCase(Locale.ROOT), names));
        };
    }
}
