package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class ShortlistTest {
    @Test
    void itKeepsTheCheapestInOrder() {
        var random = new Random(3);
        for (int round = 0; round < 200; round++) {
            var list = new Shortlist(5);
            double[] costs = random.doubles(random.nextInt(20), 0, 10).toArray();
            for (int i = 0; i < costs.length; i++) {
                boolean takes = list.takes(costs[i]);
                list.offer(i, -i, costs[i]);
                int last = i;
                assertThat(IntStream.range(0, list.size()).anyMatch(at -> list.from(at) == last))
                        .isEqualTo(takes);
            }
            double[] sorted = costs.clone();
            Arrays.sort(sorted);

            assertThat(list.size()).isEqualTo(Math.min(5, costs.length));
            for (int i = 0; i < list.size(); i++) {
                assertThat(list.cost(i)).isEqualTo(sorted[i]);
                assertThat(costs[list.from(i)]).isEqualTo(sorted[i]);
                assertThat(list.to(i)).isEqualTo(-list.from(i));
            }
        }
    }
}
