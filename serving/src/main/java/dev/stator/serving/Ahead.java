package dev.stator.serving;

import dev.stator.routing.Dispatcher;
import dev.stator.routing.queue.Waiting;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * Keeps near what the next requests of the queue will want: the blocks of their prompts, first
 * blocks first, for a few requests and a part of the cache only. They would otherwise be the likely
 * ones to go, as nobody uses them while their request waits; those that only a slower tier has come
 * up meanwhile.
 *
 * <p>A request's blocks are kept until it {@linkplain #left leaves} the queue, or until others that
 * have come before it in turn need the room.
 */
final class Ahead {
    /** Requests whose blocks are kept. */
    private static final int REQUESTS = 8;

    /** At most this part of the cache is kept for them. */
    private static final int CACHE_PART = 4;

    private record Kept(int blocks, Runnable letGo) {}

    private final Blocks blocks;
    private final Dispatcher<Request> dispatcher;
    private final int most;

    /**
     * Held while the queue is read and while somebody leaves, so that nothing is kept for a request
     * that has left.
     */
    private final ReentrantLock lock = new ReentrantLock();

    private final Map<Request, Kept> kept = new LinkedHashMap<>();
    private int used;

    Ahead(Blocks blocks, Dispatcher<Request> dispatcher) {
        this.blocks = blocks;
        this.dispatcher = dispatcher;
        this.most = blocks.capacity() / CACHE_PART;
    }

    /**
     * To be called when somebody has joined or left the queue.
     *
     * @return whether anybody waits
     */
    boolean refresh() {
        lock.lock();
        try {
            var next = dispatcher.upcoming(REQUESTS).stream().map(Waiting::payload).toList();
            if (most > 0) {
                next.forEach(request -> keep(request, next));
            }
            return !next.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    private void keep(Request request, List<Request> next) {
        int wanted = Math.min(most, request.promptKeys().size());
        if (wanted == 0 || kept.containsKey(request)) {
            return;
        }
        if (kept.size() == REQUESTS || used + wanted > most) {
            var passed =
                    kept.keySet().stream()
                            .filter(other -> !next.contains(other))
                            .collect(Collectors.toList());
            passed.forEach(this::letGo);
        }
        int room = Math.min(wanted, most - used);
        if (room > 0 && kept.size() < REQUESTS) {
            kept.put(request, new Kept(room, blocks.keepNear(request, room)));
            used += room;
        }
    }

    /** The request is in the queue no longer. */
    void left(Request request) {
        lock.lock();
        try {
            letGo(request);
        } finally {
            lock.unlock();
        }
    }

    private void letGo(Request request) {
        var had = kept.remove(request);
        if (had != null) {
            used -= had.blocks();
            had.letGo().run();
        }
    }
}
