package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTableTest {
    private final List<BlockKey> keys = new ArrayList<>();
    private final Deque<Integer> free = new ArrayDeque<>();

    private final KeyTable table =
            new KeyTable(
                    new KeyTable.Keys() {
                        @Override
                        public long high(int number) {
                            return keys.get(number).high();
                        }

                        @Override
                        public long low(int number) {
                            return keys.get(number).low();
                        }
                    },
                    900);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void itHoldsWhatAHashMapHolds(long seed) {
        var random = new Random(seed);
        Map<BlockKey, Integer> model = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            // Few different first halves, so that keys that share one meet.
            var key = new BlockKey(random.nextInt(300), random.nextInt(3));
            if (!model.containsKey(key)) {
                int number = number(key);
                table.add(number);
                model.put(key, number);
            } else if (random.nextInt(3) > 0) {
                int number = model.getOrDefault(key, KeyTable.NONE);
                table.remove(number);
                free.add(number);
                model.remove(key);
            }
            assertThat(table.find(key)).isEqualTo(model.getOrDefault(key, KeyTable.NONE));
            assertThat(table.size()).isEqualTo(model.size());
            if (i % 1_000 == 999) {
                var numbers = new ArrayList<Integer>();
                table.forEach(numbers::add);
                assertThat(numbers).containsExactlyInAnyOrderElementsOf(model.values());
                model.forEach((k, number) -> assertThat(table.find(k)).isEqualTo(number));
            }
        }
        table.clear();
        assertThat(table.size()).isZero();
        model.keySet().forEach(key -> assertThat(table.contains(key)).isFalse());
    }

    private int number(BlockKey key) {
        if (free.isEmpty()) {
            keys.add(key);
            return keys.size() - 1;
        }
        int number = free.remove();
        keys.set(number, key);
        return number;
    }
}
