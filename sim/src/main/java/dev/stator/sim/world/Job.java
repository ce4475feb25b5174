package dev.stator.sim.world;

import dev.stator.routing.Source;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A request's stay on one worker. */
final class Job {
    enum State {
        /** Not admitted: it holds no memory. */
        QUEUED,
        /** Blocks are on their way to it. */
        FETCHING,
        /** It waits for blocks that somebody else computes. */
        BLOCKED,
        /** The next step may compute tokens for it. */
        READY,
        GENERATING,
        /** Its prompt is computed; its blocks stay until the other worker has them. */
        HELD,
        ENDED
    }

    final Flight flight;
    final Worker worker;

    /** Whether it ends with the prompt; another job of the flight then generates. */
    final boolean promptOnly;

    final List<Source> sources;

    /** The job that computes the prompt for this one. */
    Optional<Job> feeder = Optional.empty();

    /** The job that generates after this one. */
    Optional<Job> follower = Optional.empty();

    State state = State.QUEUED;

    /** Leading tokens that must be on the device before the next one can be generated. */
    int target;

    /** Leading tokens that are on the device. */
    int have;

    /** Leading blocks that are complete and leased; never more than {@link #have} tokens. */
    int blocks;

    /** Tokens of memory beyond these blocks. */
    long reserved;

    /** Tokens to compute if nothing changes; what the worker reports while it is queued. */
    int estimate;

    /** Whether the sources of its tokens are part of the flight's account. */
    private boolean counted;

    long fetchBegan;
    long fetchNanos;
    long computeBegan = Long.MAX_VALUE;
    long computedAt;

    Job(Flight flight, Worker worker, boolean promptOnly, boolean counted, List<Source> sources) {
        this.flight = flight;
        this.worker = worker;
        this.promptOnly = promptOnly;
        this.counted = counted;
        this.sources = sources;
    }

    /**
     * Blocks that need not be computed if they are found: of an answer's prompt not the last token.
     */
    int fetchableBlocks() {
        return (promptOnly ? target : target - 1) / worker.blockTokens();
    }

    int missing() {
        return target - have;
    }

    /** The job that was to compute the prompt is lost: this one does it. */
    void loseFeeder() {
        feeder = Optional.empty();
        counted = true;
        Arrays.fill(flight.tokensByOrigin, 0);
        count(Origin.PEER, have);
    }

    void count(Origin origin, int tokens) {
        if (counted && flight.generated == 0) {
            flight.tokensByOrigin[origin.ordinal()] += tokens;
        }
    }
}
