package dev.stator.routing.queue;

import dev.stator.routing.RouteRequest;
import dev.stator.routing.Ticker;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * Requests that wait until somebody can start them; bounded, fair, and honest about deadlines.
 *
 * <p><b>Turn.</b> Classes share the work by weight, so a lower class is slow but never starved; the
 * tenants of a class share alike ({@link ClassQueue}); a tenant's requests go earliest due first.
 *
 * <p><b>Passing.</b> If the next in turn cannot start, or had better wait, one behind it may start,
 * but only so often and for so long. Then it is {@linkplain Starter overdue}, and if even so it
 * does not start, the line stands still until it does. So large requests are not starved by small
 * ones.
 *
 * <p><b>Admission.</b> A request that is predicted to miss its deadline is shed when it arrives, or
 * as soon as that is seen: it is looked at again whenever half of the time that it had left is
 * over. If the queue is full, whoever waits in a lower class makes room, or the end of the longest
 * line of the own class if that leaves this line longer than the newcomer's; otherwise the newcomer
 * is shed.
 *
 * <p>All operations cost O(log n) in the waiting requests and tenants, {@link #startNext} for each
 * request that it looks at. Not thread-safe: its owner makes one call after the other, none of them
 * from the functions that it hands in.
 *
 * @param <T> what the owner knows a request by
 */
public final class RequestQueue<T> {
    private static final int MIN_RETRY_SECONDS = 1;
    private static final int MAX_RETRY_SECONDS = 60;
    private static final long MIN_CHECK_NANOS = 1_000_000;
    private static final String FULL = "all workers are busy and the queue is full";
    private static final String FULL_OF = "all workers are busy and the queue of class %s is full";

    private final QueueOptions options;
    private final Ticker ticker;
    private final BiConsumer<T, Admission.Shed> onShed;
    private final List<ClassQueue<T>> classes;
    private final Map<Long, Entry<T>> entries = new HashMap<>();
    private final TreeSet<Entry<T>> checks = new TreeSet<>(Entry.CHECK);
    private final Map<Admission.Cause, Long> shed = new EnumMap<>(Admission.Cause.class);
    private long arrivals;
    private long promptTokens;

    /** The lowest tag that a class which begins to wait can have, as for tenants in a class. */
    private double tag;

    /** How often room has changed. */
    private long room = 1;

    private boolean draining;

    /**
     * @param onShed hears of requests that waited and are shed; for those that never waited the
     *     answer of {@link #offer} says so
     */
    public RequestQueue(QueueOptions options, Ticker ticker, BiConsumer<T, Admission.Shed> onShed) {
        this.options = options;
        this.ticker = ticker;
        this.onShed = onShed;
        this.classes =
                options.classes().stream()
                        .map(its -> new ClassQueue<T>(its, options.tenantWeights()))
                        .toList();
    }

    /**
     * Takes a request in, or sheds it. If nobody may wait, it is taken in to be started at once,
     * and {@link #refuse} must follow if it is not.
     *
     * @throws IllegalArgumentException if a request of this id waits already
     */
    public Admission offer(RouteRequest request, Estimate estimate, T payload) {
        if (entries.containsKey(request.id())) {
            throw new IllegalArgumentException(
                    "request %d waits already: ids must be unique".formatted(request.id()));
        }
        if (draining) {
            return shed(
                    new Admission.Shed(
                            Admission.Cause.DRAINING,
                            MIN_RETRY_SECONDS,
                            "the server is shutting down"));
        }
        long now = ticker.nanos();
        var queue = queueOf(request.priority());
        var entry =
                new Entry<>(
                        new Waiting<>(request, payload),
                        estimate,
                        queue,
                        queue.line(request.tenant()),
                        ++arrivals,
                        now);
        add(entry);
        double wait = queue.waitNanos(entry, now);
        if (late(entry, wait, now)) {
            withdraw(entry);
            return shed(tooLate(entry, wait, now));
        }
        if (!makeRoom(entry, now)) {
            var why = queue.overfull() ? FULL_OF.formatted(queue.options().name()) : FULL;
            withdraw(entry);
            return shed(full(queue, now, why));
        }
        if (entry.hasDeadline()) {
            checkLater(entry, now);
        }
        return new Admission.Queued(wait / 1e6);
    }

    /**
     * Starts the next request that can start, after shedding those that have become too late.
     *
     * @param started hears of the one that starts, which waits no longer
     * @return whether one started
     */
    public <D> boolean startNext(Starter<D> starter, BiConsumer<T, D> started) {
        long now = ticker.nanos();
        shedLate(now);
        var turns = new Turns<>(classes);
        var before = new ArrayList<Entry<T>>();
        while (turns.hasNext() && before.size() < options.lookahead()) {
            var entry = turns.next();
            boolean overdue = entry.overdue(now, options);
            Optional<D> how =
                    overdue || entry.askedIn < room
                            ? starter.start(entry.request(), overdue)
                            : Optional.empty();
            if (how.isPresent()) {
                before.forEach(passed -> passed.passed(now));
                leave(entry, now);
                started.accept(entry.waiting.payload(), how.get());
                return true;
            }
            if (overdue || options.maxPasses() == 0) {
                return false;
            }
            entry.askedIn = room;
            before.add(entry);
        }
        return false;
    }

    /**
     * Workers may have room that they did not have. Each request that could not start is asked
     * about again; without this, each is asked about once.
     */
    public void roomChanged() {
        room++;
    }

    /**
     * @return what came with the request if it waited; it has left now
     */
    public Optional<T> remove(long request) {
        var entry = Optional.ofNullable(entries.get(request));
        entry.ifPresent(this::withdraw);
        return entry.map(found -> found.waiting.payload());
    }

    /** Takes nobody in any more. Who waits still starts. */
    public void drain() {
        draining = true;
    }

    /** Empties the queue, in order of turn. */
    public List<T> clear() {
        var left = upcoming(entries.size());
        left.forEach(waiting -> remove(waiting.request().id()));
        return left.stream().map(Waiting::payload).toList();
    }

    /**
     * The next requests in the order in which they start if each can when it is its turn and nobody
     * arrives. Their blocks are worth fetching ahead.
     *
     * @param count of requests, or fewer if fewer wait
     */
    public List<Waiting<T>> upcoming(int count) {
        var turns = new Turns<>(classes);
        var next = new ArrayList<Waiting<T>>();
        while (next.size() < count && turns.hasNext()) {
            next.add(turns.next().waiting);
        }
        return next;
    }

    /**
     * When {@link #startNext} should be called even if nothing happens until then, because a
     * request may have to be shed; {@link Long#MAX_VALUE} if there is no such need.
     */
    public long wakeNanos() {
        return checks.isEmpty() ? Long.MAX_VALUE : checks.first().checkNanos;
    }

    public int size() {
        return entries.size();
    }

    public QueueState state() {
        long now = ticker.nanos();
        return new QueueState(
                classes.stream().map(queue -> queue.state(now)).toList(),
                Map.copyOf(shed),
                draining);
    }

    private ClassQueue<T> queueOf(int priority) {
        for (var queue : classes) {
            if (priority >= queue.options().minPriority()) {
                return queue;
            }
        }
        return classes.getLast();
    }

    private void add(Entry<T> entry) {
        var queue = entry.classQueue;
        if (queue.requests() == 0) {
            queue.classTag = Math.max(queue.classTag, tag);
        }
        queue.add(entry);
        entries.put(entry.request().id(), entry);
        promptTokens += entry.request().promptTokens();
    }

    private void leave(Entry<T> entry, long now) {
        tag =
                classes.stream()
                        .filter(queue -> queue.requests() > 0)
                        .mapToDouble(queue -> queue.classTag)
                        .min()
                        .orElseThrow();
        entry.classQueue.start(entry, now);
        entry.classQueue.classTag += entry.workNanos / entry.classQueue.options().weight();
        left(entry);
    }

    private void withdraw(Entry<T> entry) {
        entry.classQueue.withdraw(entry);
        left(entry);
    }

    private void left(Entry<T> entry) {
        checks.remove(entry);
        entries.remove(entry.request().id());
        promptTokens -= entry.request().promptTokens();
    }

    // Deadlines

    private void checkLater(Entry<T> entry, long now) {
        long left = entry.latestStartNanos - now;
        entry.checkNanos =
                Math.min(entry.latestStartNanos + 1, now + Math.max(left / 2, MIN_CHECK_NANOS));
        checks.add(entry);
    }

    private void shedLate(long now) {
        while (wakeNanos() <= now) {
            var entry = checks.removeFirst();
            double wait = entry.classQueue.waitNanos(entry, now);
            if (late(entry, wait, now)) {
                remove(entry.request().id());
                onShed.accept(entry.waiting.payload(), shed(tooLate(entry, wait, now)));
            } else {
                checkLater(entry, now);
            }
        }
    }

    private static boolean late(Entry<?> entry, double waitNanos, long now) {
        return entry.hasDeadline() && waitNanos > entry.latestStartNanos - now;
    }

    // Room

    private boolean makeRoom(Entry<T> newcomer, long now) {
        var queue = newcomer.classQueue;
        if (queue.overfull()) {
            return takePlace(newcomer, now);
        }
        if (fits()) {
            return true;
        }
        var lower = classes.subList(classes.indexOf(queue) + 1, classes.size());
        int requests = lower.stream().mapToInt(ClassQueue::requests).sum();
        long tokens = lower.stream().mapToLong(ClassQueue::promptTokens).sum();
        if (fitsWithout(requests, tokens)) {
            while (!fits()) {
                giveWay(worst(lower), now);
            }
            return true;
        }
        return takePlace(newcomer, now);
    }

    /** The end of the longest line of its class goes if that line is longer even without it. */
    private boolean takePlace(Entry<T> newcomer, long now) {
        var longest = newcomer.classQueue.longest();
        var last = longest.last();
        boolean fairer =
                longest != newcomer.line
                        && newcomer.line.load() <= longest.load() - last.workNanos / longest.weight;
        if (fairer && fitsWithout(1, last.request().promptTokens())) {
            giveWay(last, now);
            return true;
        }
        return false;
    }

    private boolean fits() {
        return fitsWithout(0, 0);
    }

    /** One request alone always fits: whatever its size, it has to wait somewhere. */
    private boolean fitsWithout(int requests, long tokens) {
        int others = entries.size() - requests;
        return others == 1
                || others <= options.maxRequests() && promptTokens - tokens <= options.maxTokens();
    }

    private Entry<T> worst(List<ClassQueue<T>> lower) {
        return lower.reversed().stream()
                .filter(queue -> queue.requests() > 0)
                .findFirst()
                .orElseThrow()
                .longest()
                .last();
    }

    private void giveWay(Entry<T> entry, long now) {
        remove(entry.request().id());
        onShed.accept(
                entry.waiting.payload(),
                shed(
                        full(
                                entry.classQueue,
                                now,
                                "another request needed the room in the full queue more")));
    }

    // Shedding

    /**
     * Where nobody may wait, or nobody of its class, sheds a request that did not start at once.
     *
     * @return empty if it may wait, or if it waits no longer
     */
    public Optional<Admission.Shed> refuse(long request) {
        return Optional.ofNullable(entries.get(request))
                .filter(
                        entry ->
                                options.maxRequests() == 0
                                        || entry.classQueue.options().maxRequests() == 0)
                .map(
                        entry -> {
                            withdraw(entry);
                            return shed(full(entry.classQueue, ticker.nanos(), FULL));
                        });
    }

    /** Sheds a request that has just left to start, where its first token would be late. */
    public Admission.Shed refuseLate(RouteRequest request, double firstTokenMillis) {
        long now = ticker.nanos();
        return shed(tooLate(request.deadlineNanos(), now + firstTokenMillis * 1e6, now));
    }

    private Admission.Shed shed(Admission.Shed shed) {
        this.shed.merge(shed.cause(), 1L, Long::sum);
        return shed;
    }

    private Admission.Shed full(ClassQueue<T> queue, long now, String why) {
        return new Admission.Shed(
                Admission.Cause.QUEUE_FULL,
                retrySeconds(queue.drainNanos(now)),
                "%s: %d requests with %d prompt tokens wait"
                        .formatted(why, entries.size(), promptTokens));
    }

    private static Admission.Shed tooLate(Entry<?> entry, double waitNanos, long now) {
        long deadline = entry.request().deadlineNanos();
        return tooLate(deadline, now + waitNanos + (deadline - entry.latestStartNanos), now);
    }

    /**
     * @param early when the first token can come at the earliest
     */
    private static Admission.Shed tooLate(long deadline, double early, long now) {
        double left = (deadline - now) / 1e6;
        var due =
                left >= 0
                        ? "the first token is due in %.0f ms".formatted(left)
                        : "the first token was due %.0f ms ago".formatted(-left);
        return new Admission.Shed(
                Admission.Cause.DEADLINE,
                retrySeconds(early - deadline),
                "%s and predicted in %.0f ms".formatted(due, (early - now) / 1e6));
    }

    private static int retrySeconds(double nanos) {
        return (int) Math.clamp(Math.ceil(nanos / 1e9), MIN_RETRY_SECONDS, MAX_RETRY_SECONDS);
    }
}
