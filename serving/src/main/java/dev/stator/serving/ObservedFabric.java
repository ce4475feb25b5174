package dev.stator.serving;

import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerSpec;
import java.util.List;
import java.util.Optional;

/**
 * A fabric that computes itself, as other processes see it: it tells them what it holds and does.
 *
 * <p>An interface because the simulation and the benchmarks of the cluster put nodes without
 * engines behind the real services.
 */
public interface ObservedFabric extends Fabric {
    /**
     * As {@link #submit(GenerationRequest, GenerationListener)}, of a request for which blocks are
     * on their way from peers.
     */
    Admission submit(GenerationRequest asked, GenerationListener listener, FromPeers peers);

    /**
     * From now on the observer hears of the node, until what is returned is run. What its tiers
     * hold already is in {@link #holdings()}, which may be newer than the first changes heard.
     */
    Runnable observe(NodeObserver observer);

    /** What each of the node's tiers holds. */
    List<Holding> holdings();

    /**
     * The node as a router elsewhere sees it: one worker that does it all.
     *
     * @param seen number of the latest dispatch of that router that the node has been given
     */
    WorkerLoad load(long seen);

    /** What does not change about {@link #load}: answers at once, cells, tokens of a step. */
    WorkerSpec spec(String name);

    int blockTokens();

    /** Blocks to and from peers; empty if there is no host tier. */
    Optional<BlockExchange> exchange();
}
