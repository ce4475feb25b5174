package dev.stator.sim.world;

import java.util.Arrays;

/** Collects what happens to the requests that count: those that arrive after the warm-up. */
final class Recorder {
    private final LogHistogram gaps = new LogHistogram();
    private final long[] tokensByOrigin = new long[Origin.values().length];
    private double[] firstTokenMillis = new double[1024];
    private double[] gapMillis = new double[1024];
    private double[] errors = new double[1024];
    private long[] ends = new long[1024];
    private int size;
    private int predicted;
    private long outputTokens;
    private long preemptions;
    private long restarts;
    private int broken;
    private Sla sla = new Sla(Double.MAX_VALUE, Double.MAX_VALUE);
    private boolean counting;
    private long countingFrom;

    /** What every request is promised. */
    void promise(Sla all) {
        sla = all;
    }

    /** Requests that arrive from now on count. */
    void begin(long nanos) {
        counting = true;
        countingFrom = nanos;
    }

    /** Some tokens came so long after the ones before them. */
    void gaps(double millis, long count) {
        if (counting && count > 0) {
            gaps.add(millis, count);
        }
    }

    void finished(Flight flight) {
        if (!counting || flight.request.arrivalNanos() < countingFrom) {
            return;
        }
        if (size == firstTokenMillis.length) {
            firstTokenMillis = Arrays.copyOf(firstTokenMillis, size * 2);
            gapMillis = Arrays.copyOf(gapMillis, size * 2);
            errors = Arrays.copyOf(errors, size * 2);
            ends = Arrays.copyOf(ends, size * 2);
        }
        int output = flight.request.outputTokens();
        firstTokenMillis[size] = (flight.firstTokenAt - flight.request.arrivalNanos()) / 1e6;
        gapMillis[size] =
                output == 1 ? 0 : (flight.lastTokenAt - flight.firstTokenAt) / 1e6 / (output - 1);
        ends[size] = flight.lastTokenAt;
        broken += met(size) ? 0 : 1;
        size++;
        outputTokens += output;
        preemptions += flight.preemptions;
        restarts += flight.restarts;
        for (int origin = 0; origin < tokensByOrigin.length; origin++) {
            tokensByOrigin[origin] += flight.tokensByOrigin[origin];
        }
        double actual = (flight.firstTokenAt - flight.dispatchedAt) / 1e6;
        if (flight.predictedMillis > 0 && flight.restarts == 0) {
            errors[predicted++] = flight.predictedMillis / actual - 1;
        }
    }

    int size() {
        return size;
    }

    long countingFrom() {
        return countingFrom;
    }

    long outputTokens() {
        return outputTokens;
    }

    long preemptions() {
        return preemptions;
    }

    long restarts() {
        return restarts;
    }

    long tokens(Origin origin) {
        return tokensByOrigin[origin.ordinal()];
    }

    double[] firstTokenMillis() {
        return Arrays.copyOf(firstTokenMillis, size);
    }

    Spread gaps() {
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += gapMillis[i];
        }
        return new Spread(sum / size, gaps.quantile(0.5), gaps.quantile(0.9), gaps.quantile(0.99));
    }

    double endsPerSecond() {
        int first = size / 5;
        int last = size - 1 - first;
        return last <= first ? Double.NaN : (last - first) * 1e9 / (ends[last] - ends[first]);
    }

    private boolean met(int request) {
        return firstTokenMillis[request] <= sla.firstTokenMillis()
                && gapMillis[request] <= sla.gapMillis();
    }

    /** How many broke a limit so far. */
    int broken() {
        return broken;
    }

    /** How many met both limits. */
    int good() {
        return size - broken;
    }

    Spread requestGaps() {
        return Spread.of(Arrays.copyOf(gapMillis, size));
    }

    /** Relative errors of predicted times to the first token; NaN if nothing was predicted. */
    double errorBias() {
        return Spread.of(Arrays.copyOf(errors, predicted)).mean();
    }

    double errorMedian() {
        double[] sizes = Arrays.copyOf(errors, predicted);
        for (int i = 0; i < predicted; i++) {
            sizes[i] = Math.abs(sizes[i]);
        }
        return Spread.of(sizes).p50();
    }
}
