package dev.stator.sim.trace;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * A run over a recorded trace. What the seed changes: where in the trace the run begins, if it does
 * not need all of it, and by how much each request comes after the time that the trace rounded
 * down. When the trace ends it begins again with other text.
 */
final class RecordedArrivals implements Arrivals {
    private static final Comparator<TraceRequest> IN_ORDER =
            Comparator.comparingLong(TraceRequest::arrivalNanos);

    private final Recorded trace;
    private final List<TraceRequest> recorded;
    private final SplittableRandom random;
    private final PriorityQueue<TraceRequest> shifted = new PriorityQueue<>(IN_ORDER);
    private final int first;
    private final double speed;
    private long read;
    private long left;

    RecordedArrivals(Recorded trace, long seed, double requestsPerSecond, long requests) {
        this.trace = trace;
        recorded = trace.requests();
        random = new SplittableRandom(seed);
        left = requests;
        int spare = (int) Math.max(0, recorded.size() - requests);
        first = random.nextInt(spare + 1);
        speed = requestsPerSecond / recordedRate(requests);
    }

    /** Requests per second of the part of the trace that this run takes. */
    private double recordedRate(long requests) {
        int last = (int) Math.min(recorded.size(), first + requests) - 1;
        long nanos =
                recorded.get(last).arrivalNanos()
                        - recorded.get(first).arrivalNanos()
                        + trace.tickNanos();
        boolean part = last - first + 1 < recorded.size() && nanos > 0;
        return part ? (last - first + 1) * 1e9 / nanos : trace.requestsPerSecond();
    }

    @Override
    public Optional<TraceRequest> next() {
        if (left == 0) {
            return Optional.empty();
        }
        left--;
        // Requests that are still to be read come no earlier than the next one's recorded time.
        while (shifted.isEmpty() || shifted.peek().arrivalNanos() >= nextRecordedNanos()) {
            shifted.add(shift());
        }
        return Optional.of(scaled(shifted.remove()));
    }

    @Override
    public Optional<TraceRequest> followUp(TraceRequest answered, long nanos) {
        return Optional.empty();
    }

    private long lap() {
        return (first + read) / recorded.size();
    }

    private TraceRequest nextRecorded() {
        return recorded.get((int) ((first + read) % recorded.size()));
    }

    private long nextRecordedNanos() {
        return nextRecorded().arrivalNanos() + lap() * trace.spanNanos();
    }

    private TraceRequest shift() {
        long late = trace.tickNanos() > 0 ? random.nextLong(trace.tickNanos()) : 0;
        var request = nextRecorded().at(nextRecordedNanos() + late);
        long lap = lap();
        read++;
        return lap == 0 ? request : request.salted(lap);
    }

    private TraceRequest scaled(TraceRequest request) {
        long begin = recorded.get(first).arrivalNanos();
        return request.at((long) ((request.arrivalNanos() - begin) / speed));
    }
}
