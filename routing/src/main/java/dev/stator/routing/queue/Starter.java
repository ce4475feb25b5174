package dev.stator.routing.queue;

import dev.stator.routing.RouteRequest;
import java.util.Optional;

/**
 * Knows whether and how a request can start now.
 *
 * @param <D> how
 */
@FunctionalInterface
public interface Starter<D> {
    /**
     * @param overdue others have passed it as often as they may. It should start where it will be
     *     served first even if it has to wait there, so that what becomes free there is kept for
     *     it; as long as it does not, nobody else starts
     * @return empty if it cannot start, or had better wait for a worker that is not free
     */
    Optional<D> start(RouteRequest request, boolean overdue);
}
