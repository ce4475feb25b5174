package dev.stator.sim.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VirtualClockTest {
    private record Event(long nanos, int number) {}

    @Test
    void eventsRunInOrderOfTimeAndThenOfScheduling() {
        var random = new SplittableRandom(1);
        var clock = new VirtualClock();
        var scheduled = new ArrayList<Event>();
        var ran = new ArrayList<Event>();
        for (int i = 0; i < 5_000; i++) {
            var event = new Event(random.nextLong(500), i);
            scheduled.add(event);
            clock.at(
                    event.nanos,
                    () -> {
                        assertThat(clock.nanos()).isEqualTo(event.nanos);
                        ran.add(event);
                    });
        }
        while (clock.advance()) {}
        scheduled.sort(Comparator.comparingLong(Event::nanos).thenComparing(Event::number));
        assertThat(ran).isEqualTo(scheduled);
        assertThat(clock.pending()).isZero();
    }

    @Test
    void eventsMayScheduleEvents() {
        var clock = new VirtualClock();
        var times = new ArrayList<Long>();
        clock.at(
                5,
                () -> {
                    clock.after(0, () -> times.add(clock.nanos()));
                    clock.after(2, () -> times.add(clock.nanos()));
                });
        clock.at(6, () -> times.add(clock.nanos()));
        while (clock.advance()) {}
        assertThat(times).isEqualTo(List.of(5L, 6L, 7L));
    }

    @Test
    void nothingHappensInThePast() {
        var clock = new VirtualClock();
        clock.at(5, () -> {});
        clock.advance();
        assertThatThrownBy(() -> clock.at(4, () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("in the past");
    }
}
