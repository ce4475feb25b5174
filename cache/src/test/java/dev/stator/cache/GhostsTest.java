package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GhostsTest {
    private static BlockKey key(long n) {
        return new BlockKey(n, -n);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 100, 1000})
    void theOldestIsForgottenFirstAndARecalledOneIsForgottenAtOnce(int capacity) {
        var random = new Random(capacity);
        var ghosts = new Ghosts(capacity);
        Map<BlockKey, Integer> model = new LinkedHashMap<>();
        for (int i = 0; i < 20_000; i++) {
            var key = key(random.nextInt(2 * capacity));
            assertThat(ghosts.contains(key)).isEqualTo(model.containsKey(key));
            if (!model.containsKey(key)) {
                ghosts.remember(key, 1 << 30);
                if (model.size() == capacity) {
                    model.remove(model.keySet().iterator().next());
                }
                model.put(key, i);
            } else if (random.nextBoolean()) {
                assertThat(ghosts.recall(key)).isPositive();
                assertThat(ghosts.recall(key)).isZero();
                model.remove(key);
            }
            assertThat(ghosts.size()).isEqualTo(model.size());
        }
    }

    @Test
    void frequenciesHalveWithTheEvictions() {
        var ghosts = new Ghosts(4);
        ghosts.remember(key(1), 8);
        for (int other = 10; other < 13; other++) {
            ghosts.remember(key(other), 1);
            ghosts.recall(key(other));
        }
        assertThat(ghosts.recall(key(1))).isEqualTo(4);
    }

    @Test
    void noneAreRememberedWithoutRoom() {
        var ghosts = new Ghosts(0);
        ghosts.remember(key(1), 8);
        assertThat(ghosts.recall(key(1))).isZero();
    }
}
