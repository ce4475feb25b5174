package dev.stator.sim.trace;

import java.util.List;

/**
 * A trace of requests that were made.
 *
 * @param requests in the order of their arrival, at least two, which do not all arrive at once
 * @param tickNanos to what the trace rounds its times; real arrivals are spread over it
 */
public record Recorded(String name, int blockTokens, List<TraceRequest> requests, long tickNanos)
        implements Trace {
    public Recorded {
        requests = List.copyOf(requests);
        if (requests.size() < 2
                || requests.getFirst().arrivalNanos() >= requests.getLast().arrivalNanos()) {
            throw new TraceException(
                    "%s has no rate: it needs two requests at different times".formatted(name));
        }
    }

    /** From the first arrival to when the one after the last is to be expected. */
    long spanNanos() {
        long between =
                requests.getLast().arrivalNanos() + tickNanos - requests.getFirst().arrivalNanos();
        return between + between / requests.size();
    }

    @Override
    public double requestsPerSecond() {
        return requests.size() * 1e9 / spanNanos();
    }

    @Override
    public Arrivals arrivals(long seed, double requestsPerSecond, long requests) {
        return new RecordedArrivals(this, seed, requestsPerSecond, requests);
    }
}
