package dev.stator.sim.world;

import dev.stator.routing.Decision;
import dev.stator.routing.Dispatcher;
import dev.stator.routing.RouteRequest;
import dev.stator.routing.Router;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.queue.Admission;
import dev.stator.routing.queue.QueueOptions;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** A router with its queue and its index, as a server has them. */
final class Front implements Dispatcher.Binding<Flight> {
    private static final long INDEX_BYTES = 64L << 20;
    private static final double RECENT = 0.01;

    private final World world;
    private final int number;
    private final BlockIndex index = new BlockIndex(new IndexOptions(INDEX_BYTES));
    private final Router router;
    private final Dispatcher<Flight> dispatcher;
    private long requests;
    private int waiting;

    /** What the router expects of answers: it cannot know how long one will be. */
    private double outputTokens = 256;

    Front(World world, int number, RouterOptions options, RandomGenerator random) {
        this.world = world;
        this.number = number;
        router = new Router(options, index, world.clock(), random);
        dispatcher =
                new Dispatcher<>(
                        QueueOptions.of(Integer.MAX_VALUE, Long.MAX_VALUE),
                        router,
                        world.clock(),
                        this);
    }

    int number() {
        return number;
    }

    void submit(Flight flight) {
        flight.id = ++requests;
        int tokens = flight.context();
        long[] keys = Arrays.copyOf(flight.request.keys(), tokens / world.blockTokens());
        var request =
                new RouteRequest(
                        flight.id,
                        keys,
                        world.blockTokens(),
                        tokens,
                        (int) outputTokens,
                        "",
                        0,
                        Long.MAX_VALUE);
        waiting++;
        dispatcher.submit(request, flight);
    }

    /** Starts what can be started after some news. */
    void pump() {
        if (waiting > 0) {
            dispatcher.pump();
        }
    }

    @Override
    public void bind(Flight flight, Decision decision) {
        waiting--;
        world.dispatch(flight, decision);
    }

    @Override
    public void shed(Flight flight, Admission.Shed shed) {
        throw new IllegalStateException("shed, though nothing is in a hurry: " + shed);
    }

    void hear(Notice notice) {
        switch (notice) {
            case Notice.Changed(var events) -> {
                if (!index.apply(events)) {
                    throw new IllegalStateException("the simulator lost a batch of " + events);
                }
            }
            case Notice.Loaded(var worker, var load, var seen) ->
                    router.report(worker, seenBy(load, seen[number]));
            case Notice.Stepped(var worker, var step, double millis) ->
                    router.step(worker, step, millis);
            case Notice.Moved(var worker, var from, long tokens, double millis) ->
                    router.moved(worker, from, tokens, millis);
            case Notice.Joined(var spec) -> router.join(spec);
            case Notice.Left(var worker) -> router.leave(worker);
            case Notice.Began(var front, long request, var actual) -> {
                if (front == this) {
                    router.firstToken(request, actual);
                }
            }
            case Notice.Finished(var front, long request, int tokens) -> {
                if (front == this) {
                    router.finished(request);
                    outputTokens += tokens == 0 ? 0 : RECENT * (tokens - outputTokens);
                }
            }
        }
    }

    private static WorkerLoad seenBy(WorkerLoad load, long seen) {
        return new WorkerLoad(
                load.running(),
                load.contextTokens(),
                load.waitingPrompts(),
                load.waitingTokens(),
                load.waitingAttended(),
                load.freeTokens(),
                seen);
    }
}
