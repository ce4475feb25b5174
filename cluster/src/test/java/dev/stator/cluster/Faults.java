package dev.stator.cluster;

import java.time.Duration;
import java.util.Random;

/** Draws what happens to a cluster, each thing once and for a while. */
final class Faults {
    private final VirtualCluster cluster;
    private final Random random;

    Faults(VirtualCluster cluster, Random random) {
        this.cluster = cluster;
        this.random = random;
    }

    /** Something happens within so long, and is mostly over by itself. */
    void draw(Duration within) {
        cluster.time().after(anyNanos(within.toMillis()), this::happen);
    }

    private long anyNanos(long mostMillis) {
        return Duration.ofMillis(1 + random.nextInt((int) mostMillis)).toNanos();
    }

    private void later(long mostMillis, Runnable what) {
        cluster.time().after(anyNanos(mostMillis), what);
    }

    private int anyHost() {
        return random.nextInt(cluster.hosts());
    }

    private int anyFrontend() {
        return random.nextInt(cluster.setting().frontends());
    }

    private int anyNode() {
        return cluster.setting().frontends() + random.nextInt(cluster.setting().nodes());
    }

    private void happen() {
        switch (random.nextInt(12)) {
            case 0, 1 -> kill(anyNode());
            case 2 -> kill(anyFrontend());
            case 3 -> freeze(anyNode(), 4000);
            case 4 -> freeze(anyFrontend(), 2500);
            case 5 -> cutBoth(anyFrontend(), anyNode());
            case 6 -> cutOne(anyHost(), anyHost());
            case 7 -> isolate(anyHost());
            case 8 -> reset(anyFrontend(), anyNode());
            case 9 -> slow(anyHost(), anyHost());
            case 10 -> drain(anyNode());
            case 11 -> impair(anyNode());
            default -> throw new AssertionError("there are no others");
        }
    }

    private void kill(int host) {
        if (cluster.processOf(host).isDead()) {
            return;
        }
        cluster.kill(host);
        if (random.nextInt(4) > 0) {
            later(3000, () -> cluster.restart(host));
        }
    }

    private void freeze(int host, long mostMillis) {
        if (cluster.processOf(host).runs()) {
            cluster.freeze(host);
            later(mostMillis, () -> cluster.thaw(host));
        }
    }

    private void cutBoth(int one, int other) {
        cutOne(one, other);
        cutOne(other, one);
    }

    private void cutOne(int from, int to) {
        if (from != to) {
            cluster.cut(from, to);
            later(4000, () -> cluster.heal(from, to));
        }
    }

    private void isolate(int host) {
        for (int other = 0; other < cluster.hosts(); other++) {
            if (other != host) {
                cutBoth(host, other);
            }
        }
    }

    private void reset(int frontend, int node) {
        cluster.reset(frontend, node);
        if (random.nextBoolean()) {
            later(1000, () -> cluster.reset(frontend, node));
        }
    }

    private void slow(int from, int to) {
        if (from != to) {
            cluster.slow(from, to, anyNanos(400));
            later(3000, () -> cluster.slow(from, to, 0));
        }
    }

    private void drain(int host) {
        if (cluster.processOf(host).runs()) {
            cluster.drain(host, Duration.ofMillis(random.nextInt(1500)));
            later(4000, () -> cluster.restart(host));
        }
    }

    private void impair(int host) {
        if (random.nextBoolean()) {
            cluster.clear(host);
        } else {
            cluster.slowDown(host, 2 + random.nextInt(20));
            later(3000, () -> cluster.slowDown(host, 1));
        }
    }
}
