package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tenants that share a tier: what one of them stores costs the others no more than it may. */
class TenantQuotaTest {
    private static final int BLOCK_TOKENS = 4;
    private static final Tenant GREEDY = new Tenant("greedy", 50);
    private static final Tenant MODEST = new Tenant("modest", 50);

    @TempDir Path directory;
    private final List<BlockKey> removed = new ArrayList<>();
    private final List<HostTier> opened = new ArrayList<>();

    @AfterEach
    void everyTierIsWhole() {
        for (HostTier tier : opened) {
            tier.checkIntegrity();
            tier.close();
        }
    }

    private HostTier open(int slots) {
        return open(slots, SlotFile.zeros());
    }

    private HostTier open(int slots, SlotFile.Backing backing) {
        var inventory =
                new Inventory() {
                    @Override
                    public void stored(BlockKey key) {}

                    @Override
                    public void removed(BlockKey key) {
                        removed.add(key);
                    }

                    @Override
                    public void cleared() {}
                };
        var options =
                HostTierOptions.of(directory, slots * 4096L, 4096, BLOCK_TOKENS)
                        .withInventory(inventory)
                        .withWarnings(_ -> {});
        var tier = HostTier.open(options, backing);
        opened.add(tier);
        return tier;
    }

    /** So many blocks after a root of their own. */
    private static Sequence sequence(int number, int blocks) {
        return Sequence.of(
                BlockKey.root("model", "root " + number),
                BLOCK_TOKENS,
                IntStream.range(0, blocks * BLOCK_TOKENS).toArray());
    }

    private static int blocks(HostTier tier, Tenant tenant) {
        return tier.tenants().stream()
                .filter(use -> use.name().equals(tenant.name()))
                .mapToInt(TenantUse::blocks)
                .sum();
    }

    @Test
    void aTenantMayHaveAllThatNobodyElseNeeds() {
        var tier = open(8);
        for (int i = 0; i < 8; i++) {
            assertThat(sequence(i, 1).store(tier, 0, GREEDY)).isTrue();
        }
        assertThat(removed).isEmpty();
        assertThat(tier.tenants()).containsExactly(new TenantUse("greedy", 8, 4));
    }

    @Test
    void whoeverIsAboveItsQuotaMakesRoomForOthersButNotBelowIt() {
        var tier = open(8);
        for (int i = 0; i < 8; i++) {
            sequence(i, 1).store(tier, 0, GREEDY);
        }
        for (int i = 100; i < 104; i++) {
            assertThat(sequence(i, 1).store(tier, 0, MODEST)).isTrue();
        }
        assertThat(removed)
                .containsExactly(
                        sequence(0, 1).key(0),
                        sequence(1, 1).key(0),
                        sequence(2, 1).key(0),
                        sequence(3, 1).key(0));
        assertThat(tier.stats().evictionsByQuota()).isEqualTo(4);

        // Both have what they may keep: from now on each replaces its own.
        removed.clear();
        sequence(104, 1).store(tier, 0, MODEST);
        sequence(8, 1).store(tier, 0, GREEDY);
        assertThat(removed).containsExactly(sequence(100, 1).key(0), sequence(4, 1).key(0));
        assertThat(blocks(tier, GREEDY)).isEqualTo(4);
        assertThat(blocks(tier, MODEST)).isEqualTo(4);
    }

    @Test
    void aFloodCostsNobodyBelowItsQuotaABlock() {
        var tier = open(16);
        var modest = sequence(0, 6);
        IntStream.range(0, 6).forEach(block -> modest.store(tier, block, MODEST));
        for (int i = 1; i < 200; i++) {
            var flood = sequence(i, 3);
            IntStream.range(0, 3).forEach(block -> flood.store(tier, block, GREEDY));
        }
        assertThat(tier.match(modest.keys())).isEqualTo(6);
        assertThat(blocks(tier, GREEDY)).isEqualTo(10);
        assertThat(tier.stats().evictionsByQuota()).isEqualTo(tier.stats().evictions());
    }

    @Test
    void aTenantWhoseBlocksAreAllInUseIsRefusedRatherThanGivenOthers() {
        var tier = open(4);
        var own = sequence(0, 2);
        own.store(tier, 0, GREEDY);
        own.store(tier, 1, GREEDY);
        sequence(1, 1).store(tier, 0, MODEST);
        sequence(2, 1).store(tier, 0, MODEST);
        try (var _ = own.acquire(tier, 1).orElseThrow()) {
            assertThat(sequence(3, 1).store(tier, 0, GREEDY)).isFalse();
            assertThat(own.store(tier, 0, GREEDY)).isFalse();
        }
        assertThat(tier.stats().refusedQuota()).isEqualTo(1);
        assertThat(tier.stats().refusedFull()).isZero();
        assertThat(removed).isEmpty();
        // The end of its own sequence may go now, and its beginning may not.
        assertThat(sequence(3, 1).store(tier, 0, GREEDY)).isTrue();
        assertThat(removed).containsExactly(own.key(1));
    }

