package dev.stator.api.answers;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/**
 * Keeps answers in memory and finds them again: by the very same request, and by one that asks the
 * same in other words of the same documents. Nobody is given an answer to another tenant's request.
 *
 * <p>An answer to other words is at first not given but verified: the request is answered as if
 * nothing were kept, and the two answers are compared. Once a tenant's record says, with a
 * confidence of 95 %, that fewer of them are wrong than the bound, they are given, but for a share
 * that goes on being verified. Wrong is what says otherwise than the computed answer, whichever is
 * the better one; of such two neither is given to other words again.
 *
 * <p>Of questions and documents only digests are kept. Bounded: what is least lately used goes
 * first. Thread-safe.
 */
public final class AnswerCache {
    /** Of the answers that might be given, so many are verified all the same. */
    static final double VERIFIED = 0.05;

    private static final int TENANTS = 1_024;

    /** Of an entry, beside its text: keys, digests, nodes of maps. */
    private static final long ENTRY_BYTES = 600;

    private static final long DOCUMENT_BYTES = 64;

    /** What is kept for a question. */
    public sealed interface Found {
        /**
         * @param by whether the request was the same, or another one that asks the same
         */
        record Hit(KeptAnswer answer, AnswerMode by, Duration age) implements Found {}

        /** The answer has to be computed, and may be {@linkplain AnswerCache#keep kept} then. */
        record Miss(Ticket ticket) implements Found {}
    }

    /** The right to keep the answer to a question that is being answered. */
    public static final class Ticket {
        private final Owner owner;
        private final Digest key;
        private final Optional<Digest> form;
        private final Set<Digest> documents;
        private final Optional<Entry> doubted;

        /** A document of the question was erased meanwhile. Guarded by the cache's lock. */
        private boolean isVoid;

        private Ticket(
                Owner owner,
                Digest key,
                Optional<Digest> form,
                Set<Digest> documents,
                Optional<Entry> doubted) {
            this.owner = owner;
            this.key = key;
            this.form = form;
            this.documents = documents;
            this.doubted = doubted;
        }
    }

    /** What the answer to a request said of one that was kept. */
    public enum Verdict {
        /** There was none. */
        NONE,
        RIGHT,
        WRONG
    }

    /**
     * @param hits answers given, by mode
     * @param misses questions that were answered by computing
     * @param right kept answers to other words that were not given, and were what was then computed
     * @param wrong those that were not
     * @param servingTenants whose record lets answers to other words be given
     */
    public record Stats(
            int entries,
            long bytes,
            long capacityBytes,
            Map<AnswerMode, Long> hits,
            long misses,
            long right,
            long wrong,
            int servingTenants) {
        /** Of the normal distribution, for intervals of 95 %. */
        private static final double DEVIATIONS = 1.96;

        public long hits(AnswerMode by) {
            return hits.getOrDefault(by, 0L);
        }

        /** The part of the verified answers to other words that was wrong. */
        public double falseRate() {
            return right + wrong == 0 ? 0 : (double) wrong / (right + wrong);
        }

        /** The upper end of Wilson's interval around it: 1 where nothing was verified. */
        public double falseRateAtMost() {
            double all = right + wrong;
            if (all == 0) {
                return 1;
            }
            double z = DEVIATIONS * DEVIATIONS / all;
            double p = falseRate();
            return (p + z / 2 + DEVIATIONS * Math.sqrt(p * (1 - p) / all + z / (4 * all)))
                    / (1 + z);
        }
    }

    private record Owner(String tenant, String salt) {}

    /**
     * @param documents digests of salts and texts
     */
    private record Entry(
            Digest key,
            Optional<Digest> form,
            KeptAnswer answer,
            Set<Digest> documents,
            long bytes,
            long keptAt) {}

    private final long capacityBytes;
    private final Duration life;
    private final double mostErrors;
    private final LongSupplier nanos;
    private final RandomGenerator random;

    private final ReentrantLock lock = new ReentrantLock();
    private final SequencedMap<Digest, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<Digest, Entry> byForm = new HashMap<>();
    private final Map<Owner, ErrorBound> records = new LinkedHashMap<>(16, 0.75f, true);

    /** Nobody says when a request has failed: its ticket is then garbage. */
    private final Set<Ticket> open = Collections.newSetFromMap(new WeakHashMap<>());

    private final Map<AnswerMode, Long> hits = new HashMap<>();
    private long bytes;
    private long misses;
    private long right;
    private long wrong;

    /**
     * @param life how long an answer is given again
     * @param mostErrors part of the answers to other words that may be wrong, between 0 and 1
     * @param nanos a clock
     * @param random chooses what is verified
     */
    public AnswerCache(
            long capacityBytes,
            Duration life,
            double mostErrors,
            LongSupplier nanos,
            RandomGenerator random) {
        this.capacityBytes = capacityBytes;
        this.life = life;
        this.mostErrors = mostErrors;
        this.nanos = nanos;
        this.random = random;
    }

