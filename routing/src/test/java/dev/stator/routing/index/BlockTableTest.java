package dev.stator.routing.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlockTableTest {
    private static final int BUCKETS = 100;
    private static final int CAPACITY = 3 * BUCKETS;

    private final BlockTable table = new BlockTable((BUCKETS + 1) * 64);
    private final SplittableRandom random = new SplittableRandom(1);

    private int put(long key, int set) {
        table.seek(key);
        return table.put(set);
    }

    @Test
    void itAgreesWithAMapUpToItsBound() {
        Map<Long, Integer> model = new HashMap<>();
        List<Long> keys = new ArrayList<>();
        for (int i = 0; i < CAPACITY; i++) {
            keys.add(random.nextLong());
        }
        BlockTable.Finding finding = new BlockTable.Finding();
        for (int step = 0; step < 200_000; step++) {
            long key = keys.get(random.nextInt(CAPACITY));
            // Mostly full, so that buckets overflow.
            int set = random.nextInt(10) == 0 ? HolderSets.NONE : 1 + random.nextInt(1_000_000);
            assertThat(table.seek(key)).isEqualTo(model.getOrDefault(key, HolderSets.NONE));
            if (set != HolderSets.NONE) {
                assertThat(table.put(set)).isEqualTo(HolderSets.NONE);
                model.put(key, set);
            } else if (model.remove(key) != null) {
                table.put(HolderSets.NONE);
            }
            assertThat(table.blocks()).isEqualTo(model.size());
            long other = keys.get(random.nextInt(CAPACITY));
            assertThat(table.look(other, finding))
                    .isEqualTo(model.getOrDefault(other, HolderSets.NONE));
        }
        Map<Long, Integer> visited = new HashMap<>();
        table.visit(0, table.buckets() / 2, visited::put);
        table.visit(table.buckets() / 2, table.buckets(), visited::put);
        assertThat(visited).isEqualTo(model);
    }

    @Test
    void aFullTableTellsWhomItForgot() {
        for (int i = 1; i <= CAPACITY; i++) {
            assertThat(put(random.nextLong(), i)).isEqualTo(HolderSets.NONE);
        }
        assertThat(table.isFull()).isTrue();
        for (int i = CAPACITY + 1; i <= 10 * CAPACITY; i++) {
            assertThat(put(random.nextLong(), i)).isBetween(1, i - 1);
            assertThat(table.blocks()).isEqualTo(CAPACITY);
        }
    }

    @Test
    void aBlockThatIsTouchedStays() {
        put(42, 1);
        for (int i = 0; i < 20 * CAPACITY; i++) {
            put(random.nextLong(), 2);
            assertThat(table.seek(42)).isEqualTo(1);
            table.touch();
        }
    }

    @Test
    void keysThatAreNotSpreadCrowdOutEachOther() {
        BlockTable large = new BlockTable(1 << 20);
        // Multiples of the inverse of the factor that spreads keys, so that they all begin
        // together.
        long inverse = 0xF1DE_83E1_9937_733DL;
        int forgotten = 0;
        for (int i = 0; i < 10_000; i++) {
            large.seek(i * inverse);
            forgotten += large.put(1) == HolderSets.NONE ? 0 : 1;
            assertThat(large.seek(i * inverse)).isEqualTo(1);
        }
        assertThat(large.isFull()).isFalse();
        assertThat(forgotten).isEqualTo(10_000 - large.blocks()).isPositive();
    }

    @Test
    void aFindingIsConfirmedUntilItsLaneChanges() {
        BlockTable.Finding finding = new BlockTable.Finding();
        put(42, 7);
        assertThat(table.look(42, finding)).isEqualTo(7);
        assertThat(table.confirms(finding)).isTrue();
        table.seek(42);
        table.touch();
        assertThat(table.confirms(finding)).isTrue();

        put(42, 8);
        assertThat(table.confirms(finding)).isFalse();
        table.look(42, finding);
        put(42, HolderSets.NONE);
        assertThat(table.confirms(finding)).isFalse();
        put(42, 8);
        assertThat(table.confirms(finding)).as("the same again, but not all the time").isFalse();
    }
}
