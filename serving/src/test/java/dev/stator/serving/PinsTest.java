package dev.stator.serving;

import static dev.stator.cache.Tenant.NOBODY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.Tenant;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PinsTest {
    private static final int SLOTS = 40;
    private static final Duration HOUR = Duration.ofHours(1);

    private HostTier tier;
    private Pins pins;

    @BeforeEach
    void open(@TempDir Path folder) {
        tier = HostTier.open(HostTierOptions.of(folder, SLOTS * 4096L, 4096, 4));
        pins = new Pins(tier);
    }

    @AfterEach
    void close() {
        pins.close();
        assertThat(pins.blocks()).isZero();
        assertThat(tier.stats().pinnedKeys()).isZero();
        tier.close();
    }

    private static List<BlockKey> chain(int seed, int blocks) {
        return BlockKey.chain(
                BlockKey.root("m"), IntStream.range(seed, seed + 4 * blocks).toArray(), 4);
    }

    @Test
    void aQuarterOfTheTierMayBePinnedAndWhatPinsShareCountsOnce() {
        var keys = chain(0, 10);
        assertThat(pins.pin(keys.subList(0, 4), HOUR, NOBODY)).isTrue();
        assertThat(pins.pin(keys.subList(0, 8), HOUR, NOBODY)).isTrue();
        assertThat(pins.blocks()).isEqualTo(8);
        assertThat(pins.pin(chain(1, 3), HOUR, NOBODY)).isFalse();
        assertThat(pins.pin(chain(1, 2), HOUR, NOBODY)).isTrue();

        assertThat(pins.unpin(keys.get(7))).isTrue();
        assertThat(pins.blocks()).isEqualTo(6);
        assertThat(pins.unpin(keys.get(7))).isFalse();
        assertThat(pins.pin(chain(2, 11), HOUR, NOBODY)).isFalse();
        assertThat(tier.stats().pinnedKeys()).isEqualTo(6);
    }

    @Test
    void aPinThatLastsLongerStaysUnlessItIsPinnedAnew() throws InterruptedException {
        var keys = chain(0, 3);
        assertThat(pins.pin(keys, HOUR, NOBODY)).isTrue();
        assertThat(pins.pinAtLeast(keys, Duration.ofMillis(1), NOBODY)).isTrue();
        Thread.sleep(50);
        assertThat(pins.blocks()).isEqualTo(3);

        assertThat(pins.pin(keys, Duration.ofMillis(1), NOBODY)).isTrue();
        awaitNothing();
        assertThat(pins.pinAtLeast(keys, Duration.ofMillis(1), NOBODY)).isTrue();
        assertThat(pins.pinAtLeast(keys, Duration.ofMillis(20), NOBODY)).isTrue();
        awaitNothing();
    }

    private void awaitNothing() throws InterruptedException {
        while (pins.blocks() > 0) {
            Thread.sleep(5);
        }
    }

    @Test
    void aTenantsPinsAreWithinItsQuota() {
        var small = new Tenant("small", 10);
        var other = new Tenant("other", 20);
        int most = small.quota(SLOTS);
        var keys = chain(0, 8);
        assertThat(most).isLessThan(pins.mostBlocks());

        assertThat(pins.pin(keys.subList(0, most), HOUR, small)).isTrue();
        assertThat(pins.pin(keys.subList(0, most - 1), HOUR, small)).isTrue();
        assertThat(pins.pin(keys.subList(0, most + 1), HOUR, small)).isFalse();
        assertThat(pins.pin(chain(1, 1), HOUR, small)).isFalse();

        // The same blocks count for whoever keeps them.
        assertThat(pins.pin(keys.subList(0, most + 1), HOUR, other)).isTrue();
        assertThat(pins.unpin(keys.get(most - 1))).isTrue();
        assertThat(pins.pin(chain(1, 1), HOUR, small)).isTrue();
        assertThat(pins.pin(chain(2, 1), HOUR, new Tenant("none", 0))).isFalse();
    }

    @Test
    void thereAreOnlySoManyPins(@TempDir Path folder) {
        try (var large = HostTier.open(HostTierOptions.of(folder, 8192 * 4096L, 4096, 4));
                var many = new Pins(large)) {
            for (int i = 0; i < Pins.MOST; i++) {
                assertThat(many.pin(chain(i, 1), HOUR, NOBODY)).isTrue();
            }
            assertThat(many.pin(chain(Pins.MOST, 1), HOUR, NOBODY)).isFalse();
            assertThat(many.pin(chain(0, 1), HOUR, NOBODY)).isTrue();
        }
    }
}
