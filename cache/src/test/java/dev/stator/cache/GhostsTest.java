package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
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
    void theFirstIsForgottenFirstAndARecalledOneIsForgottenAtOnce(int capacity) {
        var random = new Random(capacity);
        var ghosts = new Ghosts(capacity);
        Map<Integer, Integer> model = new LinkedHashMap<>();
        for (int i = 0; i < 20_000; i++) {
            int n = random.nextInt(2 * capacity);
            var key = key(n);
            assertThat(ghosts.contains(key)).isEqualTo(model.containsKey(n));
            if (!model.containsKey(n)) {
                var forgotten = new ArrayList<Integer>();
                ghosts.remember(key, i + 1, 10L * n, (frequency, _) -> forgotten.add(frequency));
                if (model.size() == capacity) {
                    var first = model.keySet().iterator().next();
                    assertThat(forgotten).containsExactly(model.remove(first));
                } else {
                    assertThat(forgotten).isEmpty();
                }
                model.put(n, i + 1);
            } else if (random.nextBoolean()) {
                assertThat(ghosts.recall(key))
                        .contains(
                                new Ghosts.Ghost(Objects.requireNonNull(model.remove(n)), 10L * n));
                assertThat(ghosts.contains(key)).isFalse();
                assertThat(ghosts.recall(key)).isEmpty();
            }
            assertThat(ghosts.size()).isEqualTo(model.size());
        }
    }

    @Test
    void theLargestFrequencyAndALateUseAreKept() {
        var ghosts = new Ghosts(1);
        long late = 1L << 47;
        ghosts.remember(key(1), BlockMetadata.FREQUENCY_MAX, late, (_, _) -> {});
        assertThat(ghosts.recall(key(1)))
                .contains(new Ghosts.Ghost(BlockMetadata.FREQUENCY_MAX, late));
    }

    @Test
    void noneAreRememberedWithoutRoom() {
        var ghosts = new Ghosts(0);
        ghosts.remember(key(1), 8, 10, (_, _) -> {});
        assertThat(ghosts.size()).isZero();
    }
}
