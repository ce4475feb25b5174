package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random operations against a model that knows claims, waiters and what may be lost, not order. */
class HostTierPropertyTest {
    private static final int STEPS = 4_000;
    private static final int SLOTS = 6;
    private static final int CLAIMANTS = 3;

    @TempDir Path directory;

    private record Opened(Sequence sequence, int block, AutoCloseable handle) {}

    private final List<Sequence> sequences = new ArrayList<>();
    private final List<Claimant> claimants = new ArrayList<>();
    private final Map<BlockKey, Claimant> claims = new HashMap<>();
    private final Map<BlockKey, Integer> waiting = new HashMap<>();
    private final Map<BlockKey, Integer> told = new HashMap<>();
    private final Map<BlockKey, Integer> owed = new HashMap<>();
    private final List<Opened> leases = new ArrayList<>();
    private final List<Opened> reservations = new ArrayList<>();
    private final List<PinSet> pins = new ArrayList<>();
    private int cancels;
    private int growths;
    private Set<BlockKey> present = new HashSet<>();

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void theTierAgreesWithItsModel(long seed) {
        Random random = new Random(seed);
        BlockKey root = BlockKey.root("model");
        for (int i = 0; i < 4; i++) {
            // Two families of prefixes that part after their first block.
            sequences.add(Sequence.of(root, 2, i / 2, i / 2, i, i, i, i, i));
        }
        for (int i = 0; i < CLAIMANTS; i++) {
            claimants.add(new Claimant("claimant " + i));
        }
        HostTierOptions options =
                HostTierOptions.of(directory, SLOTS * 4096L, 4096, 2).withWarnings(_ -> {});
        try (HostTier tier =
                HostTier.open(
                        options,
                        (_, _, _) -> {
                            if (++growths == 3) {
                                throw new IOException("No space left on device");
                            }
                        })) {
            for (int i = 0; i < STEPS; i++) {
                step(tier, random);
                tier.checkIntegrity();
                compare(tier);
            }
            end(tier);
        }
    }

    private void step(HostTier tier, Random random) {
        Sequence sequence = sequences.get(random.nextInt(sequences.size()));
        int block = random.nextInt(sequence.blocks());
        BlockKey key = sequence.key(block);
        Claimant who = claimants.get(random.nextInt(CLAIMANTS));
        switch (random.nextInt(10)) {
            case 0 -> claim(tier, key, who);
            case 1 -> release(tier, key, who, random.nextBoolean());
            case 2 -> await(tier, key);
            case 3, 4 -> reserve(tier, sequence, block, random.nextInt(1_000));
            case 5, 6 -> endReservation(tier, random);
            case 7 -> acquire(tier, sequence, block);
            case 8 -> closeOne(leases, random);
            default -> pinOrUnpin(tier, sequence, random);
        }
    }

    private void claim(HostTier tier, BlockKey key, Claimant who) {
        ClaimState expected =
                present.contains(key)
                        ? ClaimState.PRESENT
                        : claims.getOrDefault(key, who) == who
                                ? ClaimState.MINE
                                : ClaimState.OTHERS;
        assertThat(tier.claim(key, who)).isEqualTo(expected);
        if (expected == ClaimState.MINE) {
            claims.put(key, who);
        }
    }

    private void release(HostTier tier, BlockKey key, Claimant who, boolean all) {
        if (all) {
            tier.release(who);
            List.copyOf(claims.keySet()).forEach(claimed -> settleIfHeld(claimed, who));
        } else {
            tier.release(who, key);
            settleIfHeld(key, who);
        }
    }

    private void await(HostTier tier, BlockKey key) {
        int before = told.getOrDefault(key, 0);
        Waiting callback = tier.await(key, () -> told.merge(key, 1, Integer::sum));
        if (!claims.containsKey(key)) {
            assertThat(told).containsEntry(key, before + 1);
            owed.merge(key, 1, Integer::sum);
        } else if (cancels++ % 3 == 2) {
            callback.close();
        } else {
            waiting.merge(key, 1, Integer::sum);
        }
    }

    private void reserve(HostTier tier, Sequence sequence, int block, long micros) {
        boolean parentThere = block == 0 || present.contains(sequence.parent(block));
        boolean there = present.contains(sequence.key(block));
        Optional<BlockReservation> reserved = sequence.reserve(tier, block, micros);
        if (there || !parentThere) {
            assertThat(reserved).isEmpty();
        }
        reserved.ifPresent(
                reservation -> {
                    sequence.fill(reservation.rows(), block);
                    reservations.add(new Opened(sequence, block, reservation));
                });
    }

