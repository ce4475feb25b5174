package dev.stator.sim.world;

import dev.stator.routing.Actual;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;

/** What routers are told, some time after it happened. */
sealed interface Notice {
    record Changed(BlockEvents events) implements Notice {}

    /**
     * @param seen by router: the number of its last dispatch that {@code load} includes
     */
    record Loaded(String worker, WorkerLoad load, long[] seen) implements Notice {}

    /** What the average of some steps that were alike took. */
    record Stepped(String worker, Step step, double millis) implements Notice {}

    record Moved(String worker, Place from, long tokens, double millis) implements Notice {}

    record Joined(WorkerSpec spec) implements Notice {}

    record Left(String worker) implements Notice {}

    /** For one router: a request's first token. */
    record Began(Front front, long request, Actual actual) implements Notice {}

    /** For one router: a request's end. */
    record Finished(Front front, long request, int outputTokens) implements Notice {}
}
