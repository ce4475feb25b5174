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
    private final List<Tenant> tenants = new ArrayList<>();
    private int evictions;

    @ParameterizedTest(name = "{1} slots, {2}, tenants of {3} percent, seed {0}")
    @CsvSource({
        "1, 24, BY_REUSE, 100",
        "2, 24, BY_REUSE, 100",
        "3, 7, BY_REUSE, 100",
        "4, 60, BY_REUSE, 100",
        "5, 24, LEAST_RECENTLY_USED, 100",
        "6, 60, LEAST_RECENTLY_USED, 100",
        "7, 24, BY_REUSE, 20",
        "8, 60, BY_REUSE, 35",
        "9, 60, BY_REUSE, 10",
        "10, 24, BY_REUSE, 0",
        "11, 60, LEAST_RECENTLY_USED, 30"
    })
    void itHoldsAndEvictsWhatATableOfPlainObjectsDoes(
            long seed, int slots, Eviction eviction, int percent) {
        var random = new Random(seed);
        for (int i = 0; i < 4; i++) {
            tenants.add(new Tenant("tenant " + i, percent));
        }
        tenants.add(Tenant.NOBODY);
        var table = new BlockTable(slots, eviction);
        var plain = new PlainTable(slots, eviction);
        for (int step = 0; step < STEPS; step++) {
            step(table, plain, random);
            if (step % 50 == 0) {
                table.checkIntegrity();
                assertThat(table.keys()).isEqualTo(plain.present.keySet());
                assertThat(table.writing()).isEqualTo(writing.size());
                assertThat(table.leases()).isEqualTo(leased.size());
                compareTenants(table, plain, slots);
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
        // Some store more than others.
        var tenant = tenants.get(random.nextInt(1 + random.nextInt(tenants.size())));
        var begun = plain.begin(key, parent, micros, tenant);
        parent.ifPresent(_ -> table.holdParent(above));
        int account = table.charge(tenant);
        int slot = table.slots().takeFresh();
        while (slot == SlotPool.NONE && evictFor(table, plain, tenant, account)) {
            slot = table.slots().takeFresh();
        }
        if (slot == SlotPool.NONE) {
            parent.ifPresent(_ -> table.letGoOfParent(above));
            table.discharge(account);
            plain.abandon(begun);
        } else {
            if (parent.isPresent()) {
                table.begin(slot, key, above, micros, account);
            } else {
                table.beginFirst(slot, key, root(key), micros, account);
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

    private boolean evictFor(BlockTable table, PlainTable plain, Tenant tenant, int account) {
        var choices = plain.choicesFor(tenant);
        var victim = table.evictFor(account);
        assertThat(victim.stream().toList()).isSubsetOf(choices);
        assertThat(victim.isEmpty()).isEqualTo(choices.isEmpty());
        victim.ifPresent(plain::evict);
        evictions += victim.isPresent() ? 1 : 0;
        return victim.isPresent();
    }

    private static void compareTenants(BlockTable table, PlainTable plain, int slots) {
        var expected =
                plain.owned.entrySet().stream()
                        .filter(one -> one.getValue() > 0)
                        .map(
                                one ->
                                        new TenantUse(
                                                one.getKey().name(),
                                                one.getValue(),
                                                one.getKey().quota(slots)))
                        .toList();
        assertThat(table.tenants()).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(expected.stream().mapToInt(TenantUse::blocks).sum())
                .isEqualTo(table.size() + table.writing());
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
