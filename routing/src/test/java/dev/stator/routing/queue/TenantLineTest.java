package dev.stator.routing.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TenantLineTest {
    private final ClassQueue<Long> queue =
            new ClassQueue<>(new ClassOptions("only", 0, 1, Duration.ofDays(1)), Map.of());
    private final TenantLine<Long> line = queue.line("tenant");

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void itAgreesWithASortedSet(long seed) {
        var random = new Random(seed);
        var model = new TreeSet<Entry<Long>>(Entry.DUE);
        for (int step = 0; step < 3000; step++) {
            if (model.isEmpty() || random.nextInt(5) < 3) {
                var entry = entry(step, random.nextInt(50), 1 + random.nextInt(100));
                model.add(entry);
                line.add(entry);
            } else {
                var gone = any(model, random);
                model.remove(gone);
                line.remove(gone);
            }
            assertThat(line.isEmpty()).isEqualTo(model.isEmpty());
            assertThat(line.workNanos()).isEqualTo(work(model));
            if (!model.isEmpty()) {
                assertThat(line.first()).isSameAs(model.first());
                assertThat(line.last()).isSameAs(model.last());
                var some = any(model, random);
                assertThat(line.after(some)).isEqualTo(Optional.ofNullable(model.higher(some)));
                assertThat(line.workBeforeNanos(some)).isEqualTo(work(model.headSet(some)));
            }
        }
        assertThat(inOrder()).isEqualTo(List.copyOf(model));
    }

    @Test
    void aRequestThatIsNotInItCannotLeave() {
        var entry = entry(7, 0, 1);

        assertThatThrownBy(() -> line.remove(entry)).hasMessage("request 7 is not in its line");
        assertThatThrownBy(line::first).hasMessage("nobody of tenant 'tenant' waits");
    }

    private List<Entry<Long>> inOrder() {
        var all = new ArrayList<Entry<Long>>();
        var next = line.isEmpty() ? Optional.<Entry<Long>>empty() : Optional.of(line.first());
        while (next.isPresent()) {
            all.add(next.get());
            next = line.after(next.get());
        }
        return all;
    }

    private static long work(Iterable<Entry<Long>> entries) {
        long work = 0;
        for (var entry : entries) {
            work += entry.workNanos;
        }
        return work;
    }

    private static Entry<Long> any(TreeSet<Entry<Long>> model, Random random) {
        return model.stream().skip(random.nextInt(model.size())).findFirst().orElseThrow();
    }

    private Entry<Long> entry(long number, long deadlineMillis, double workMillis) {
        var asked = Asked.request(number).dueAt(deadlineMillis).work(workMillis).of("tenant");
        return new Entry<>(
                new Waiting<>(asked.route(), number), asked.estimate(), queue, line, number, 0);
    }
}
