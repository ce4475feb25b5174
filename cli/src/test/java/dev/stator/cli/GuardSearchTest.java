package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cli.GuardSearch.Pair;
import dev.stator.engine.Certainty;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GuardSearchTest {
    private static Pair pair(double margin, double entropy, boolean same) {
        return new Pair(new Certainty(margin, entropy), same, true, same);
    }

    @Test
    void whereDoubtAndDifferenceGoTogetherOnlyThoseAreDoubted() {
        var pairs = new ArrayList<Pair>();
        for (int i = 0; i < 90; i++) {
            pairs.add(pair(2 + i * 0.01, 0.5, true));
        }
        for (int i = 0; i < 10; i++) {
            pairs.add(pair(0.1 * i, 0.5, false));
        }
        var guard = GuardSearch.of(pairs, true).orElseThrow();

        assertThat(guard.doubted()).isBetween(0.08, 0.1);
        assertThat(guard.agreement()).isGreaterThanOrEqualTo(0.98);
        assertThat(guard.right()).contains(guard.agreement());
        assertThat(guard.guard().doubts(new Certainty(0.5, 0.5))).isTrue();
        assertThat(guard.guard().doubts(new Certainty(2.5, 0.5))).isFalse();
        assertThat(guard.guard().doubts(new Certainty(2.5, 0.6))).as("never seen right").isTrue();
    }

    @Test
    void whereTheModelIsSureAndWrongNoGuardHelps() {
        var random = new Random(4);
        var pairs = new ArrayList<Pair>();
        for (int i = 0; i < 200; i++) {
            pairs.add(pair(random.nextDouble(), random.nextDouble(), random.nextDouble() > 0.2));
        }
        assertThat(GuardSearch.of(pairs, true)).isEmpty();
    }

    @Test
    void whereAllIsTheSameNothingIsDoubted() {
        var guard = GuardSearch.of(List.of(pair(0.1, 1, true), pair(3, 2, true)), false);
        assertThat(guard.orElseThrow().doubted()).isZero();
        assertThat(guard.orElseThrow().right()).isEqualTo(Optional.empty());
    }

    @Test
    void ofNothingThereIsNone() {
        assertThat(GuardSearch.of(List.of(), true)).isEmpty();
    }
}
