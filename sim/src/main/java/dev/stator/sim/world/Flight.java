package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import dev.stator.sim.trace.TraceRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A request on its way through the world. */
final class Flight {
    final TraceRequest request;

    /** At its router. */
    long id;

    final Front front;
    final BlockKey[] keys;
    final long[] tokensByOrigin = new long[Origin.values().length];

    /** Where it is: one job, or two if its prompt is computed elsewhere. */
    final List<Job> jobs = new ArrayList<>(2);

    long dispatchedAt;
    double predictedMillis = Double.NaN;
    long firstTokenAt;
    long lastTokenAt;
    int generated;
    int preemptions;
    int restarts;

    Flight(TraceRequest request, Front front) {
        this.request = request;
        this.front = front;
        keys = new BlockKey[request.keys().length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = new BlockKey(request.keys()[i], 0);
        }
    }

    Optional<BlockKey> parent(int block) {
        return block == 0 ? Optional.empty() : Optional.of(keys[block - 1]);
    }

    /** Tokens that must be on a device before the next one can be generated. */
    int context() {
        return request.promptTokens() + generated;
    }

    boolean ended() {
        return generated >= request.outputTokens();
    }

    /** The prompt's way begins anew on another worker. */
    void restart() {
        restarts++;
        jobs.clear();
        if (generated == 0) {
            Arrays.fill(tokensByOrigin, 0);
        }
    }
}
