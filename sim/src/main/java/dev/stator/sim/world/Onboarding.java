package dev.stator.sim.world;

import java.util.Optional;

/**
 * Brings what need not be computed onto one worker's device. A job takes, in the order of its
 * prompt: what the device holds, what {@link Sourcing} finds, what another worker computes for it
 * or for somebody else. What is left it claims, to compute it.
 */
final class Onboarding {
    private final World world;
    private final Worker worker;
    private final DeviceMemory memory;
    private final Feed feed;
    private final int blockTokens;
    private final Sourcing sourcing;
    private final Offloading offloading;
    private final Claims claims = new Claims();

    Onboarding(World world, Worker worker, DeviceMemory memory, Feed feed) {
        this.world = world;
        this.worker = worker;
        this.memory = memory;
        this.feed = feed;
        blockTokens = worker.blockTokens();
        sourcing = new Sourcing(world, worker, worker.links());
        offloading = new Offloading(world, worker, worker.links());
    }

    /** Leases the next blocks that the device holds; returns how many. */
    int lease(Job job) {
        int before = job.blocks;
        int most = job.fetchableBlocks();
        while (job.blocks < most && memory.holds(job.flight.keys[job.blocks])) {
            memory.lease(job.flight.keys[job.blocks]);
            job.blocks++;
        }
        job.have = Math.max(job.have, job.blocks * blockTokens);
        return job.blocks - before;
    }

    /** Tokens of a request that neither the device nor the host tier holds now. */
    int missing(Flight flight) {
        int most = (flight.context() - 1) / blockTokens;
        int block = 0;
        while (block < most
                && (memory.holds(flight.keys[block]) || sourcing.inHost(flight.keys[block]))) {
            block++;
        }
        return flight.context() - block * blockTokens;
    }

    /** Takes the next step towards having all that need not be computed. */
    void advance(Job job) {
        int leased = lease(job);
        memory.unreserve((long) leased * blockTokens);
        job.reserved -= (long) leased * blockTokens;
        job.count(Origin.DEVICE, leased * blockTokens);
        if (fetch(job)) {
            return;
        }
        if (job.feeder.isPresent()) {
            follow(job, job.feeder.get());
        } else if (isClaimed(job)) {
            job.state = Job.State.BLOCKED;
        } else {
            claim(job);
            ready(job);
        }
    }

    /** Looks again after a wait. */
    void resume(Job job) {
        if (job.state == Job.State.BLOCKED) {
            advance(job);
        }
    }

    private void ready(Job job) {
        job.state = Job.State.READY;
        worker.changed();
    }

    private boolean fetch(Job job) {
        int most = job.fetchableBlocks();
        int block = job.blocks;
        long end = world.now();
        boolean offload = false;
        for (var haul = sourcing.read(job, block, most);
                haul.isPresent();
                haul = sourcing.read(job, block, most)) {
            job.count(haul.get().origin(), (haul.get().toBlock() - block) * blockTokens);
            end = Math.max(end, haul.get().end());
            offload |= haul.get().origin() != Origin.HOST;
            block = haul.get().toBlock();
        }
        if (block == job.blocks) {
            return false;
        }
        arriveAt(job, end, block * blockTokens, offload);
        return true;
    }

    /** The job has so many leading tokens from then on. */
    private void arriveAt(Job job, long end, int tokens, boolean offload) {
        job.state = Job.State.FETCHING;
        job.fetchBegan = world.now();
        world.at(
                end,
                () -> {
                    if (job.state == Job.State.FETCHING) {
                        job.fetchNanos += world.now() - job.fetchBegan;
                        job.have = Math.max(job.have, tokens);
                        complete(job, offload);
                        advance(job);
                    }
                });
    }

    /** Takes over what the job that computes the prompt has so far. */
    private void follow(Job job, Job feeder) {
        int there = Math.min(feeder.have, job.target - 1);
        if (there > job.have) {
            boolean far = feeder.worker.node() != worker.node();
            arriveAt(job, sourcing.read(feeder.worker, there - job.have), there, far);
        } else if (job.have == job.target - 1) {
            job.feeder = Optional.empty();
            feeder.worker.letGo(feeder);
            ready(job);
        } else {
            job.state = Job.State.BLOCKED;
        }
    }

    private boolean isClaimed(Job job) {
        if (job.blocks >= job.fetchableBlocks()) {
            return false;
        }
        var key = job.flight.keys[job.blocks];
        return claims.await(key, job)
                || (worker.node().host().isPresent() && worker.node().claims().await(key, job));
    }

    private void claim(Job job) {
        for (int block = job.blocks; block < job.target / blockTokens; block++) {
            claims.claim(job.flight.keys[block], job);
            if (worker.node().host().isPresent()) {
                worker.node().claims().claim(job.flight.keys[block], job);
            }
        }
    }

    /** Gives up what the job has claimed and not completed. */
    void unclaim(Job job) {
        for (int block = job.blocks; block < job.target / blockTokens; block++) {
            claims.settle(job.flight.keys[block], job);
            worker.node().claims().settle(job.flight.keys[block], job);
        }
    }

    /** Makes blocks of the tokens that the job has. */
    void complete(Job job, boolean offload) {
        int from = job.blocks;
        int to = Math.min(job.have / blockTokens, job.flight.keys.length);
        if (from == to) {
            return;
        }
        for (int block = from; block < to; block++) {
            var key = job.flight.keys[block];
            if (memory.complete(key, job.flight.parent(block))) {
                feed.stored(key);
            }
        }
        job.blocks = to;
        job.reserved -= (long) (to - from) * blockTokens;
        if (offload) {
            offloading.write(job, from, to);
        }
        for (int block = from; block < to; block++) {
            claims.settle(job.flight.keys[block], job);
        }
    }
}
