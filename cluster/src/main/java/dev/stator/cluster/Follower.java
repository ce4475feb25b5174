package dev.stator.cluster;

import dev.stator.cluster.wire.Change;
import dev.stator.cluster.wire.Figures;
import dev.stator.cluster.wire.Inventory;
import dev.stator.cluster.wire.Load;
import dev.stator.cluster.wire.Moved;
import dev.stator.cluster.wire.NodeNews;
import dev.stator.cluster.wire.StepTaken;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Tier;
import dev.stator.serving.FabricStats;
import dev.stator.serving.Holding;
import dev.stator.serving.NodeObserver;
import dev.stator.serving.ObservedFabric;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Tells one frontend what the node holds and does: all that its tiers hold first, then changes, in
 * batches. If more changes wait than are kept, because the frontend is slow, all is told again.
 */
final class Follower implements NodeObserver {
    /** Changes wait for each other for so long. */
    private static final long BATCH_MILLIS = 20;

    /** Something is said this often whether or not there is news. */
    private static final long BEAT_MILLIS = 200;

    private static final long FIGURES_MILLIS = 1000;
    private static final int MOST_WAITING_KEYS = 1 << 18;
    private static final int MOST_STEPS = 64;
    private static final int KEYS_PER_PART = 100_000;

    private final long incarnation;
    private final ObservedFabric fabric;
    private final ServerCallStreamObserver<NodeNews> call;
    private final LongSupplier seen;
    private final BooleanSupplier draining;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    private List<BlockEvents> changes = new ArrayList<>();
    private int waitingKeys;
    private boolean retell = true;
    private List<StepTaken> steps = new ArrayList<>();
    private List<Moved> moved = new ArrayList<>();
    private boolean urgent;
    private boolean closed;

    /**
     * @param seen number of the frontend's latest decision that the node has been given
     */
    Follower(
            long incarnation,
            ObservedFabric fabric,
            ServerCallStreamObserver<NodeNews> call,
            LongSupplier seen,
            BooleanSupplier draining) {
        this.incarnation = incarnation;
        this.fabric = fabric;
        this.call = call;
        this.seen = seen;
        this.draining = draining;
    }

