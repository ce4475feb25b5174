package dev.stator.cluster;

import io.grpc.ManagedChannel;
import io.grpc.ServerServiceDefinition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Machines, and what lies between them. What TCP promises holds: what is sent comes once and in
 * order, until a connection breaks, and then a part of what was on its way is lost. A way that is
 * cut loses nothing by itself: it goes on when it is whole again. If only one direction is cut the
 * other soon stands still, too, for want of acknowledgements.
 */
final class VirtualNetwork implements Pipe.Way {
    private static final long LATENCY_NANOS = 400_000;
    private static final long NEVER = -1;

    /** So many messages go through a direction whose opposite is cut. */
    static final int MOST_UNACKNOWLEDGED = 8;

    /** A process that listens, and for what. */
    record Listening(VirtualProcess process, ServerServiceDefinition service) {}

    private final VirtualTime time;
    private final Random random;
    private final CallWatch watch;
    private final long[][] cutSince;
    private final long[][] healedAt;
    private final long[][] slowNanos;
    private final int[][] unacknowledged;
    private final Map<Integer, Listening> listening = new HashMap<>();
    private final Set<Pipe> standing = new LinkedHashSet<>();
    private final List<VirtualChannel> channels = new ArrayList<>();

    VirtualNetwork(int hosts, VirtualTime time, Random random, CallWatch watch) {
        this.time = time;
        this.random = random;
        this.watch = watch;
        this.cutSince = new long[hosts][hosts];
        this.healedAt = new long[hosts][hosts];
        this.slowNanos = new long[hosts][hosts];
        this.unacknowledged = new int[hosts][hosts];
        for (long[] each : cutSince) {
            Arrays.fill(each, NEVER);
        }
    }

    VirtualTime time() {
        return time;
    }

    Random random() {
        return random;
    }

    CallWatch watch() {
        return watch;
    }

    void listen(int port, VirtualProcess process, ServerServiceDefinition service) {
        listening.put(port, new Listening(process, service));
    }

    /** Who can be reached there; empty if the machine would refuse the connection. */
    Optional<Listening> at(int port) {
        return Optional.ofNullable(listening.get(port)).filter(its -> !its.process.isDead());
    }

    ManagedChannel dial(VirtualProcess client, int host, int port) {
        var channel = new VirtualChannel(this, client, host, port);
        channels.add(channel);
        return channel;
    }

    Pipe pipe(VirtualProcess from, VirtualProcess to) {
        return new Pipe(this, time, from, to);
    }

    // Faults.

    void cut(int from, int to) {
        if (cutSince[from][to] == NEVER) {
            cutSince[from][to] = time.now();
            unacknowledged[to][from] = random.nextInt(MOST_UNACKNOWLEDGED + 1);
        }
    }

    void heal(int from, int to) {
        cutSince[from][to] = NEVER;
        healedAt[from][to] = time.now();
        for (var pipe : List.copyOf(standing)) {
            if (!isCut(pipe.from().host(), pipe.to().host())) {
                standing.remove(pipe);
                pipe.resume();
            }
        }
    }

    void slow(int from, int to, long nanos) {
        slowNanos[from][to] = nanos;
    }

    /** Breaks all connections between two machines, as a firewall does that forgets them. */
    void reset(int client, int server) {
        for (var channel : List.copyOf(channels)) {
            if (channel.client().host() == client && channel.host() == server) {
                channel.reset();
            }
        }
    }

    /** The process is dead: who was connected with it hears of that, if the way is free. */
    void killed(VirtualProcess process) {
        for (var channel : List.copyOf(channels)) {
            channel.killed(process);
            if (channel.client() == process) {
                channels.remove(channel);
            }
        }
    }

    void closed(VirtualChannel channel) {
        channels.remove(channel);
    }

    // What the faults do.

    boolean isCut(int from, int to) {
        return cutSince[from][to] != NEVER;
    }

    /** Since when nothing can have come that way, if nothing can. */
    long cutSince(int from, int to) {
        return cutSince[from][to] == NEVER ? Long.MAX_VALUE : cutSince[from][to];
    }

    /** When something that had been sent before may have come, because a way was free again. */
    long healedAt(int one, int other) {
        return Math.max(healedAt[one][other], healedAt[other][one]);
    }

    boolean isWhole(int one, int other) {
        return !isCut(one, other) && !isCut(other, one);
    }

    @Override
    public boolean stalls(Pipe pipe) {
        int from = pipe.from().host();
        int to = pipe.to().host();
        boolean stalls = isCut(from, to) || (isCut(to, from) && unacknowledged[from][to]-- <= 0);
        if (stalls) {
            standing.add(pipe);
        }
        return stalls;
    }

    @Override
    public long latencyNanos(Pipe pipe) {
        return latencyNanos(pipe.from().host(), pipe.to().host());
    }

    long latencyNanos(int from, int to) {
        return 50_000 + random.nextInt((int) LATENCY_NANOS) + slowNanos[from][to];
    }
}
