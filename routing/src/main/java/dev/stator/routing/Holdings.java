package dev.stator.routing;

import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Matches;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.Arrays;
import java.util.Set;

/** How many leading blocks of one prompt each place holds. Read anew for each decision. */
final class Holdings {
    /** The place of one tier, whoever owns it, that holds most. */
    private static final class Best {
        private static final Place NOWHERE = new Place(Tier.REMOTE, "");

        int blocks;
        Place place = NOWHERE;
        int owner;
    }

    private final BlockIndex index;
    private final Fleet fleet;
    private final boolean[] isPeerTier = new boolean[Tier.values().length];
    private final Matches matches = new Matches();
    private final Best[] best = new Best[Tier.values().length];
    private int[] device = {};
    private int[] host = {};
    private int[] disk = {};

    Holdings(BlockIndex index, Fleet fleet, Set<Tier> peerTiers) {
        this.index = index;
        this.fleet = fleet;
        peerTiers.forEach(tier -> isPeerTier[tier.ordinal()] = true);
        Arrays.setAll(best, _ -> new Best());
    }

    void read(RouteRequest request) {
        device = cleared(device, fleet.size());
        host = cleared(host, fleet.nodeCount());
        disk = cleared(disk, fleet.nodeCount());
        for (var tier : best) {
            tier.blocks = 0;
        }
        index.match(request.keys(), request.keys().length, matches);
        for (int i = 0; i < matches.places(); i++) {
            note(matches.place(i), matches.depth(i));
        }
    }

    private void note(int number, int blocks) {
        var place = index.place(number);
        var tier = fleet.tier(number, place);
        int owner = fleet.owner(number, place);
        var most = best[tier.ordinal()];
        // A worker that has left cannot be asked for its blocks; a node without workers can.
        if (blocks > most.blocks && (tier != Tier.DEVICE || owner != Fleet.FOREIGN)) {
            most.blocks = blocks;
            most.place = place;
            most.owner = owner;
        }
        if (owner != Fleet.FOREIGN) {
            switch (tier) {
                case DEVICE -> device[owner] = blocks;
                case HOST -> host[owner] = blocks;
                case DISK -> disk[owner] = blocks;
                case REMOTE -> {}
            }
        }
    }

    private static int[] cleared(int[] counts, int size) {
        if (counts.length != size) {
            return new int[size];
        }
        Arrays.fill(counts, 0);
        return counts;
    }

    /** Blocks on a worker's own device. */
    int onDevice(int worker) {
        return device[worker];
    }

    int onHost(int worker) {
        return host[fleet.node(worker)];
    }

    int onDisk(int worker) {
        return disk[fleet.node(worker)];
    }

    /**
     * Blocks that a worker can get by a link. Of all peers the one counts that holds most; if that
     * is the worker itself or its node, then no peer has what it lacks.
     */
    int reachable(Link link, int worker) {
        return switch (link) {
            case HOST -> onHost(worker);
            case DISK -> onDisk(worker);
            case REMOTE -> best[Tier.REMOTE.ordinal()].blocks;
            case PEER_DEVICE -> peers(Tier.DEVICE, worker);
            case PEER_HOST -> peers(Tier.HOST, fleet.node(worker));
            case PEER_DISK -> peers(Tier.DISK, fleet.node(worker));
        };
    }

    private int peers(Tier tier, int own) {
        var most = best[tier.ordinal()];
        return isPeerTier[tier.ordinal()] && most.owner != own ? most.blocks : 0;
    }

    /** Where a link leads to that reaches at least one block. */
    Place place(Link link, int worker) {
        var node = fleet.worker(worker).spec.node();
        return switch (link) {
            case HOST -> new Place(Tier.HOST, node);
            case DISK -> new Place(Tier.DISK, node);
            case REMOTE -> best(Tier.REMOTE);
            case PEER_DEVICE -> best(Tier.DEVICE);
            case PEER_HOST -> best(Tier.HOST);
            case PEER_DISK -> best(Tier.DISK);
        };
    }

    private Place best(Tier tier) {
        return best[tier.ordinal()].place;
    }
}
