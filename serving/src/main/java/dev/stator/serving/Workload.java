package dev.stator.serving;

import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import java.util.Collection;

/**
 * What a worker tells the router of its load. Requests that give way to all others keep nobody
 * waiting: only their cells are counted.
 */
final class Workload {
    private final Role role;
    private int running;
    private int prompts;
    private long context;
    private long waiting;
    private double attended;
    private long free;

    private Workload(Role role, long free) {
        this.role = role;
        this.free = free;
    }

    /**
     * @param cells of the device
     * @param seen the latest dispatch that the worker has heard of
     */
    static WorkerLoad of(
            Role role,
            Collection<Sequence> sequences,
            Collection<Request> backlog,
            int cells,
            long seen) {
        var load = new Workload(role, cells);
        sequences.forEach(load::add);
        backlog.forEach(load::add);
        return load.report(seen);
    }

    /** The last report, and what the worker has been given since. */
    static WorkerLoad since(WorkerLoad last, Role role, Collection<Request> inbox) {
        var load = new Workload(role, last.freeTokens());
        load.running = last.running();
        load.context = last.contextTokens();
        load.prompts = last.waitingPrompts();
        load.waiting = last.waitingTokens();
        load.attended = last.waitingAttended();
        inbox.forEach(load::add);
        return load.report(last.seen());
    }

    private void add(Sequence sequence) {
        free -= cellsOf(sequence.request);
        if (sequence.request.background) {
            return;
        }
        if (sequence.generating()) {
            running++;
            context += sequence.ready;
        } else {
            addPrompt(uncomputed(sequence.request, sequence.ready), sequence.goal());
        }
    }

    private void add(Request request) {
        free -= cellsOf(request);
        if (!request.background) {
            addPrompt(uncomputed(request, 0), request.reusable());
        }
    }

    private void addPrompt(long left, int goal) {
        prompts++;
        waiting += left;
        attended += Step.attended(goal - left, left);
    }

    private WorkerLoad report(long seen) {
        return new WorkerLoad(running, context, prompts, waiting, attended, free, seen);
    }

    private static long cellsOf(Request request) {
        return request.asked().prompt().length
                + Math.min(request.asked().maxTokens(), Request.ANSWER_TOKENS);
    }

    /** Prompt tokens that the worker still has to compute for a request. */
    private long uncomputed(Request request, int ready) {
        if (role == Role.DECODE && request.split()) {
            return 1;
        }
        return Math.max(0, request.reusable() - Math.max(ready, request.supplied()));
    }
}
