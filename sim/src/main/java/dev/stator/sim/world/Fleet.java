package dev.stator.sim.world;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Workers, the nodes that they are on, and the routers in front of them.
 *
 * @param nodes workers of each group are spread over them
 * @param host tier of each node
 * @param disk tier of each node
 * @param remote store that all nodes reach
 * @param routers that requests go to by turns
 * @param reportDelay until a router knows what happened at a worker
 * @param dispatchDelay until a worker has what a router sent it
 * @param slowness how many times longer a worker's steps take than its time model says, by id
 * @param incidents in any order
 */
public record Fleet(
        List<WorkerGroup> groups,
        int nodes,
        Storage host,
        Storage disk,
        Storage remote,
        int routers,
        Duration reportDelay,
        Duration dispatchDelay,
        Map<String, Double> slowness,
        List<Incident> incidents) {
    public Fleet {
        groups = List.copyOf(groups);
        slowness = Map.copyOf(slowness);
        incidents = List.copyOf(incidents);
    }

    /** One router, no tiers below the device, no delays worth mentioning. */
    public static Fleet of(WorkerGroup... groups) {
        return new Fleet(
                List.of(groups),
                1,
                Storage.NONE,
                Storage.NONE,
                Storage.NONE,
                1,
                Duration.ofMillis(1),
                Duration.ofMillis(1),
                Map.of(),
                List.of());
    }

    public int gpus() {
        return groups.stream().mapToInt(group -> group.count() * group.gpus()).sum();
    }

    public int workers() {
        return groups.stream().mapToInt(WorkerGroup::count).sum();
    }

    public Fleet withNodes(int count) {
        return new Fleet(
                groups,
                count,
                host,
                disk,
                remote,
                routers,
                reportDelay,
                dispatchDelay,
                slowness,
                incidents);
    }

    public Fleet withTiers(Storage newHost, Storage newDisk, Storage newRemote) {
        return new Fleet(
                groups,
                nodes,
                newHost,
                newDisk,
                newRemote,
                routers,
                reportDelay,
                dispatchDelay,
                slowness,
                incidents);
    }

    public Fleet withRouters(int count, Duration delay) {
        return new Fleet(
                groups,
                nodes,
                host,
                disk,
                remote,
                count,
                delay,
                dispatchDelay,
                slowness,
                incidents);
    }

    public Fleet withSlowness(Map<String, Double> factors) {
        return new Fleet(
                groups,
                nodes,
                host,
                disk,
                remote,
                routers,
                reportDelay,
                dispatchDelay,
                factors,
                incidents);
    }

    public Fleet withIncidents(List<Incident> what) {
        return new Fleet(
                groups,
                nodes,
                host,
                disk,
                remote,
                routers,
                reportDelay,
                dispatchDelay,
                slowness,
                what);
    }
}
