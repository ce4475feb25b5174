package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table of arrays against one of plain objects, step by step, victim by victim. */
class BlockTableTest {
    private static final int STEPS = 30_000;
    private static final int KEYS = 120;

    private record Writing(int slot, PlainTable.Plain plain) {}

    private final List<Writing> writing = new ArrayList<>();
    private final List<BlockKey> leased = new ArrayList<>();
    private final List<BlockKey> pinned = new ArrayList<>();
    private int evictions;

    @ParameterizedTest(name = "{1} slots, {2}, seed {0}")
    @CsvSource({
        "1, 24, BY_REUSE",
        "2, 24, BY_REUSE",
        "3, 7, BY_REUSE",
        "4, 60, BY_REUSE",
        "5, 24, LEAST_RECENTLY_USED",
        "6, 60, LEAST_RECENTLY_USED"
    })
    void itHoldsAndEvictsWhatATableOfPlainObjectsDoes(long seed, int slots, Eviction eviction) {
        var random = new Random(seed);
        var table = new BlockTable(slots, eviction);
        var plain = new PlainTable(slots, eviction);
        for (int step = 0; step < STEPS; step++) {
            step(table, plain, random);
            if (step % 50 == 0) {
                table.checkIntegrity();
                assertThat(table.keys()).isEqualTo(plain.present.keySet());
                assertThat(table.writing()).isEqualTo(writing.size());
                assertThat(table.leases()).isEqualTo(leased.size());
                plain.present.keySet().forEach(key -> compareChain(table, plain, key));
            }
        }
        assertThat(evictions).isGreaterThan(STEPS / 50);
    }

    private void step(BlockTable table, PlainTable plain, Random random) {
        // The cube prefers small numbers, so that some blocks are popular.
        var key = key((int) (KEYS * Math.pow(random.nextDouble(), 3)));
        int slot = table.find(key);
        assertThat(slot != SlotPool.NONE).isEqualTo(plain.present.containsKey(key));
        switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> {
                if (slot == SlotPool.NONE) {
                    begin(table, plain, key, random);
                }
            }
            case 4, 5, 6 -> endWriting(table, plain, random);
            case 7, 8 -> {
                if (slot != SlotPool.NONE) {
                    table.lease(slot);
                    block(plain, key).leases++;
                    plain.use(block(plain, key));
                    leased.add(key);
                }
            }
            case 9, 10 -> {
                if (!leased.isEmpty()) {
                    var ended = leased.remove(random.nextInt(leased.size()));
                    table.unlease(table.find(ended));
                    block(plain, ended).leases--;
                }
            }
            default -> rarely(table, plain, key, random);
        }
    }

    private void rarely(BlockTable table, PlainTable plain, BlockKey key, Random random) {
        switch (random.nextInt(4)) {
            case 0 -> {
                if (pinned.size() < 3) {
                    table.pin(List.of(key));
                    plain.pin(key, 1);
                    pinned.add(key);
                }
            }
            case 1 -> {
                if (!pinned.isEmpty()) {
                    var ended = pinned.removeFirst();
                    table.unpin(List.of(ended));
                    plain.pin(ended, -1);
                }
            }
            case 2 -> {
                int slot = table.find(key);
                if (slot != SlotPool.NONE && random.nextInt(8) == 0) {
                    assertThat(table.drop(slot))
                            .containsExactlyInAnyOrderElementsOf(plain.drop(key));
                }
            }
            default -> evict(table, plain);
        }
    }

    private void begin(BlockTable table, PlainTable plain, BlockKey key, Random random) {
        var parent = parent(key);
        int above = parent.map(table::find).orElse(SlotPool.NONE);
        if (parent.isPresent() && above == SlotPool.NONE) {
            return;
        }
        long micros = 1L << random.nextInt(12) | random.nextInt(100);
        var begun = plain.begin(key, parent, micros);
        parent.ifPresent(_ -> table.holdParent(above));
        int slot = table.slots().takeFresh();
        while (slot == SlotPool.NONE && evict(table, plain)) {
            slot = table.slots().takeFresh();
        }
        if (slot == SlotPool.NONE) {
            parent.ifPresent(_ -> table.letGoOfParent(above));
            plain.abandon(begun);
        } else {
            if (parent.isPresent()) {
                table.begin(slot, key, above, micros);
            } else {
                table.beginFirst(slot, key, root(key), micros);
            }
            writing.add(new Writing(slot, begun));
        }
    }

    private void endWriting(BlockTable table, PlainTable plain, Random random) {
        if (writing.isEmpty()) {
            return;
        }
        var ended = writing.remove(random.nextInt(writing.size()));
        int slot = ended.slot;
        int other = random.nextInt(8) == 0 ? table.slots().takeFresh() : SlotPool.NONE;
        if (other != SlotPool.NONE) {
            table.move(slot, other);
            slot = other;
        }
        if (random.nextInt(8) == 0 || table.contains(ended.plain.key)) {
            table.abandon(slot);
            plain.abandon(ended.plain);
        } else {
            table.publish(slot);
            plain.publish(ended.plain);
        }
    }

    private boolean evict(BlockTable table, PlainTable plain) {
        var victim = table.evict();
        assertThat(victim).isEqualTo(plain.evict());
        evictions += victim.isPresent() ? 1 : 0;
        return victim.isPresent();
    }

    private static void compareChain(BlockTable table, PlainTable plain, BlockKey key) {
        var chain = new ArrayList<BlockKey>();
        for (var at = Optional.of(block(plain, key)); at.isPresent(); at = at.get().parent) {
            chain.addFirst(at.get().key);
        }
        assertThat(table.chain(table.find(key))).isEqualTo(chain);
        assertThat(table.root(table.find(key))).isEqualTo(root(chain.getFirst()));
    }

    private static PlainTable.Plain block(PlainTable plain, BlockKey key) {
        return Optional.ofNullable(plain.present.get(key)).orElseThrow();
    }

    private static BlockKey key(int number) {
        return new BlockKey(number, number % 2);
    }

    /** A tree: each block follows the one of a third of its number; those below 9 follow none. */
    private static Optional<BlockKey> parent(BlockKey key) {
        return key.high() < 9 ? Optional.empty() : Optional.of(key((int) key.high() / 3));
    }

    private static BlockKey root(BlockKey first) {
        return new BlockKey(-1 - first.high() / 2, 7);
    }
}
