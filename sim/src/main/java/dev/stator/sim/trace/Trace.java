package dev.stator.sim.trace;

/** What a fleet is asked to do. Immutable; each run takes its own {@link Arrivals} from it. */
public sealed interface Trace permits Recorded, SessionMix, Alike {
    String name();

    /** Tokens per block of the requests' keys. */
    int blockTokens();

    /** Requests per second if nothing is scaled. */
    double requestsPerSecond();

    /**
     * The requests of one run.
     *
     * @param requestsPerSecond at which they arrive, on average
     * @param requests how many; a recorded trace that is shorter repeats with other text
     */
    Arrivals arrivals(long seed, double requestsPerSecond, long requests);
}
