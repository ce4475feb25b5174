package dev.stator.cluster;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jgroups.Address;
import org.jgroups.util.UUID;

/**
 * What JGroups does: members agree on views in time, those that cannot all reach each other part,
 * and merge when they can again. Members hear of a view at different times. A word to somebody
 * comes once and in order, unless a view parts the two first.
 */
final class VirtualGroup implements Pipe.Way {
    private static final int DETECTION_NANOS = 1_500_000_000;
    private static final int VIEW_NANOS = 200_000_000;

    /** A member that does nothing for so long is suspected. */
    private static final long SUSPECTED_NANOS = 800_000_000;

    private final VirtualTime time;
    private final VirtualNetwork network;
    private final Random random;
    private final List<Endpoint> endpoints = new ArrayList<>();

    VirtualGroup(VirtualTime time, VirtualNetwork network, Random random) {
        this.time = time;
        this.network = network;
        this.random = random;
    }

    Group.Channel open(VirtualProcess process) {
        return new Endpoint(process);
    }

    /** Something has happened of which members may hear. */
    void changed() {
        time.after(random.nextInt(DETECTION_NANOS), this::look);
    }

    private void look() {
        endpoints.removeIf(each -> each.closed || each.process.isDead());
        endpoints.forEach(Endpoint::resume);
        var parts = new ArrayList<List<Endpoint>>();
        for (var each : endpoints) {
            parts.stream()
                    .filter(part -> part.stream().allMatch(other -> reach(each, other)))
                    .findFirst()
                    .orElseGet(
                            () -> {
                                var alone = new ArrayList<Endpoint>();
                                parts.add(alone);
                                return alone;
                            })
                    .add(each);
        }
        parts.forEach(this::install);
    }

    private boolean reach(Endpoint one, Endpoint other) {
        return answers(one)
                && answers(other)
                && network.isWhole(one.process.host(), other.process.host());
    }

    private boolean answers(Endpoint one) {
        return !one.process.isFrozen() || time.now() - one.process.outSince() < SUSPECTED_NANOS;
    }

    private void install(List<Endpoint> part) {
        var view = part.stream().map(each -> (Address) each.self).toList();
        if (part.stream().anyMatch(each -> !each.view.equals(view))) {
            part.forEach(each -> each.install(view));
        }
    }

    @Override
    public long latencyNanos(Pipe pipe) {
        return pipe.from() == pipe.to()
                ? random.nextInt(VIEW_NANOS)
                : network.latencyNanos(pipe.from().host(), pipe.to().host());
    }

    @Override
    public boolean stalls(Pipe pipe) {
        return !network.isWhole(pipe.from().host(), pipe.to().host());
    }

    private final class Endpoint implements Group.Channel {
        final VirtualProcess process;
        final UUID self = new UUID(random.nextLong(), random.nextLong());
        private final Map<Address, Pipe> ways = new HashMap<>();
        private final Pipe views;
        private List<Group> group = List.of();
        List<Address> view = List.of();
        boolean closed;

        Endpoint(VirtualProcess process) {
            this.process = process;
            this.views = new Pipe(VirtualGroup.this, time, process, process);
        }

        @Override
        public void connect(Group its) {
            group = List.of(its);
            view = List.of(self);
            its.seen(view);
            endpoints.add(this);
            changed();
        }

        void install(List<Address> next) {
            view = next;
            ways.forEach(
                    (to, way) -> {
                        if (!next.contains(to)) {
                            way.lose(0);
                        }
                    });
            views.send(
                    () -> {
                        if (!closed) {
                            group.getFirst().seen(next);
                        }
                    });
        }

        void resume() {
            ways.values().forEach(Pipe::resume);
        }

        @Override
        public Address self() {
            return self;
        }

        @Override
        public void send(Address to, byte[] word) {
            endpoints.stream()
                    .filter(each -> each.self.equals(to) && !each.closed)
                    .findFirst()
                    .ifPresent(
                            there ->
                                    ways.computeIfAbsent(
                                                    to,
                                                    _ ->
                                                            new Pipe(
                                                                    VirtualGroup.this,
                                                                    time,
                                                                    process,
                                                                    there.process))
                                            .send(() -> there.receive(self, word)));
        }

        private void receive(Address from, byte[] word) {
            if (!closed) {
                group.getFirst().received(from, ByteBuffer.wrap(word));
            }
        }

        @Override
        public void close() {
            closed = true;
            changed();
        }
    }
}
