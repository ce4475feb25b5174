package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockMapTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void itHoldsWhatAHashMapHolds(long seed) {
        var random = new Random(seed);
        var map = new BlockMap();
        Map<BlockKey, Block> model = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            // Few different first halves, so that keys that share one meet.
            var key = new BlockKey(random.nextInt(300), random.nextInt(3));
            if (!model.containsKey(key)) {
                var block = new Block(key, null, key, new int[0], 1, 1);
                map.add(block);
                model.put(key, block);
            } else if (random.nextInt(3) > 0) {
                map.remove(model.remove(key));
            }
            assertThat(map.find(key).orElse(null)).isSameAs(model.get(key));
            assertThat(map.size()).isEqualTo(model.size());
            if (i % 5_000 == 4_999) {
                assertThat(new HashSet<>(map.keys())).isEqualTo(model.keySet());
                model.forEach((k, block) -> assertThat(map.find(k)).containsSame(block));
            }
        }
        map.clear();
        assertThat(map.keys()).isEmpty();
        assertThat(map.find(new BlockKey(1, 1))).isEmpty();
    }
}
