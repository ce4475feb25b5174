package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GhostsTest {
    private static final int[] TOKENS = {1};

    private static Block block(long n, int frequency) {
        var block = new Block(new BlockKey(n, -n), null, new BlockKey(0, 0), TOKENS, 1, 1);
        block.frequency = frequency;
        block.lastUse = 10 * n;
        return block;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 100, 1000})
    void theFirstIsForgottenFirstAndARecalledOneIsForgottenAtOnce(int capacity) {
        var random = new Random(capacity);
        var ghosts = new Ghosts(capacity);
        Map<Integer, Integer> model = new LinkedHashMap<>();
        for (int i = 0; i < 20_000; i++) {
            int n = random.nextInt(2 * capacity);
            var back = block(n, 0);
            assertThat(ghosts.contains(back.key)).isEqualTo(model.containsKey(n));
            if (!model.containsKey(n)) {
                var forgotten = new ArrayList<Integer>();
                ghosts.remember(block(n, i + 1), (frequency, _) -> forgotten.add(frequency));
                if (model.size() == capacity) {
                    var first = model.keySet().iterator().next();
                    assertThat(forgotten).containsExactly(model.remove(first));
                } else {
                    assertThat(forgotten).isEmpty();
                }
                model.put(n, i + 1);
            } else if (random.nextBoolean()) {
                ghosts.recall(back);
                assertThat(back.frequency).isEqualTo(model.remove(n));
                assertThat(back.lastUse).isEqualTo(10L * n);
                assertThat(ghosts.contains(back.key)).isFalse();
            }
            assertThat(ghosts.size()).isEqualTo(model.size());
        }
    }

    @Test
    void noneAreRememberedWithoutRoom() {
        var ghosts = new Ghosts(0);
        ghosts.remember(block(1, 8), (_, _) -> {});
        assertThat(ghosts.size()).isZero();
    }
}
