package dev.stator.routing.index;

import static dev.stator.routing.index.Chains.depths;
import static dev.stator.routing.index.Chains.device;
import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.index.BlockEvents.Change;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GapTest {
    private static final Place PLACE = device(0);

    private final BlockIndex index = new BlockIndex(new IndexOptions(1 << 20));

    private boolean stored(long sequence, long... keys) {
        return index.apply(new BlockEvents(PLACE, sequence, Change.STORED, keys));
    }

    private boolean removed(long sequence, long... keys) {
        return index.apply(new BlockEvents(PLACE, sequence, Change.REMOVED, keys));
    }

    @Test
    void numbersWithoutAGapAreFollowed() {
        assertThat(stored(1, 10)).isTrue();
        assertThat(stored(2, 11)).isTrue();
        assertThat(removed(3, 11)).isTrue();
        assertThat(index.stats().gaps()).isZero();
    }

    @Test
    void aMissingNumberPutsThePlaceOutOfStepUntilItResyncs() {
        stored(1, 10);
        assertThat(stored(3, 12)).isFalse();
        assertThat(stored(4, 13)).isFalse();
        assertThat(index.stats().outOfStep()).isEqualTo(1);
        assertThat(index.stats().gaps()).isEqualTo(1);

        assertThat(index.resync(PLACE, 4, new long[] {10, 11, 12, 13})).isTrue();
        assertThat(stored(5, 14)).isTrue();
        assertThat(depths(index, 10, 11, 12, 13, 14)).containsExactly(Map.entry("worker-0", 5));
        assertThat(index.stats().outOfStep()).isZero();
    }

    @Test
    void outOfStepAPlaceIsStillHintedAt() {
        stored(1, 10);
        stored(3, 12);
        assertThat(depths(index, 10)).containsKey("worker-0");
        assertThat(depths(index, 12)).containsKey("worker-0");
    }

    @Test
    void whatAnAnswerDoesNotListIsGone() {
        stored(1, 10, 11);
        stored(3, 12);
        index.resync(PLACE, 3, new long[] {10});
        assertThat(depths(index, 10, 11)).containsExactly(Map.entry("worker-0", 1));
        assertThat(depths(index, 12)).isEmpty();
    }

    @Test
    void batchesThatOvertookAnAnswerAreFollowedAfterIt() {
        stored(1, 10);
        stored(3, 12);
        removed(4, 10);
        stored(5, 14);

        // The answer was made after number 3.
        assertThat(index.resync(PLACE, 3, new long[] {10, 11, 12})).isTrue();

        assertThat(depths(index, 10)).isEmpty();
        assertThat(depths(index, 11)).isNotEmpty();
        assertThat(depths(index, 14)).isNotEmpty();
        assertThat(stored(6, 15)).isTrue();
    }

    @Test
    void aSecondGapNeedsASecondAnswer() {
        stored(1, 10);
        stored(3, 12);
        stored(5, 14);
        assertThat(index.resync(PLACE, 3, new long[] {10, 11, 12})).isFalse();
        assertThat(depths(index, 14)).isNotEmpty();
        assertThat(index.resync(PLACE, 5, new long[] {10, 11, 12, 13, 14})).isTrue();
    }

    @Test
    void moreBatchesThanAreKeptNeedASecondAnswerToo() {
        stored(1, 10);
        for (int sequence = 3; sequence < 1_000; sequence++) {
            stored(sequence, sequence);
        }
        assertThat(index.resync(PLACE, 2, new long[] {10})).isFalse();
        assertThat(index.resync(PLACE, 999, new long[] {10})).isTrue();
    }

    @Test
    void oldNumbersChangeNothing() {
        stored(1, 10);
        removed(2, 10);
        assertThat(stored(1, 10)).isTrue();
        assertThat(stored(2, 11)).isTrue();
        assertThat(depths(index, 10)).isEmpty();
        assertThat(depths(index, 11)).isEmpty();
        assertThat(index.stats().ignored()).isEqualTo(2);
    }

    @Test
    void anOldAnswerChangesNothing() {
        stored(1, 10);
        stored(2, 11);
        assertThat(index.resync(PLACE, 1, new long[] {10})).isTrue();
        assertThat(depths(index, 10, 11)).containsExactly(Map.entry("worker-0", 2));
        assertThat(stored(3, 12)).isTrue();
    }

    @Test
    void clearingEndsAGapBecauseNothingThatWasMissedMatters() {
        stored(1, 10);
        stored(3, 12);
        assertThat(index.apply(new BlockEvents(PLACE, 7, Change.CLEARED, new long[0]))).isTrue();
        assertThat(depths(index, 10)).isEmpty();
        assertThat(stored(8, 15)).isTrue();
    }

    @Test
    void aPlaceThatNobodyAnnouncedIsNotFollowedFromTheMidst() {
        assertThat(stored(7, 10)).isFalse();
        assertThat(depths(index, 10)).isEmpty();
        assertThat(index.stats().places()).isZero();

        assertThat(index.resync(PLACE, 7, new long[] {10})).isTrue();
        assertThat(stored(8, 11)).isTrue();
        assertThat(depths(index, 10, 11)).containsExactly(Map.entry("worker-0", 2));
    }

    @Test
    void aLateBatchOfADroppedPlaceDoesNotBringItBack() {
        stored(1, 10);
        index.drop(PLACE);
        assertThat(stored(2, 11)).isFalse();
        assertThat(depths(index, 11)).isEmpty();
        assertThat(index.stats().places()).isZero();
    }

    @Test
    void aDroppedPlaceThatComesBackBeginsAtOne() {
        stored(1, 10);
        index.drop(PLACE);
        assertThat(stored(1, 20)).isTrue();
        assertThat(depths(index, 10)).isEmpty();
        assertThat(depths(index, 20)).isNotEmpty();
    }
}
