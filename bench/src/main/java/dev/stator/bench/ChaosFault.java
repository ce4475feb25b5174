package dev.stator.bench;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** What breaks, and is then mended: {@link #strike} returns when it is. */
enum ChaosFault {
    KILL_NODE(false) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember node, Random random, int longest) {
            node.kill();
            pause(random, 1000);
            node.start();
            node.awaitReady();
        }
    },
    KILL_FRONTEND(false) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember frontend, Random random, int longest) {
            frontend.kill();
            pause(random, 500);
            frontend.start();
            frontend.awaitReady();
        }
    },
    KILL_WORKER(false) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember node, Random random, int longest) {
            worker(node, random).ifPresent(ProcessHandle::destroyForcibly);
        }
    },
    FREEZE_NODE(false) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember node, Random random, int longest) {
            node.signal("STOP");
            pause(random, longest);
            node.signal("CONT");
        }
    },
    FREEZE_FRONTEND(false) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember frontend, Random random, int longest) {
            frontend.signal("STOP");
            pause(random, longest);
            frontend.signal("CONT");
        }
    },
    FREEZE_WORKER(false) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember node, Random random, int longest) {
            var worker = worker(node, random);
            worker.ifPresent(its -> ChaosMember.signal(its, "STOP"));
            pause(random, longest);
            worker.ifPresent(its -> ChaosMember.signal(its, "CONT"));
        }
    },
    /** Nothing comes to a node or goes from it. */
    CUT_OFF(true) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember node, Random random, int longest) {
            PrivateNetwork.cut(node.address());
            try {
                pause(random, longest);
            } finally {
                PrivateNetwork.heal(node.address());
            }
        }
    },
    /** Much of what a node says and hears is lost, and sent again. */
    LOSSY(true) {
        @Override
        void strike(ChaosCluster cluster, ChaosMember node, Random random, int longest) {
            for (int i = 0; i < 10; i++) {
                PrivateNetwork.cut(node.address());
                try {
                    pause(random, 100);
                } finally {
                    PrivateNetwork.heal(node.address());
                }
                pause(random, 300);
            }
        }
    };

    private final boolean ofNetwork;

    ChaosFault(boolean ofNetwork) {
        this.ofNetwork = ofNetwork;
    }

    /** Whether it needs a {@link PrivateNetwork}. */
    boolean ofNetwork() {
        return ofNetwork;
    }

    /** Whom it may strike. */
    List<ChaosMember> victims(ChaosCluster cluster) {
        return switch (this) {
            case KILL_NODE, FREEZE_NODE, CUT_OFF, LOSSY -> cluster.nodes();
            case KILL_FRONTEND, FREEZE_FRONTEND -> cluster.frontends();
            case KILL_WORKER, FREEZE_WORKER -> List.of(cluster.isolated());
        };
    }

    /**
     * @param longest milliseconds for which something is frozen or cut off
     */
    abstract void strike(ChaosCluster cluster, ChaosMember victim, Random random, int longest);

    /** Empty while it is being started anew. */
    private static Optional<ProcessHandle> worker(ChaosMember node, Random random) {
        var workers = node.workers();
        return workers.isEmpty()
                ? Optional.empty()
                : Optional.of(workers.get(random.nextInt(workers.size())));
    }

    static void pause(Random random, int mostMillis) {
        long end = System.nanoTime() + Duration.ofMillis(1 + random.nextInt(mostMillis)).toNanos();
        for (long left = 1; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
