package dev.stator.sim.world;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockEvents.Change;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StoreTest {
    private static final long BLOCK_BYTES = 1000;

    private final List<BlockEvents> told = new ArrayList<>();
    private final Store store =
            new Store(
                    new Place(Tier.HOST, "n0"),
                    Storage.of(4 * BLOCK_BYTES),
                    BLOCK_BYTES,
                    told::add);

    private void put(long key) {
        store.store(new BlockKey(key, 0), Optional.empty(), 1);
    }

    /** What somebody takes to be there who follows the batches. */
    private Set<Long> heard() {
        var heard = new HashSet<Long>();
        for (var events : told) {
            for (long key : events.keys()) {
                boolean stored = events.change() == Change.STORED;
                assertThat(stored ? heard.add(key) : heard.remove(key)).isTrue();
            }
        }
        return heard;
    }

    @Test
    void manyBlocksThatTakeThePlaceOfOthersAreToldInTwoBatches() {
        for (long key = 1; key <= 4; key++) {
            put(key);
        }
        store.publish();
        told.clear();
        put(5);
        put(6);
        put(7);
        store.publish();
        assertThat(told)
                .extracting(BlockEvents::change)
                .containsExactly(Change.REMOVED, Change.STORED);
        assertThat(told).allMatch(events -> events.keys().length == 3);
    }

    @Test
    void whatComesAndGoesBetweenTwoWordsIsNotTakenToBeThere() {
        for (long key = 1; key <= 20; key++) {
            put(key);
            put(1 + (key * 7) % 5);
        }
        store.publish();
        assertThat(heard()).hasSize(4).allMatch(key -> store.holds(new BlockKey(key, 0)));
    }
}
