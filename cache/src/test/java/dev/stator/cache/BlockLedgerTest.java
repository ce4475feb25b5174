package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockLedgerTest {

    @TempDir Path directory;
    private final List<BlockKey> evicted = new ArrayList<>();

    @Test
    void aBlockNeedsItsParent() {
        var ledger = ledger(4);
        assertThat(ledger.store(key(2), Optional.of(key(1)), 1)).isFalse();
        assertThat(ledger.store(key(1), Optional.empty(), 1)).isTrue();
        assertThat(ledger.store(key(2), Optional.of(key(1)), 1)).isTrue();
        assertThat(ledger.store(key(2), Optional.of(key(1)), 1)).isFalse();
        assertThat(ledger.size()).isEqualTo(2);
    }

    @Test
    void leasedBlocksAndParentsStay() {
        var ledger = ledger(2);
        ledger.store(key(1), Optional.empty(), 1);
        ledger.store(key(2), Optional.of(key(1)), 1);
        assertThat(ledger.lease(key(2))).isTrue();
        assertThat(ledger.leased()).isEqualTo(1);
        assertThat(ledger.evict()).isFalse();
        assertThat(ledger.store(key(3), Optional.empty(), 1)).isFalse();

        ledger.unlease(key(2));
        assertThat(ledger.store(key(3), Optional.empty(), 1)).isTrue();
        assertThat(ledger.evict()).isTrue();
        assertThat(evicted).containsExactly(key(2), key(1));
        assertThat(ledger.leased()).isZero();
    }

    @Test
    void aLeaseEndsOnce() {
        var ledger = ledger(1);
        ledger.store(key(1), Optional.empty(), 1);
        assertThatThrownBy(() -> ledger.unlease(key(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no lease");
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 20_260_101})
    void itHoldsWhatTheHostTierHolds(long seed) {
        int slots = 6;
        var random = new Random(seed);
        var root = BlockKey.root("model");
        var sequences =
                List.of(
                        Sequence.of(root, 2, 0, 0, 1, 1, 2, 2, 3, 3),
                        Sequence.of(root, 2, 0, 0, 4, 4, 5, 5),
                        Sequence.of(root, 2, 6, 6, 7, 7, 8, 8),
                        Sequence.of(root, 2, 9, 9));
        var ledger = ledger(slots);
        try (var tier = HostTier.open(HostTierOptions.of(directory, slots * 4096L, 4096, 2))) {
            for (int step = 0; step < 2_000; step++) {
                var sequence = sequences.get(random.nextInt(sequences.size()));
                int block = random.nextInt(sequence.blocks());
                var key = sequence.key(block);
                if (random.nextBoolean()) {
                    sequence.acquire(tier, block).ifPresent(BlockLease::close);
                    if (ledger.lease(key)) {
                        ledger.unlease(key);
                    }
                } else {
                    int micros = random.nextInt(1_000);
                    var parent =
                            block == 0
                                    ? Optional.<BlockKey>empty()
                                    : Optional.of(sequence.parent(block));
                    assertThat(ledger.store(key, parent, micros))
                            .isEqualTo(sequence.store(tier, block, micros));
                }
                ledger.checkIntegrity();
                assertThat(ledger.size()).isEqualTo(tier.stats().used());
                for (var each : sequences) {
                    assertThat(each.keys().stream().filter(ledger::contains))
                            .hasSize(tier.match(each.keys()));
                }
            }
        }
    }

    private BlockLedger ledger(int slots) {
        return new BlockLedger(slots, Eviction.BY_REUSE, evicted::add);
    }

    private static BlockKey key(long number) {
        return new BlockKey(number, 0);
    }
}