    private void endReservation(HostTier tier, Random random) {
        if (reservations.isEmpty()) {
            return;
        }
        Opened open = reservations.remove(random.nextInt(reservations.size()));
        BlockReservation reservation = (BlockReservation) open.handle();
        if (random.nextInt(5) > 0) {
            reservation.commit();
            BlockKey key = open.sequence().key(open.block());
            assertThat(tier.match(List.of(key))).isEqualTo(1);
            present.add(key);
            settle(key);
        }
        reservation.close();
    }

    private void acquire(HostTier tier, Sequence sequence, int block) {
        Optional<BlockLease> lease = sequence.acquire(tier, block);
        assertThat(lease.isPresent()).isEqualTo(present.contains(sequence.key(block)));
        lease.ifPresent(held -> leases.add(new Opened(sequence, block, held)));
    }

    private void pinOrUnpin(HostTier tier, Sequence sequence, Random random) {
        if (pins.size() < 2 && random.nextBoolean()) {
            pins.add(tier.pin(sequence.keys()));
        } else if (!pins.isEmpty()) {
            pins.remove(random.nextInt(pins.size())).close();
        }
    }

    private static void closeOne(List<Opened> open, Random random) {
        if (!open.isEmpty()) {
            Opened one = open.remove(random.nextInt(open.size()));
            BlockLease lease = (BlockLease) one.handle();
            assertThat(one.sequence().isIn(lease.rows(), one.block())).isTrue();
            lease.close();
            lease.close();
        }
    }

    private void settleIfHeld(BlockKey key, Claimant who) {
        if (claims.get(key) == who) {
            settle(key);
        }
    }

    private void settle(BlockKey key) {
        claims.remove(key);
        owed.merge(key, waiting.getOrDefault(key, 0), Integer::sum);
        waiting.remove(key);
    }

    /** Blocks may only vanish where eviction was allowed to take them; whole prefixes stay. */
    private void compare(HostTier tier) {
        Set<BlockKey> now = new HashSet<>();
        for (Sequence sequence : sequences) {
            int matched = tier.match(sequence.keys());
            for (int block = 0; block < sequence.blocks(); block++) {
                if (tier.match(List.of(sequence.key(block))) == 1) {
                    assertThat(block).as("no hole in a prefix").isLessThan(matched);
                    now.add(sequence.key(block));
                }
            }
        }
        assertThat(present).as("nothing appears by itself").containsAll(now);
        Set<BlockKey> lost = new HashSet<>(present);
        lost.removeAll(now);
        for (Opened lease : leases) {
            assertThat(lost).doesNotContain(lease.sequence().key(lease.block()));
        }
        for (PinSet set : pins) {
            assertThat(lost).doesNotContainAnyElementsOf(set.keys());
        }
        present = now;
        CacheStats stats = tier.stats();
        assertThat(stats.used()).isEqualTo(now.size());
        assertThat(stats.leases()).isEqualTo(leases.size());
        assertThat(stats.writing()).isEqualTo(reservations.size());
        assertThat(stats.claims()).isEqualTo(claims.size());
        assertThat(stats.waiters())
                .isEqualTo(waiting.values().stream().mapToInt(Integer::intValue).sum());
        owed.forEach((key, calls) -> assertThat(told.getOrDefault(key, 0)).isEqualTo(calls));
        assertThat(stats.used() + stats.writing()).isLessThanOrEqualTo(SLOTS);
        assertThat(stats.stored() - stats.evictions()).isEqualTo(stats.used());
    }

    private void end(HostTier tier) {
        claimants.forEach(tier::release);
        pins.forEach(PinSet::close);
        leases.forEach(lease -> ((BlockLease) lease.handle()).close());
        reservations.forEach(open -> ((BlockReservation) open.handle()).close());
        tier.checkIntegrity();
        CacheStats stats = tier.stats();
        assertThat(stats.claims() + stats.waiters() + stats.pinned() + stats.writing()).isZero();
        assertThat(stats.pinnedKeys() + stats.leases()).isZero();
        assertThat(stats.hits()).isPositive();
        assertThat(stats.evictions()).isPositive();
        assertThat(stats.refusedFull()).isPositive();
        assertThat(stats.growthFailures()).isPositive();
    }
}
