package dev.stator.routing;

import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * A router, its index and a clock that stands still until a test moves it. Workers take 0.1 ms for
 * a prompt token, 10 ms for a step that generates and 0.002 ms to fetch a token from the host tier.
 */
final class Scene {
    static final int BLOCK = 100;
    static final int KV_TOKENS = 100_000;

    final BlockIndex index = new BlockIndex(new IndexOptions(1 << 20));
    final Router router;
    private final Map<Place, Long> sequences = new HashMap<>();
    private final Map<String, WorkerLoad> loads = new HashMap<>();
    private long nanos = 1_000_000_000;
    private long ids;

    Scene(RouterOptions options) {
        router = new Router(options, index, () -> nanos, new Random(1));
    }

    static Scene of(Mode mode) {
        return new Scene(RouterOptions.of(Policy.PREDICTED, mode).withBindMillis(0));
    }

    static Scene of(Policy policy) {
        return new Scene(RouterOptions.of(policy, Mode.AGGREGATED).withBindMillis(0));
    }

    /** Joins an idle worker of a node of its own, and teaches the router its speed. */
    Scene worker(String id, WorkerRole role) {
        return worker(id, "node-of-" + id, role);
    }

    Scene worker(String id, String node, WorkerRole role) {
        router.join(new WorkerSpec(id, node, "kind", role, 8, KV_TOKENS, 1000));
        teach(id, 1);
        return this;
    }

    /** Steps and moves of a worker that is so many times slower than usual. */
    void teach(String id, double slowness) {
        for (int i = 1; i <= 40; i++) {
            int tokens = 25 * i;
            router.step(id, new Step(tokens, 0, 0, 0), slowness * (1 + 0.1 * tokens));
            router.step(id, new Step(0, 0, 1 + i % 8, 1000L * i), slowness * 10);
            router.moved(id, new Place(Tier.HOST, "node-of-" + id), tokens, 0.002 * tokens);
        }
    }

    Scene advance(double millis) {
        nanos += (long) (millis * 1e6);
        return this;
    }

    long nanos() {
        return nanos;
    }

    /** A worker that generates so many answers of 1,000 tokens each, and has nothing waiting. */
    Scene running(String id, int answers) {
        return load(
                id,
                new WorkerLoad(
                        answers, 1000L * answers, 0, 0, 0, KV_TOKENS - 1000L * answers, seen(id)));
    }

    /** A worker with so many prompt tokens to compute. */
    Scene waiting(String id, int tokens) {
        return load(id, new WorkerLoad(0, 0, 1, tokens, 0, KV_TOKENS - tokens, seen(id)));
    }

    Scene load(String id, WorkerLoad load) {
        loads.put(id, load);
        router.report(id, load);
        return this;
    }

    private long seen(String id) {
        return loads.containsKey(id) ? loads.get(id).seen() : 0;
    }

    /** The first blocks of a conversation are now in a tier. */
    Scene holds(Tier tier, String owner, long conversation, int blocks) {
        return event(new Place(tier, owner), BlockEvents.Change.STORED, keys(conversation, blocks));
    }

    Scene event(Place place, BlockEvents.Change change, long[] keys) {
        long sequence = sequences.merge(place, 1L, Long::sum);
        index.apply(new BlockEvents(place, sequence, change, keys));
        return this;
    }

    /** A prompt of so many complete blocks and one token, with an answer of 100 tokens. */
    RouteRequest prompt(long conversation, int blocks) {
        return new RouteRequest(
                ++ids,
                keys(conversation, blocks),
                BLOCK,
                blocks * BLOCK + 1,
                100,
                "",
                0,
                Long.MAX_VALUE);
    }

    static long[] keys(long conversation, int blocks) {
        long[] keys = new long[blocks];
        Arrays.setAll(keys, block -> new Random(conversation * 1_000_003 + block).nextLong());
        return keys;
    }

    Plan plan(RouteRequest request) {
        return router.decide(request).orElseThrow().plan();
    }

    Decision dispatch(RouteRequest request) {
        var decision = router.decide(request).orElseThrow();
        router.dispatched(decision);
        return decision;
    }
}