    @Test
    void withNoQuotaOfItsOwnATenantHasWhatOthersLeave() {
        var tier = open(3);
        var none = new Tenant("none", 0);
        sequence(0, 1).store(tier, 0, none);
        sequence(1, 1).store(tier, 0, MODEST);
        sequence(2, 1).store(tier, 0, Tenant.NOBODY);
        assertThat(removed).isEmpty();

        sequence(3, 1).store(tier, 0, MODEST);
        assertThat(removed).containsExactly(sequence(0, 1).key(0));
        assertThat(sequence(4, 1).store(tier, 0, none)).isFalse();
        assertThat(tier.stats().refusedQuota()).isEqualTo(1);
    }

    @Test
    void aQuotaThatIsChangedCountsFromTheNextBlockOn() {
        var tier = open(4);
        for (int i = 0; i < 3; i++) {
            sequence(i, 1).store(tier, 0, new Tenant("greedy", 100));
        }
        sequence(3, 1).store(tier, 0, Tenant.NOBODY);
        sequence(4, 1).store(tier, 0, new Tenant("greedy", 25));
        assertThat(tier.tenants()).contains(new TenantUse("greedy", 3, 1));
        sequence(5, 1).store(tier, 0, Tenant.NOBODY);
        sequence(6, 1).store(tier, 0, Tenant.NOBODY);
        assertThat(blocks(tier, GREEDY)).isEqualTo(1);
    }

    @Test
    void whoHasNoBlocksIsForgottenAndMoreThanSoManyShareAnAccount() {
        int many = Accounts.MOST + 50;
        var tier = open(many);
        for (int i = 0; i < many; i++) {
            sequence(i, 1).store(tier, 0, new Tenant("tenant " + i, 10));
        }
        assertThat(tier.tenants()).hasSize(Accounts.MOST + 1);
        assertThat(tier.tenants().stream().mapToInt(TenantUse::blocks).sum()).isEqualTo(many);
        tier.checkIntegrity();

        for (int i = 0; i < many; i++) {
            tier.drop(sequence(i, 1).key(0));
        }
        assertThat(tier.tenants()).isEmpty();
        assertThat(tier.stats().tenants()).isZero();
        sequence(0, 1).store(tier, 0, GREEDY);
        assertThat(tier.tenants()).hasSize(1);
    }

    @Test
    void partsOfATierAreFromNothingToAll() {
        assertThat(new Tenant("t", 1).quota(50)).isEqualTo(1);
        assertThat(new Tenant("t", 0).quota(50)).isZero();
        assertThatThrownBy(() -> new Tenant("t", 101))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 to 100 percent of a tier, not 101");
        assertThatThrownBy(() -> new Tenant("t", -1)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Sequences with beginnings in common, leases, writes that are given up, a full disk. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void whoIsAboveItsQuotaOnlyEverReplacesItsOwn(long seed) {
        var random = new Random(seed);
        int[] growths = {0};
        var tier =
                open(
                        24,
                        (_, _, _) -> {
                            if (++growths[0] % 20 == 19) {
                                throw new IOException("No space left on device");
                            }
                        });
        var tenants =
                List.of(
                        new Tenant("a", 50),
                        new Tenant("b", 20),
                        new Tenant("c", 10),
                        new Tenant("d", 100));
        var owners = new HashMap<BlockKey, Tenant>();
        var leases = new ArrayList<BlockLease>();
        int replaced = 0;
        for (int step = 0; step < 20_000; step++) {
            var tenant = tenants.get(random.nextInt(1 + random.nextInt(tenants.size())));
            var sequence = sequence(random.nextInt(12), 6);
            int block = random.nextInt(6);
            var before = used(tier);
            removed.clear();
            try (var reservation = sequence.reserve(tier, block, tenant).orElse(null)) {
                boolean above = before.getOrDefault(tenant.name(), 0) + 1 > tenant.quota(24);
                if (above) {
                    assertThat(removed).allMatch(key -> tenant.equals(owners.get(key)));
                    replaced += removed.size();
                }
                removed.forEach(owners::remove);
                if (reservation != null && random.nextInt(8) > 0) {
                    sequence.fill(reservation.rows(), block);
                    reservation.commit();
                    owners.put(sequence.key(block), tenant);
                }
            }
            if (leases.size() < 6 && random.nextBoolean()) {
                sequence.acquire(tier, block).ifPresent(leases::add);
            } else if (!leases.isEmpty()) {
                leases.remove(random.nextInt(leases.size())).close();
            }
            var counted = new HashMap<String, Integer>();
            owners.values().forEach(owner -> counted.merge(owner.name(), 1, Integer::sum));
            assertThat(used(tier)).isEqualTo(counted);
            assertThat(owners).hasSize(tier.stats().used());
            if (step % 100 == 0) {
                tier.checkIntegrity();
            }
        }
        assertThat(replaced).isPositive();
        leases.forEach(BlockLease::close);
    }

    private static Map<String, Integer> used(HostTier tier) {
        var used = new HashMap<String, Integer>();
        tier.tenants().forEach(use -> used.put(use.name(), use.blocks()));
        return used;
    }
}