    /**
     * @param mostTokens the longest answer that the request wants
     */
    public Found find(Question question, int mostTokens) {
        var key = question.key();
        var same = look(entries, key, mostTokens);
        if (same.isPresent()) {
            return hit(same.get(), AnswerMode.EXACT);
        }
        // Not under the lock: all this reads the documents.
        var form = question.form();
        var documents = documents(question);
        var supported =
                form.flatMap(its -> look(byForm, its, mostTokens))
                        .filter(
                                its ->
                                        Support.holds(
                                                its.answer.text(),
                                                question.text(),
                                                question.documents()));
        var owner = new Owner(question.tenant(), question.salt());
        lock.lock();
        try {
            var still =
                    supported.filter(
                            its -> Optional.ofNullable(entries.get(its.key)).equals(supported));
            if (still.isPresent() && serves(owner)) {
                return hit(still.get(), AnswerMode.SIMILAR);
            }
            misses++;
            var ticket = new Ticket(owner, key, form, documents, still);
            open.add(ticket);
            return new Found.Miss(ticket);
        } finally {
            lock.unlock();
        }
    }

    private static Set<Digest> documents(Question question) {
        return question.documents().written().stream()
                .map(its -> Digest.of(question.salt(), its.text()))
                .collect(Collectors.toUnmodifiableSet());
    }

    private boolean serves(Owner owner) {
        return record(owner).isKept() && random.nextDouble() >= VERIFIED;
    }

    private Found.Hit hit(Entry entry, AnswerMode by) {
        lock.lock();
        try {
            hits.merge(by, 1L, Long::sum);
        } finally {
            lock.unlock();
        }
        return new Found.Hit(entry.answer, by, Duration.ofNanos(nanos.getAsLong() - entry.keptAt));
    }

    private Optional<Entry> look(Map<Digest, Entry> among, Digest by, int mostTokens) {
        lock.lock();
        try {
            var entry = Optional.ofNullable(among.get(by));
            var old = entry.filter(its -> nanos.getAsLong() - its.keptAt > life.toNanos());
            old.ifPresent(this::remove);
            return old.isPresent()
                    ? Optional.empty()
                    : entry.filter(its -> its.answer.tokens() <= mostTokens);
        } finally {
            lock.unlock();
        }
    }

    private ErrorBound record(Owner owner) {
        var record = records.computeIfAbsent(owner, _ -> new ErrorBound(mostErrors));
        if (records.size() > TENANTS) {
            records.remove(records.keySet().iterator().next());
        }
        return record;
    }

    /**
     * Keeps the answer to a question, unless a document of it has been {@linkplain #forget
     * forgotten} since it was looked for.
     *
     * @return whether it says the same as what was kept for other words, where there was something
     */
    public Verdict keep(Ticket ticket, KeptAnswer answer) {
        var verdict =
                ticket.doubted
                        .map(its -> Agreement.between(its.answer.text(), answer.text()))
                        .map(agree -> agree ? Verdict.RIGHT : Verdict.WRONG)
                        .orElse(Verdict.NONE);
        lock.lock();
        try {
            if (!open.remove(ticket) || ticket.isVoid) {
                return Verdict.NONE;
            }
            if (verdict != Verdict.NONE) {
                record(ticket.owner).saw(verdict == Verdict.RIGHT);
                right += verdict == Verdict.RIGHT ? 1 : 0;
                wrong += verdict == Verdict.WRONG ? 1 : 0;
            }
            if (verdict == Verdict.WRONG) {
                ticket.doubted.ifPresent(this::unlink);
            }
            put(entry(ticket, verdict == Verdict.WRONG ? Optional.empty() : ticket.form, answer));
            return verdict;
        } finally {
            lock.unlock();
        }
    }

    private Entry entry(Ticket ticket, Optional<Digest> form, KeptAnswer answer) {
        long size =
                ENTRY_BYTES
                        + 2L * answer.text().length()
                        + DOCUMENT_BYTES * ticket.documents.size();
        return new Entry(ticket.key, form, answer, ticket.documents, size, nanos.getAsLong());
    }

    private void put(Entry entry) {
        Optional.ofNullable(entries.get(entry.key)).ifPresent(this::remove);
        if (entry.bytes > capacityBytes) {
            return;
        }
        entries.put(entry.key, entry);
        entry.form.ifPresent(form -> byForm.put(form, entry));
        bytes += entry.bytes;
        while (bytes > capacityBytes) {
            remove(entries.values().iterator().next());
        }
    }

    private void remove(Entry entry) {
        if (entries.remove(entry.key, entry)) {
            bytes -= entry.bytes;
            unlink(entry);
        }
    }

    private void unlink(Entry entry) {
        entry.form.ifPresent(form -> byForm.remove(form, entry));
    }

    /** Drops all answers to questions of a salt that were asked with a document of this text. */
    public void forget(String documentText, String salt) {
        var digest = Digest.of(salt, documentText);
        lock.lock();
        try {
            for (var entry : new ArrayList<>(entries.values())) {
                if (entry.documents.contains(digest)) {
                    remove(entry);
                }
            }
            for (var ticket : List.copyOf(open)) {
                ticket.isVoid |= ticket.documents.contains(digest);
            }
        } finally {
            lock.unlock();
        }
    }

    public Stats stats() {
        lock.lock();
        try {
            return new Stats(
                    entries.size(),
                    bytes,
                    capacityBytes,
                    Map.copyOf(hits),
                    misses,
                    right,
                    wrong,
                    (int) records.values().stream().filter(ErrorBound::isKept).count());
        } finally {
            lock.unlock();
        }
    }
}