    /** Speaks until the call ends. Blocks; for a thread of its own. */
    void speak() throws InterruptedException {
        var stop = fabric.observe(this);
        try {
            call.onNext(NodeNews.newBuilder().setIncarnation(incarnation).build());
            long figuresAt = System.nanoTime();
            while (awaitNews()) {
                boolean figures = System.nanoTime() - figuresAt >= 0;
                if (figures) {
                    figuresAt = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(FIGURES_MILLIS);
                }
                tell(figures);
            }
            call.onCompleted();
        } finally {
            stop.run();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Something is to be told at once. */
    void hurry() {
        lock.lock();
        try {
            urgent = true;
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * @return whether the call still lasts
     */
    private boolean awaitNews() throws InterruptedException {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(BEAT_MILLIS);
            while (!closed && !hasNews() && left > 0) {
                left = news.awaitNanos(left);
            }
            if (!closed && !urgent && hasNews()) {
                news.await(BATCH_MILLIS, TimeUnit.MILLISECONDS);
            }
            // A frontend that does not read hears nothing: memory stays bounded by what waits here.
            while (!closed && !call.isReady()) {
                news.await(BATCH_MILLIS, TimeUnit.MILLISECONDS);
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    private boolean hasNews() {
        return retell || urgent || !changes.isEmpty() || !steps.isEmpty();
    }

    private void tell(boolean figures) {
        boolean all;
        var message = NodeNews.newBuilder();
        lock.lock();
        try {
            all = retell;
            retell = false;
            urgent = false;
            message.addAllSteps(steps).addAllMoved(moved);
            steps = new ArrayList<>();
            moved = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        if (all) {
            // Changes that are heard while this is read go afterwards; those it includes are old
            // by their numbers.
            fabric.holdings().forEach(this::tell);
        }
        for (var change : takeChanges()) {
            message.addChanges(message(change));
        }
        message.setLoad(load());
        if (figures) {
            message.setFigures(figures(fabric.stats()));
        }
        call.onNext(message.build());
    }

    private List<BlockEvents> takeChanges() {
        lock.lock();
        try {
            var taken = retell ? List.<BlockEvents>of() : changes;
            changes = new ArrayList<>();
            waitingKeys = 0;
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private void tell(Holding holding) {
        long[] keys = holding.keys();
        int from = 0;
        do {
            int to = Math.min(keys.length, from + KEYS_PER_PART);
            var part =
                    Inventory.newBuilder()
                            .setTier(holding.place().tier().name())
                            .setOwner(holding.place().owner())
                            .setSequence(holding.sequence())
                            .setMore(to < keys.length);
            for (int i = from; i < to; i++) {
                part.addKeys(keys[i]);
            }
            call.onNext(NodeNews.newBuilder().addInventories(part).build());
            from = to;
        } while (from < keys.length);
    }

    private static Change message(BlockEvents events) {
        var message =
                Change.newBuilder()
                        .setTier(events.place().tier().name())
                        .setOwner(events.place().owner())
                        .setSequence(events.sequence())
                        .setKind(
                                switch (events.change()) {
                                    case STORED -> Change.Kind.KIND_STORED;
                                    case REMOVED -> Change.Kind.KIND_REMOVED;
                                    case CLEARED -> Change.Kind.KIND_CLEARED;
                                });
        for (long key : events.keys()) {
            message.addKeys(key);
        }
        return message.build();
    }

    private Load load() {
        // Read before the figures, which then include at least that much.
        long upTo = seen.getAsLong();
        WorkerLoad load = fabric.load(upTo);
        return Load.newBuilder()
                .setRunning(load.running())
                .setContextTokens(load.contextTokens())
                .setWaitingPrompts(load.waitingPrompts())
                .setWaitingTokens(load.waitingTokens())
                .setWaitingAttended(load.waitingAttended())
                .setFreeTokens(load.freeTokens())
                .setSeen(load.seen())
                .setDraining(draining.getAsBoolean())
                .build();
    }

    private static Figures figures(FabricStats stats) {
        var message =
                Figures.newBuilder()
                        .putAllHost(stats.cache())
                        .putAllDisk(stats.disk())
                        .putAllRemote(stats.remote())
                        .putAllSplicing(stats.splicing())
                        .setQueued(stats.queue().requests());
        for (var worker : stats.workers()) {
            message.addWorkersBuilder()
                    .setId(worker.id())
                    .setRole(worker.role())
                    .setRunning(worker.running())
                    .setWaiting(worker.waiting())
                    .setCells(worker.cells())
                    .setCellsUsed(worker.cellsUsed())
                    .setCellsResident(worker.cellsResident())
                    .setSteps(worker.steps())
                    .setComputedTokens(worker.computedTokens())
                    .setBytesImported(worker.bytesImported())
                    .setBytesExported(worker.bytesExported());
        }
        return message.build();
    }

    @Override
    public void changed(BlockEvents events) {
        lock.lock();
        try {
            waitingKeys += Math.max(1, events.keys().length);
            if (waitingKeys > MOST_WAITING_KEYS) {
                changes = new ArrayList<>();
                waitingKeys = 0;
                retell = true;
            } else {
                changes.add(events);
            }
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void stepped(Step step, double millis) {
        lock.lock();
        try {
            // Of very many steps the first ones say enough.
            if (steps.size() < MOST_STEPS) {
                steps.add(
                        StepTaken.newBuilder()
                                .setNewTokens(step.newTokens())
                                .setAttendedTokens(step.attendedTokens())
                                .setRunning(step.running())
                                .setContextTokens(step.contextTokens())
                                .setMillis(millis)
                                .build());
            }
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void moved(Tier from, long tokens, double millis) {
        moved(Moved.newBuilder().setTier(from.name()).setTokens(tokens).setMillis(millis).build());
    }

    /** What it took to bring so many tokens of KV from a peer's host tier. */
    void brought(String peer, long tokens, double millis) {
        moved(
                Moved.newBuilder()
                        .setTier(Tier.HOST.name())
                        .setTokens(tokens)
                        .setMillis(millis)
                        .setPeer(peer)
                        .build());
    }

    private void moved(Moved what) {
        lock.lock();
        try {
            if (moved.size() < MOST_STEPS) {
                moved.add(what);
            }
        } finally {
            lock.unlock();
        }
    }
}
