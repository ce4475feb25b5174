package dev.stator.api;

import dev.stator.api.StoredDocument.Owner;
import dev.stator.api.answers.AnswerCache;
import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Prompt;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.DocumentOrder;
import dev.stator.api.documents.Documents;
import dev.stator.engine.SamplingOptions;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Retention;
import dev.stator.serving.ServiceClass;
import dev.stator.serving.Standing;
import dev.stator.serving.Texts;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The documents that clients have stored: prefilled ahead of any question while the workers would
 * idle, found by their ids, and forgotten with all that was made of them. Thread-safe.
 */
final class Library implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Library.class);

    /** For a tenant; bytes are bounded by its quota. */
    static final int MOST_DOCUMENTS = 100_000;

    /** A pin that nothing ends lasts so long. */
    private static final Duration FOR_EVER = Duration.ofDays(3650);

    /** What becomes of a document. */
    enum State {
        WAITING,
        PREFILLED,
        FAILED,
        /** It is deleted, and not all that was made of it has gone yet. */
        ERASING;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * How a document fares.
     *
     * @param tokens of the document as models read it, and of the head before it
     * @param pinnedTokens of these, what stays in the host tier
     * @param problem why it could not be prefilled
     * @param holding where the blocks of its prompt are
     */
    record View(
            StoredDocument stored,
            State state,
            int tokens,
            int pinnedTokens,
            String problem,
            Optional<Texts.Holding> holding) {}

    /**
     * How the documents of an owner fare.
     *
     * @param bytes of texts
     */
    record Totals(int waiting, int prefilled, int failed, int erasing, long tokens, long bytes) {}

    private static final class Entry {
        final StoredDocument stored;
        final List<GenerationRequest> prompts;
        final List<Integer> starts;
        State state = State.WAITING;
        String problem = "";
        volatile int pinnedTokens;

        Entry(StoredDocument stored, List<GenerationRequest> prompts, List<Integer> starts) {
            this.stored = stored;
            this.prompts = prompts;
            this.starts = starts;
        }

        int tokens() {
            return prompts.getFirst().prompt().length - 1;
        }
    }

    /** Whose erasure is another's of the same text. */
    private record Text(String salt, String text) {}

    private final ChatModel model;
    private final Texts texts;
    private final DocumentOrder order;
    private final PlainPassages passages;
    private final Optional<AnswerCache> answers;
    private final boolean spliced;
    private final long quotaBytes;
    private final ByKey<Integer> cachePercent;
    private final int contextTokens;
    private final Consumer<String> events;
    private final Optional<LibraryLog> log;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Owner, LinkedHashMap<String, Entry>> documents = new HashMap<>();
    private final Map<Text, Set<Entry>> byText = new HashMap<>();
    private final Map<String, Long> bytes = new HashMap<>();
    private final Map<String, Integer> counts = new HashMap<>();
    private final Deque<Entry> waiting = new ArrayDeque<>();

    /** What has not gone yet of texts that were deleted. */
    private final Map<Text, CompletableFuture<Boolean>> erasing = new HashMap<>();

    private final List<Thread> threads;

    /**
     * @param order what remembers documents beside the encoder of {@code model}
     * @param passages what remembers their tokens
     * @param answers what keeps answers that were made of them
     * @param spliced whether documents may be spliced
     * @param quotaBytes of the texts of a tenant's documents
     * @param cachePercent of the host tier that a tenant's blocks may keep from others
     * @param events hears what becomes of documents, for metrics
     */
    Library(
            ChatModel model,
            Texts texts,
            DocumentOrder order,
            PlainPassages passages,
            Optional<AnswerCache> answers,
            boolean spliced,
            long quotaBytes,
            ByKey<Integer> cachePercent,
            int contextTokens,
            Consumer<String> events) {
        this.model = model;
        this.texts = texts;
        this.order = order;
        this.passages = passages;
        this.answers = answers;
        this.spliced = spliced;
        this.quotaBytes = quotaBytes;
        this.cachePercent = cachePercent;
        this.contextTokens = contextTokens;
        this.events = events;
        this.log = texts.log("documents").map(LibraryLog::new);
        this.threads =
                List.of(
                        Thread.ofVirtual().name("documents").unstarted(this::prefillAll),
                        Thread.ofVirtual().name("document-expiry").unstarted(this::expireAll));
    }

    /** Takes over what earlier processes have kept. */
    void start() {
        log.ifPresent(
                its -> {
                    for (var stored : its.read()) {
                        try {
                            add(entry(stored));
                        } catch (ApiException | ChatException e) {
                            LOG.warn(
                                    "the document {} that an earlier start has stored is left out: {}",
                                    stored.id(),
                                    e.getMessage());
                        }
                    }
                });
        threads.forEach(Thread::start);
    }

    // Storing

    /**
     * Stores a document, in the place of one that has its id.
     *
     * @throws ApiException if the quota is used up, or it does not fit the context
     */
    View put(StoredDocument stored) {
        var entry = entry(stored);
        Optional<Entry> replaced;
        lock.lock();
        try {
            replaced = find(stored.owner(), stored.id());
            if (replaced.isPresent()
                    && replaced.get().state != State.FAILED
                    && replaced.get().stored.readsAs(stored)) {
                entry.state = replaced.get().state;
            }
            checkQuota(stored, replaced);
            replaced.ifPresent(this::remove);
            add(entry);
            boolean first = replaced.isEmpty();
            // What is replaced must not stay in the file.
            log.ifPresent(
                    its -> {
                        if (first) {
                            its.put(stored);
                        } else {
                            its.deleted(this::all);
                        }
                    });
        } finally {
            lock.unlock();
        }
        events.accept("stored");
        // What was made of the same text stays useful; it is known under the new name too.
        replaced.filter(old -> !old.stored.readsAs(stored)).ifPresent(this::erase);
        replaced.filter(old -> old.stored.readsAs(stored)).ifPresent(old -> follow(old, entry));
        return view(entry);
    }

    /** The new one is erased with all that was made of the old. */
    private void follow(Entry old, Entry next) {
        texts.rename(old.stored.name(), next.stored.name());
    }

    private void checkQuota(StoredDocument stored, Optional<Entry> replaced) {
        var tenant = stored.owner().tenant();
        long others =
                bytes.getOrDefault(tenant, 0L) - replaced.map(its -> its.stored.bytes()).orElse(0L);
        if (others + stored.bytes() > quotaBytes) {
            throw new ApiException(
                    new ApiError.QuotaUsedUp(
                            "The documents would have %d bytes, but %d are allowed (--document-quota); delete others first."
                                    .formatted(others + stored.bytes(), quotaBytes)));
        }
        if (replaced.isEmpty() && counts.getOrDefault(tenant, 0) >= MOST_DOCUMENTS) {
            throw new ApiException(
                    new ApiError.QuotaUsedUp(
                            "At most %d documents can be stored; delete others first."
                                    .formatted(MOST_DOCUMENTS)));
        }
    }

    private Entry entry(StoredDocument stored) {
        var salt = stored.owner().salt();
        var leads = model.leads(stored.head(), salt, spliced);
        int longest = leads.stream().mapToInt(lead -> lead.tokens().length).max().orElse(0);
        if (longest + 1 > contextTokens) {
            throw new ApiException(
                    ApiError.invalid(
                            "text",
                            "The document has %d tokens with what stands before it, but the context is %d tokens; cut it into several."
                                    .formatted(longest - 1, contextTokens)));
        }
        var tenant = stored.owner().tenant();
        var standing =
                new Standing(ServiceClass.FLEX, tenant, cachePercent.of(tenant), Long.MAX_VALUE);
        var prompts = new ArrayList<GenerationRequest>();
        for (var lead : leads) {
            var retentions =
                    stored.pinned()
                            ? List.of(new Retention(lead.tokens().length - 1, pinFor(stored)))
                            : List.<Retention>of();
            prompts.add(
                    new GenerationRequest(
                            "document " + stored.name() + "-" + prompts.size(),
                            lead.tokens(),
                            1,
                            SamplingOptions.GREEDY,
                            List.of(),
                            Set.of(),
                            false,
                            salt,
                            standing,
                            retentions,
                            Optional.empty()));
        }
        return new Entry(stored, prompts, leads.stream().map(ChatModel.Lead::from).toList());
    }

    private static Duration pinFor(StoredDocument stored) {
        return stored.expires()
                .map(end -> Duration.between(Instant.now(), end))
                .filter(left -> !left.isNegative())
                .orElse(FOR_EVER);
    }

    /** Under the lock, or before there is another thread. */
    private void add(Entry entry) {
        var stored = entry.stored;
        documents
                .computeIfAbsent(stored.owner(), _ -> new LinkedHashMap<>())
                .put(stored.id(), entry);
        byText.computeIfAbsent(text(stored), _ -> new HashSet<>()).add(entry);
        bytes.merge(stored.owner().tenant(), stored.bytes(), Long::sum);
        counts.merge(stored.owner().tenant(), 1, Integer::sum);
        if (entry.state == State.WAITING) {
            waiting.add(entry);
        }
        changedUnderLock();
    }

    private void changedUnderLock() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void remove(Entry entry) {
        var stored = entry.stored;
        var its = documents.get(stored.owner());
        if (its != null && its.remove(stored.id(), entry)) {
            if (its.isEmpty()) {
                documents.remove(stored.owner());
            }
            bytes.merge(stored.owner().tenant(), -stored.bytes(), Long::sum);
            counts.merge(stored.owner().tenant(), -1, Integer::sum);
        }
        waiting.remove(entry);
        byText.computeIfPresent(
                text(stored),
                (_, all) -> {
                    all.remove(entry);
                    return all.isEmpty() ? null : all;
                });
    }

    private static Text text(StoredDocument stored) {
        return new Text(stored.owner().salt(), stored.document().text());
    }

    // Finding

    private Optional<Entry> find(Owner owner, String id) {
        return Optional.ofNullable(documents.getOrDefault(owner, new LinkedHashMap<>()).get(id));
    }

    Optional<View> get(Owner owner, String id) {
        Optional<Entry> entry;
        lock.lock();
        try {
            entry = find(owner, id);
        } finally {
            lock.unlock();
        }
        return entry.map(this::view);
    }

    private View view(Entry entry) {
        var holding =
                entry.prompts.stream()
                        .map(texts::holding)
                        .reduce(
                                (a, b) ->
                                        new Texts.Holding(
                                                a.blocks() + b.blocks(),
                                                a.host() + b.host(),
                                                a.disk() + b.disk(),
                                                a.remote() + b.remote()));
        lock.lock();
        try {
            return new View(
                    entry.stored,
                    entry.state,
                    entry.tokens(),
                    entry.pinnedTokens,
                    entry.problem,
                    holding);
        } finally {
            lock.unlock();
        }
    }

    /**
     * @param after the id that the page follows; empty: the first page
     */
    List<View> page(Owner owner, Optional<String> after, int most) {
        lock.lock();
        try {
            var all = documents.getOrDefault(owner, new LinkedHashMap<>());
            boolean begun = after.isEmpty();
            var page = new ArrayList<View>();
            for (var entry : all.values()) {
                if (page.size() == most) {
                    break;
                }
                if (begun) {
                    page.add(
                            new View(
                                    entry.stored,
                                    entry.state,
                                    entry.tokens(),
                                    entry.pinnedTokens,
                                    entry.problem,
                                    Optional.empty()));
                }
                begun |= after.filter(entry.stored.id()::equals).isPresent();
            }
            return page;
        } finally {
            lock.unlock();
        }
    }

    Totals totals(Owner owner) {
        lock.lock();
        try {
            var counts = new HashMap<State, Integer>();
            long tokens = 0;
            long size = 0;
            for (var entry : documents.getOrDefault(owner, new LinkedHashMap<>()).values()) {
                counts.merge(entry.state, 1, Integer::sum);
                tokens += entry.tokens();
                size += entry.stored.bytes();
            }
            return new Totals(
                    counts.getOrDefault(State.WAITING, 0),
                    counts.getOrDefault(State.PREFILLED, 0),
                    counts.getOrDefault(State.FAILED, 0),
                    erasing.size(),
                    tokens,
                    size);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts the texts of stored documents in where a request names them.
     *
     * @throws ApiException if there is none of an id
     */
    Documents resolve(Documents named, Owner owner) {
        if (named.given().stream().noneMatch(Document::isReference)) {
            return named;
        }
        var found = new ArrayList<Document>();
        lock.lock();
        try {
            for (int i = 0; i < named.given().size(); i++) {
                var document = named.given().get(i);
                if (document.isReference()) {
                    var id = document.id().orElseThrow();
                    var param = "documents[%d].id".formatted(i);
                    document =
                            find(owner, id)
                                    .map(entry -> entry.stored.document())
                                    .orElseThrow(
                                            () ->
                                                    new ApiException(
                                                            new ApiError.UnknownDocument(
                                                                    id, Optional.of(param))));
                }
                found.add(document);
            }
        } finally {
            lock.unlock();
        }
        return Documents.of(found, named.reuse(), named.ranked());
    }

    /** Which stored documents a prompt holds, and where; whoever stored them. */
    List<Texts.Origin> origins(Prompt prompt, Documents read, String salt) {
        var names = new ArrayList<List<String>>();
        boolean any = false;
        lock.lock();
        try {
            for (var document : read.written()) {
                var stored = byText.getOrDefault(new Text(salt, document.text()), Set.of());
                names.add(stored.stream().map(entry -> entry.stored.name()).toList());
                any |= !stored.isEmpty();
            }
        } finally {
            lock.unlock();
        }
        var origins = new ArrayList<Texts.Origin>();
        if (any) {
            var starts = model.starts(prompt, read);
            for (int i = 0; i < starts.size(); i++) {
                int from = starts.get(i);
                int next = i + 1 < starts.size() ? starts.get(i + 1) : 0;
                int to = next > from ? next : prompt.tokens().length;
                for (var name : names.get(i)) {
                    origins.add(new Texts.Origin(name, from, to));
                }
            }
        }
        return origins;
    }

    // Erasing

    /**
     * Deletes a document, and begins to erase all that was made of it.
     *
     * @return empty if there is none of that id
     */
    Optional<Texts.Erasure> delete(Owner owner, String id) {
        Optional<Entry> entry;
        lock.lock();
        try {
            entry = find(owner, id);
            entry.ifPresent(this::remove);
            entry.ifPresent(_ -> log.ifPresent(its -> its.deleted(this::all)));
        } finally {
            lock.unlock();
        }
        return entry.map(this::erase);
    }

    private List<StoredDocument> all() {
        return documents.values().stream()
                .flatMap(its -> its.values().stream())
                .map(entry -> entry.stored)
                .toList();
    }

    private Texts.Erasure erase(Entry entry) {
        var stored = entry.stored;
        forget(entry);
        order.forget(stored.document(), stored.owner().salt());
        events.accept("deleted");
        var erasure = texts.erase(stored.name());
        lock.lock();
        try {
            entry.state = State.ERASING;
            erasing.put(text(stored), erasure.ended());
        } finally {
            lock.unlock();
        }
        erasure.ended()
                .thenRun(
                        () -> {
                            events.accept("erased");
                            // Of requests that were under way.
                            forget(entry);
                            lock.lock();
                            try {
                                erasing.remove(text(stored), erasure.ended());
                                changed.signalAll();
                            } finally {
                                lock.unlock();
                            }
                        });
        return erasure;
    }

    private void forget(Entry entry) {
        var stored = entry.stored;
        var salt = stored.owner().salt();
        model.forget(stored.document().text(), salt);
        answers.ifPresent(its -> its.forget(stored.document().text(), salt));
        for (int i = 0; i < entry.prompts.size(); i++) {
            int[] prompt = entry.prompts.get(i).prompt();
            passages.forget(
                    Arrays.copyOfRange(prompt, entry.starts.get(i), prompt.length - 1), salt);
        }
    }

    // Prefilling and expiring

    private void prefillAll() {
        try {
            while (true) {
                prefill(next());
            }
        } catch (InterruptedException _) {
            // The server stops.
        }
    }

    /** The next one whose text is not being erased for another's sake. */
    private Entry next() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (true) {
                for (var entry : waiting) {
                    if (!erasing.containsKey(text(entry.stored))) {
                        waiting.remove(entry);
                        return entry;
                    }
                }
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    private void prefill(Entry entry) throws InterruptedException {
        String problem = "";
        try {
            for (int i = 0; i < entry.prompts.size(); i++) {
                var prompt = entry.prompts.get(i);
                var origin =
                        new Texts.Origin(
                                entry.stored.name(), entry.starts.get(i), prompt.prompt().length);
                texts.hold(prompt, new int[0], List.of(origin));
                if (!entry.stored.pinned() && isHeld(texts.holding(prompt))) {
                    continue;
                }
                var account = texts.prefill(prompt).get();
                entry.pinnedTokens = account.pinnedTokens().orElse(0);
            }
        } catch (CancellationException _) {
            throw new InterruptedException("the server stops");
        } catch (ExecutionException e) {
            problem = String.valueOf(Optional.ofNullable(e.getCause()).orElse(e).getMessage());
            LOG.warn("the document {} cannot be prefilled: {}", entry.stored.id(), problem);
        }
        events.accept(problem.isEmpty() ? "prefilled" : "failed");
        lock.lock();
        try {
            if (entry.state == State.WAITING) {
                entry.state = problem.isEmpty() ? State.PREFILLED : State.FAILED;
                entry.problem = problem;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Where it is held already it need not come to the host tier before somebody asks. */
    private static boolean isHeld(Texts.Holding holding) {
        return Math.max(holding.host(), holding.disk()) == holding.blocks();
    }

    private void expireAll() {
        try {
            while (true) {
                awaitExpired().forEach(each -> delete(each.owner(), each.id()));
            }
        } catch (InterruptedException _) {
            // The server stops.
        }
    }

    private List<StoredDocument> awaitExpired() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (true) {
                var now = Instant.now();
                var ending = all().stream().filter(each -> each.expires().isPresent()).toList();
                var expired =
                        ending.stream()
                                .filter(each -> !each.expires().orElseThrow().isAfter(now))
                                .toList();
                if (!expired.isEmpty()) {
                    return expired;
                }
                var next =
                        ending.stream()
                                .map(each -> each.expires().orElseThrow())
                                .min(Comparator.naturalOrder());
                if (next.isPresent()) {
                    changed.awaitNanos(Duration.between(now, next.get()).toNanos() + 1);
                } else {
                    changed.await();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        threads.forEach(Thread::interrupt);
        for (var thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
