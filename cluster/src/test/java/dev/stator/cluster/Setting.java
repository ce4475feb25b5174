package dev.stator.cluster;

import dev.stator.routing.Policy;
import java.time.Duration;
import java.util.Random;

/** What one history's cluster is like. */
record Setting(
        int frontends,
        int nodes,
        Duration timeout,
        int retries,
        Duration patience,
        Policy policy,
        VirtualNode.Shape shape,
        Follower.Bounds bounds,
        int questions,
        int faults) {
    static final int BLOCK_TOKENS = 8;
    static final int CONTEXT_TOKENS = 256;
    private static final int CRAMPED = 8;

    static Setting draw(Random random) {
        boolean cramped = random.nextInt(CRAMPED) == 0;
        boolean narrow = random.nextBoolean();
        return new Setting(
                random.nextInt(4) == 0 ? 2 : 1,
                2 + random.nextInt(3),
                Duration.ofMillis(500 + random.nextInt(1500)),
                random.nextInt(5),
                Duration.ofMillis(1000 + random.nextInt(3000)),
                Policy.values()[random.nextInt(Policy.values().length)],
                new VirtualNode.Shape(
                        cramped ? 1 : 1 + random.nextInt(4),
                        cramped ? 1 : 64,
                        4 + random.nextInt(40),
                        BLOCK_TOKENS,
                        CONTEXT_TOKENS,
                        Duration.ofMillis(1 + random.nextInt(4)),
                        Duration.ofMillis(5 + random.nextInt(40)),
                        random.nextInt(3) == 0 ? 8 : 0),
                narrow
                        ? new Follower.Bounds(4 + random.nextInt(12), 1 + random.nextInt(4))
                        : Follower.Bounds.USUAL,
                4 + random.nextInt(10),
                random.nextInt(8));
    }

    boolean isCramped() {
        return shape.queue() == 1;
    }
}
