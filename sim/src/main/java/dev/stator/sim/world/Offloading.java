package dev.stator.sim.world;

import dev.stator.sim.time.Link;

/**
 * Writes the blocks of one worker into the tiers below: the node's host tier, and from there its
 * disk tier and the remote store. Nobody waits for it.
 */
final class Offloading {
    private final World world;
    private final Worker worker;
    private final Links links;

    Offloading(World world, Worker worker, Links links) {
        this.world = world;
        this.worker = worker;
        this.links = links;
    }

    /** Writes the blocks {@code [from, to)} of a job's sequence, which are on the device. */
    void write(Job job, int from, int to) {
        int tokens = (to - from) * worker.blockTokens();
        long end = links.write(Link.HOST, tokens, world.now());
        var node = worker.node();
        node.host().ifPresent(host -> store(host, job, from, to, host.write(end, to - from)));
        node.disk()
                .ifPresent(
                        disk -> {
                            long written = links.write(Link.DISK, tokens, end);
                            long taken = Math.max(written, disk.write(end, to - from));
                            store(disk, job, from, to, taken);
                        });
        world.remote()
                .ifPresent(
                        remote -> {
                            long written = links.write(Link.REMOTE, tokens, end);
                            long taken = Math.max(written, remote.write(end, to - from));
                            store(remote, job, from, to, taken);
                        });
    }

    private void store(Store store, Job job, int from, int to, long end) {
        long micros = worker.recomputeMicros(worker.blockTokens());
        var flight = job.flight;
        var node = worker.node();
        boolean isHost = node.host().isPresent() && node.host().get() == store;
        world.at(
                end,
                () -> {
                    for (int block = from; block < to; block++) {
                        store.store(flight.keys[block], flight.parent(block), micros);
                    }
                    store.publish();
                    for (int block = from; isHost && block < to; block++) {
                        node.claims().settle(flight.keys[block], job);
                    }
                });
    }
}
