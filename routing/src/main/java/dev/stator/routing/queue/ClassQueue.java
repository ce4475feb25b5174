package dev.stator.routing.queue;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The waiting requests of one class, shared fairly among tenants.
 *
 * <p>Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996). Each tenant has a tag: the work
 * that it has had, divided by its weight. The lowest tag is next. The tag of a tenant that begins
 * to wait is raised to the lowest among those that wait, so nobody saves up turns. While two
 * tenants wait and nobody passes, what they have had, divided by their weights, never differs by
 * more than the largest request of each, divided likewise. A tenant that comes anew is next, not at
 * the end of a round as in deficit round robin, and needs no quantum.
 */
final class ClassQueue<T> {
    /**
     * Tenants that do not wait but have had more than others lately are remembered, this many at
     * most; who had least is forgotten first.
     */
    private static final int MAX_RESTING = 4096;

    private static final Comparator<TenantLine<?>> TURN =
            Comparator.<TenantLine<?>>comparingDouble(line -> line.tag)
                    .thenComparingLong(line -> line.order);

    private static final Comparator<TenantLine<?>> LOAD =
            Comparator.<TenantLine<?>>comparingDouble(TenantLine::load)
                    .thenComparing(line -> line.tenant);

    private final ClassOptions options;
    private final Map<String, Double> tenantWeights;
    private final Map<String, TenantLine<T>> lines = new HashMap<>();

    /** Lines with requests, in order of turn, and the same in order of load. */
    private final TreeSet<TenantLine<T>> waiting = new TreeSet<>(TURN);

    private final TreeSet<TenantLine<T>> loaded = new TreeSet<>(LOAD);

    /** Lines without requests whose tags are above {@link #tag}. */
    private final TreeSet<TenantLine<T>> resting = new TreeSet<>(TURN);

    private final DrainRate drain = new DrainRate();

    /** The class's own tag among the classes. */
    double classTag;

    /** The lowest tag that a tenant which begins to wait can have. */
    private double tag;

    private double waitingWeight;
    private long turns;
    private int requests;
    private long promptTokens;
    private long workNanos;

    ClassQueue(ClassOptions options, Map<String, Double> tenantWeights) {
        this.options = options;
        this.tenantWeights = tenantWeights;
    }

    ClassOptions options() {
        return options;
    }

    int requests() {
        return requests;
    }

    /**
     * Whether more wait than may. A class in which nobody may wait is for those who start at once.
     */
    boolean overfull() {
        return requests > Math.max(1, options.maxRequests());
    }

    /** How often a line has taken its place; the highest {@link TenantLine#order}. */
    long turns() {
        return turns;
    }

    long promptTokens() {
        return promptTokens;
    }

    TenantLine<T> line(String tenant) {
        return lines.computeIfAbsent(
                tenant, name -> new TenantLine<>(name, tenantWeights.getOrDefault(name, 1.0)));
    }

    void add(Entry<T> entry) {
        var line = entry.line;
        if (line.isEmpty()) {
            resting.remove(line);
            line.tag = Math.max(line.tag, tag);
            line.order = ++turns;
            waitingWeight += line.weight;
        } else {
            detach(line);
        }
        line.add(entry);
        attach(line);
        requests++;
        promptTokens += entry.request().promptTokens();
        workNanos += entry.workNanos;
    }

    /** Takes a request out because it starts: its tenant has had its turn. */
    void start(Entry<T> entry, long nowNanos) {
        tag = waiting.first().tag;
        var line = entry.line;
        detach(line);
        line.remove(entry);
        line.tag += entry.workNanos / line.weight;
        line.order = ++turns;
        left(entry);
        drain.departed(nowNanos, entry.workNanos, requests > 0);
    }

    /** Takes a request out that will not start: nobody is charged. */
    void withdraw(Entry<T> entry) {
        detach(entry.line);
        entry.line.remove(entry);
        left(entry);
        if (requests == 0) {
            drain.emptied();
        }
    }

    private void left(Entry<T> entry) {
        requests--;
        promptTokens -= entry.request().promptTokens();
        workNanos -= entry.workNanos;
        if (entry.line.isEmpty()) {
            // The sum of many doubles is exact again whenever nobody waits.
            waitingWeight = requests == 0 ? 0 : waitingWeight - entry.line.weight;
            resting.add(entry.line);
        } else {
            attach(entry.line);
        }
        forget();
    }

    /** A line whose tag would be raised on its return anyway need not be remembered. */
    private void forget() {
        while (!resting.isEmpty()
                && (requests == 0 || resting.first().tag <= tag || resting.size() > MAX_RESTING)) {
            lines.remove(resting.removeFirst().tenant);
        }
    }

    private void attach(TenantLine<T> line) {
        waiting.add(line);
        loaded.add(line);
    }

    private void detach(TenantLine<T> line) {
        waiting.remove(line);
        loaded.remove(line);
    }

    /** Lines with requests in order of turn. */
    SortedSet<TenantLine<T>> waiting() {
        return waiting;
    }

    /** The line that fills the queue most; the class must not be empty. */
    TenantLine<T> longest() {
        return loaded.last();
    }

    /**
     * The predicted wait of a request: while its tenant gets through the work before it, the others
     * that wait get theirs in proportion to their weights, at most all that they have.
     */
    double waitNanos(Entry<T> entry, long nowNanos) {
        double own = entry.line.workBeforeNanos(entry);
        double all = workNanos - entry.workNanos;
        return drain.nanosFor(Math.min(all, own * waitingWeight / entry.line.weight), nowNanos);
    }

    double drainNanos(long nowNanos) {
        return drain.nanosFor(workNanos, nowNanos);
    }

    QueueState.ClassState state(long nowNanos) {
        return new QueueState.ClassState(
                options.name(),
                requests,
                promptTokens,
                workNanos / 1e6,
                drainNanos(nowNanos) / 1e6);
    }
}
