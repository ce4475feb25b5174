package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReuseModelTest {
    private static final int CAPACITY = 100;

    @Test
    void classesAreOctavesOfUses() {
        assertThat(ReuseModel.classOf(1)).isZero();
        assertThat(ReuseModel.classOf(2)).isEqualTo(1);
        assertThat(ReuseModel.classOf(4)).isEqualTo(2);
        assertThat(ReuseModel.classOf(5)).isEqualTo(3);
        assertThat(ReuseModel.classOf(64)).isEqualTo(6);
        assertThat(ReuseModel.classOf(Integer.MAX_VALUE)).isEqualTo(7);
    }

    @Test
    void beforeAnythingIsLearnedValueFallsWithAgeAndGrowsWithUses() {
        var model = new ReuseModel(CAPACITY);
        for (int its = 0; its < ReuseModel.CLASSES; its++) {
            for (long age = 1; age < 100 * CAPACITY; age *= 2) {
                assertThat(model.value(its, 0, age)).isGreaterThan(model.value(its, 0, 4 * age));
                if (its > 0) {
                    assertThat(model.value(its, 0, age))
                            .isGreaterThan(model.value(its - 1, 0, age));
                }
            }
        }
    }

    @Test
    void aBlockThatIsAboutToComeBackIsWorthMoreThanAYoungerOne() {
        var model = new ReuseModel(CAPACITY);
        // What was used once comes back after 60 uses, or not at all.
        for (long clock = 1; clock < 5_000; clock++) {
            model.begin(1, clock);
            if (clock > 60 && clock % 2 == 0) {
                model.end(1, clock - 60, clock, true);
            }
            if (clock > 401 && clock % 2 == 1) {
                model.end(1, clock - 400, clock, false);
            }
        }
        assertThat(model.value(0, 0, 55)).isGreaterThan(model.value(0, 0, 5));
        assertThat(model.value(0, 0, 55)).isGreaterThan(10 * model.value(0, 0, 120));
    }

    @Test
    void livesThatGoOnCountAgainstReuse() {
        var promising = new ReuseModel(CAPACITY);
        var disappointing = new ReuseModel(CAPACITY);
        for (long clock = 1; clock < 600; clock++) {
            for (var model : new ReuseModel[] {promising, disappointing}) {
                model.begin(1, clock);
                if (clock > 10 && (model == promising || clock % 10 == 0)) {
                    model.end(1, clock - 10, clock, true);
                }
            }
        }
        assertThat(disappointing.value(0, 0, 1)).isLessThan(promising.value(0, 0, 1) / 2);
    }
}
