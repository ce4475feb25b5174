package dev.stator.routing;

import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The workers that a router knows, by position, their nodes by position, and whose tier each of the
 * index's places is. Positions change when a worker joins or leaves.
 */
final class Fleet {
    /** An owner's position if it is none of the fleet's. */
    static final int FOREIGN = -1;

    private static final Tier[] TIERS = Tier.values();

    private final List<WorkerState> workers = new ArrayList<>();
    private final Map<String, WorkerState> byId = new HashMap<>();
    private final Map<String, Speeds> kinds = new HashMap<>();
    private final Map<String, Integer> workerPositions = new HashMap<>();
    private final Map<String, Integer> nodePositions = new HashMap<>();
    private int[] nodes = {};

    /** What was looked up of the index's places by number; a number may get another place. */
    private Place[] places = {};

    private int[] owners = {};
    private byte[] tiers = {};
    private boolean canSplit;
    private boolean hasPrefillWorkers;

    /** Positions of workers whose role is to compute prompts for others. */
    final Positions prefilling = new Positions();

    /** Positions of workers whose role is to generate answers. */
    final Positions generating = new Positions();

    /** Of these. */
    private List<Speeds> generatingSpeeds = List.of();

    void join(WorkerSpec spec, long now) {
        var speeds = kinds.computeIfAbsent(spec.kind(), _ -> new Speeds());
        var worker = new WorkerState(spec, speeds, now);
        workers.add(worker);
        byId.put(spec.id(), worker);
        number();
    }

    void leave(String id) {
        var worker = byId.remove(id);
        if (worker != null) {
            workers.remove(worker);
            number();
        }
    }

    private void number() {
        workerPositions.clear();
        nodePositions.clear();
        nodes = new int[workers.size()];
        prefilling.clear();
        generating.clear();
        for (int i = 0; i < nodes.length; i++) {
            var spec = workers.get(i).spec;
            workerPositions.put(spec.id(), i);
            nodes[i] = nodePositions.computeIfAbsent(spec.node(), _ -> nodePositions.size());
            if (spec.role().prefills()) {
                prefilling.add(i);
            }
            if (spec.role().generates()) {
                generating.add(i);
            }
        }
        generatingSpeeds =
                workers.stream()
                        .filter(worker -> worker.spec.role().generates())
                        .map(worker -> worker.speeds)
                        .distinct()
                        .toList();
        places = new Place[0];
        hasPrefillWorkers =
                workers.stream().anyMatch(worker -> worker.spec.role() == WorkerRole.PREFILL);
        canSplit =
                workers.size() > 1
                        && workers.stream().anyMatch(worker -> worker.spec.role().prefills())
                        && workers.stream().anyMatch(worker -> worker.spec.role().generates());
    }

    int size() {
        return workers.size();
    }

    /** Whether there are workers that do nothing but prefill. */
    boolean hasPrefillWorkers() {
        return hasPrefillWorkers;
    }

    /** Whether one worker could prefill for another. */
    boolean canSplit() {
        return canSplit;
    }

    WorkerState worker(int position) {
        return workers.get(position);
    }

    Optional<WorkerState> worker(String id) {
        return Optional.ofNullable(byId.get(id));
    }

    /** What a step that only generates takes at the fastest kind of worker that does. */
    double leastDecodeMillis(double answers, double context) {
        double least = Double.MAX_VALUE;
        for (var speeds : generatingSpeeds) {
            least = Math.min(least, speeds.decodeMillis(answers, context));
        }
        return least;
    }

    int nodeCount() {
        return nodePositions.size();
    }

    /** The position of a worker's node. */
    int node(int worker) {
        return nodes[worker];
    }

    /**
     * The position of the worker, for a device, or of the node that a place of the index belongs
     * to; {@link #FOREIGN} if it is none of the fleet's.
     *
     * @param number of the place
     */
    int owner(int number, Place place) {
        resolve(number, place);
        return owners[number];
    }

    Tier tier(int number, Place place) {
        resolve(number, place);
        return TIERS[tiers[number]];
    }

    private void resolve(int number, Place place) {
        if (number >= places.length) {
            places = Arrays.copyOf(places, Math.max(number + 1, 2 * places.length));
            owners = Arrays.copyOf(owners, places.length);
            tiers = Arrays.copyOf(tiers, places.length);
        }
        if (places[number] != place) {
            var positions = place.tier() == Tier.DEVICE ? workerPositions : nodePositions;
            owners[number] = positions.getOrDefault(place.owner(), FOREIGN);
            tiers[number] = (byte) place.tier().ordinal();
            places[number] = place;
        }
    }
}
