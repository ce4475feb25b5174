package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class KeyCountsTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void itCountsAsAMapDoes(long seed) {
        var random = new Random(seed);
        var counts = new KeyCounts();
        Map<Long, Integer> expected = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            // Few keys, so that they meet again; close ones, so that they collide.
            long key = random.nextInt(500) * (seed % 2 == 0 ? 1 : 64L);
            if (random.nextBoolean()) {
                counts.add(key);
                expected.merge(key, 1, Integer::sum);
            } else {
                counts.remove(key);
                expected.computeIfPresent(key, (_, count) -> count == 1 ? null : count - 1);
            }
            assertThat(counts.contains(key)).isEqualTo(expected.containsKey(key));
            assertThat(counts.size()).isEqualTo(expected.size());
        }
        for (long key : expected.keySet()) {
            assertThat(counts.contains(key)).isTrue();
        }
    }
}
