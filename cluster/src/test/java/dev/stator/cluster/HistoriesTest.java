package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * A cluster in virtual time, with faults. A history that fails names its seed; with {@code
 * -Dstator.history=SEED} it alone is run, and tells what happens.
 */
final class HistoriesTest {
    private static final VirtualCluster.Log SILENCE = (_, _) -> {};
    private static final int HISTORIES = 10_000;
    private static final int MOST_TOLD = 5;

    private static void tell(String what, Object... of) {
        System.out.println(what.formatted(of));
    }

    @Test
    void noTokenIsLostRepeatedOrWrongWhateverBreaks() {
        var one = Long.getLong("stator.history");
        if (one != null) {
            assertThat(History.of(one, HistoriesTest::tell).wrong()).as("seed %d", one).isEmpty();
            return;
        }
        var failing =
                LongStream.range(0, Integer.getInteger("stator.histories", HISTORIES))
                        .parallel()
                        .mapToObj(
                                seed ->
                                        "seed %d: %s"
                                                .formatted(seed, History.of(seed, SILENCE).wrong()))
                        .filter(each -> !each.endsWith(": []"))
                        .toList();

        assertThat(failing.stream().limit(MOST_TOLD)).as("%d fail", failing.size()).isEmpty();
    }

    @Test
    void aSeedIsAlwaysTheSameHistory() {
        for (long seed = 0; seed < 50; seed++) {
            assertThat(History.of(seed, SILENCE)).isEqualTo(History.of(seed, SILENCE));
        }
    }
}
