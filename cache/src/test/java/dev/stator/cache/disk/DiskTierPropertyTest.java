package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random operations, restarts among them, against a model that knows what was stored, and that only
 * a lack of room may take it away.
 */
final class DiskTierPropertyTest {
    private static final int STEPS = 1_500;
    private static final long CAPACITY = 12 * 32 << 10;

    @TempDir Path folder;
    private final List<Chain> chains = new ArrayList<>();
    private Set<BlockKey> present = new HashSet<>();
    private final Set<BlockKey> ever = new HashSet<>();
    private long lostBefore;
    private long lost;
    private long reopened;

    private DiskTier open() {
        return DiskTier.open(
                DiskTierOptions.of(folder, CAPACITY, 2048, Chain.MODEL)
                        .withSegmentBytes(32 << 10)
                        .withWarnings(
                                warning -> {
                                    throw new AssertionError(warning);
                                }));
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_261_126})
    void theTierAgreesWithItsModel(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 40; i++) {
            // Families of four share their first three blocks; the last block is short.
            int[] tokens = new Random(i).ints(21, 0, 1000).toArray();
            int[] common = new Random(-1 - i / 4).ints(12, 0, 1000).toArray();
            System.arraycopy(common, 0, tokens, 0, common.length);
            chains.add(Chain.of(100 + 400 * (i / 4 % 3), 4, tokens));
        }
        DiskTier tier = open();
        try {
            for (int i = 0; i < STEPS; i++) {
                if (random.nextInt(100) == 0) {
                    tier = reopen(tier);
                } else {
                    step(tier, random);
                }
                tier.checkIntegrity();
                compare(tier);
            }
            assertThat(reopened).isPositive();
            assertThat(lost).isPositive();
        } finally {
            tier.close();
        }
    }

    private void step(DiskTier tier, Random random) {
        Chain chain = chains.get(random.nextInt(chains.size()));
        int block = random.nextInt(chain.blocks());
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                boolean there = present.contains(chain.keys().get(block));
                boolean follows = block == 0 || present.contains(chain.parent(block));
                boolean taken = chain.offer(tier, block, random.nextInt(10_000));
                assertThat(taken).isEqualTo(!there && follows);
                tier.awaitWritten();
                if (taken) {
                    present.add(chain.keys().get(block));
                }
            }
            case 3, 4 -> {
                // A whole conversation at once, so that it is written in one piece.
                for (int i = 0; i < chain.blocks(); i++) {
                    if (chain.offer(tier, i, random.nextInt(10_000))) {
                        present.add(chain.keys().get(i));
                    }
                }
                tier.awaitWritten();
            }
            case 5 -> assertThat(tier.use(chain.keys())).isEqualTo(leading(chain));
            default ->
                    assertThat(chain.isIn(tier, block))
                            .isEqualTo(present.contains(chain.keys().get(block)));
        }
    }

    private int leading(Chain chain) {
        int leading = 0;
        while (leading < chain.blocks() && present.contains(chain.keys().get(leading))) {
            leading++;
        }
        return leading;
    }

    private DiskTier reopen(DiskTier tier) {
        reopened++;
        var stats = tier.stats();
        lostBefore = lost(stats);
        assertThat(stats.checksumFailures() + stats.collisions() + stats.readErrors()).isZero();
        tier.close();
        DiskTier next = open();
        // What was cut off from its beginning is back if the beginning has been written again.
        for (Chain chain : chains) {
            for (BlockKey key : chain.keys()) {
                if (ever.contains(key) && next.match(List.of(key), 0) == 1) {
                    present.add(key);
                }
            }
        }
        return next;
    }

    private void compare(DiskTier tier) {
        Set<BlockKey> now = new HashSet<>();
        Map<BlockKey, BlockKey> parents = new HashMap<>();
        for (Chain chain : chains) {
            for (int block = 0; block < chain.blocks(); block++) {
                BlockKey key = chain.keys().get(block);
                parents.put(key, chain.parent(block));
                if (tier.match(List.of(key), 0) == 1) {
                    now.add(key);
                }
            }
        }
        assertThat(present).as("nothing appears by itself").containsAll(now);
        var stats = tier.stats();
        if (lost(stats) == lost) {
            assertThat(now).as("only a lack of room takes away").isEqualTo(present);
        }
        lost = lost(stats);
        for (BlockKey key : now) {
            BlockKey parent = parents.getOrDefault(key, Chain.MODEL);
            assertThat(parent.equals(Chain.MODEL) || now.contains(parent)).as("no hole").isTrue();
        }
        present = now;
        ever.addAll(now);
        assertThat(stats.blocks()).isEqualTo(now.size());
        assertThat(stats.bytes()).isLessThanOrEqualTo(CAPACITY);
        assertThat(stats.queued()).isZero();
    }

    /** Blocks that a lack of room has taken away, or kept from following one that it took. */
    private long lost(DiskStats stats) {
        return lostBefore + stats.evictedRoom() + stats.evictedOrphan() + stats.refusedOrphan();
    }
}
