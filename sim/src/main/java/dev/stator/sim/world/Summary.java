package dev.stator.sim.world;

import java.util.Collection;
import java.util.EnumMap;
import java.util.List;

/**
 * Turns what was recorded into an {@link Outcome}.
 *
 * @param groups the workers that there are at the end, by group
 * @param nanos that have passed
 */
record Summary(Recorder recorder, List<List<Worker>> groups, int gpus, long nanos) {
    Outcome of(long arrived, long refused) {
        double seconds = (nanos - recorder.countingFrom()) / 1e9;
        double prompts = 0;
        for (var origin : Origin.values()) {
            prompts += recorder.tokens(origin);
        }
        var origins = new EnumMap<Origin, Double>(Origin.class);
        for (var origin : Origin.values()) {
            origins.put(origin, recorder.tokens(origin) / prompts);
        }
        int good = recorder.good();
        return new Outcome(
                arrived,
                recorder.size(),
                refused,
                recorder.size() / seconds,
                recorder.endsPerSecond(),
                Spread.of(recorder.firstTokenMillis()),
                Spread.percentiles(recorder.firstTokenMillis()),
                recorder.gaps(),
                recorder.requestGaps(),
                (double) good / recorder.size(),
                good / seconds,
                recorder.outputTokens() / seconds / gpus,
                origins,
                recorder.errorBias(),
                recorder.errorMedian(),
                imbalance(),
                busy(),
                recorder.preemptions(),
                recorder.restarts(),
                nanos / 1e9);
    }

    private double busy() {
        return groups.stream()
                        .flatMap(Collection::stream)
                        .mapToLong(Worker::busyNanos)
                        .average()
                        .orElse(0)
                / nanos;
    }

    /** Over the groups, as a prefill worker and a decode worker have different things to do. */
    private double imbalance() {
        double most = 1;
        for (var group : groups) {
            var busy = group.stream().mapToLong(Worker::busyNanos).summaryStatistics();
            if (busy.getMax() > 0) {
                most = Math.max(most, busy.getMax() / busy.getAverage());
            }
        }
        return most;
    }
}
