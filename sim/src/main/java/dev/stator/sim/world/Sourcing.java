package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import dev.stator.routing.Source;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.sim.time.Link;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where one worker reads blocks that its device lacks. Its node's host tier it always looks into;
 * elsewhere it reads what the router's hints name, if it still is there.
 */
final class Sourcing {
    private final World world;
    private final Worker worker;
    private final Links links;

    Sourcing(World world, Worker worker, Links links) {
        this.world = world;
        this.worker = worker;
        this.links = links;
    }

    /**
     * A run of blocks that one source gives.
     *
     * @param toBlock the first that it does not give
     * @param end when the last of them is on the device
     */
    record Haul(int toBlock, Origin origin, long end) {}

    boolean inHost(BlockKey key) {
        var host = worker.node().host();
        return host.isPresent() && host.get().holds(key);
    }

    /** Begins to read blocks from {@code block} on; empty if no source has that one. */
    Optional<Haul> read(Job job, int block, int most) {
        if (block >= most) {
            return Optional.empty();
        }
        if (inHost(job.flight.keys[block])) {
            var host = worker.node().host().orElseThrow();
            return read(job, block, most, host, Origin.HOST, Link.HOST);
        }
        for (Source source : job.sources) {
            if (source.fromBlock() <= block && block < source.toBlock()) {
                var haul = follow(job, block, Math.min(most, source.toBlock()), source.place());
                if (haul.isPresent()) {
                    return haul;
                }
            }
        }
        return Optional.empty();
    }

    private Optional<Haul> follow(Job job, int block, int most, Place hint) {
        return switch (hint.tier()) {
            case DEVICE ->
                    world.worker(hint.owner())
                            .filter(peer -> peer != worker)
                            .flatMap(peer -> read(job, block, most, peer));
            case HOST ->
                    world.node(hint.owner())
                            .flatMap(Node::host)
                            .flatMap(
                                    host ->
                                            read(
                                                    job,
                                                    block,
                                                    most,
                                                    host,
                                                    Origin.PEER,
                                                    Link.NETWORK));
            case DISK ->
                    worker.node()
                            .disk()
                            .filter(disk -> disk.place().equals(hint))
                            .flatMap(disk -> read(job, block, most, disk, Origin.DISK, Link.DISK));
            case REMOTE ->
                    world.remote()
                            .flatMap(
                                    store ->
                                            read(
                                                    job,
                                                    block,
                                                    most,
                                                    store,
                                                    Origin.REMOTE,
                                                    Link.REMOTE));
        };
    }

    private Optional<Haul> read(
            Job job, int block, int most, Store store, Origin origin, Link link) {
        int to = run(job, block, most, store::holds);
        if (to == block) {
            return Optional.empty();
        }
        for (int each = block; each < to; each++) {
            store.use(job.flight.keys[each]);
        }
        int tokens = (to - block) * worker.blockTokens();
        long now = world.now();
        long end = Math.max(links.read(link, tokens, now), store.read(now, to - block));
        worker.moved(store.place(), tokens, end - now);
        return Optional.of(new Haul(to, origin, end));
    }

    private Optional<Haul> read(Job job, int block, int most, Worker peer) {
        int to = run(job, block, most, peer::holds);
        return to == block
                ? Optional.empty()
                : Optional.of(
                        new Haul(to, Origin.PEER, read(peer, (to - block) * worker.blockTokens())));
    }

    private static int run(Job job, int block, int most, Predicate<BlockKey> held) {
        int to = block;
        while (to < most && held.test(job.flight.keys[to])) {
            to++;
        }
        return to;
    }

    /** When so many tokens of another worker's device are on this one. */
    long read(Worker peer, int tokens) {
        var link = peer.node() == worker.node() ? Link.DEVICE_TO_DEVICE : Link.NETWORK;
        long end = links.read(link, peer.links(), tokens, world.now());
        worker.moved(new Place(Tier.DEVICE, peer.spec().id()), tokens, end - world.now());
        return end;
    }
}
