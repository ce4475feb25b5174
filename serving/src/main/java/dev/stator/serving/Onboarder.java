package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLease;
import dev.stator.cache.ClaimState;
import dev.stator.engine.EngineContext;
import dev.stator.engine.StepResult;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Decides for the next block of a sequence: import it, wait for whoever computes it, or compute it
 * here. Confined to the worker's thread.
 *
 * <p>This is where a handoff is a cache hit: the decode worker of a split request finds its blocks
 * claimed by the prefill worker and takes each one in as it appears. If the prefill worker fails,
 * its claims are given up and the decode worker claims them itself.
 */
final class Onboarder {
    /** A sequence that waited this long for one block computes it, whoever claimed it. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** Tokens imported for one sequence in one turn, so that running answers do not stall. */
    private static final int TURN_TOKENS = 1024;

    private final Blocks blocks;
    private final EngineContext context;
    private final OnMoved onMoved;
    private final int bytesPerToken;
    private final Runnable wake;
    private final AtomicLong bytesImported = new AtomicLong();

    /** Hears how long it took to bring KV of a sequence to the device. */
    @FunctionalInterface
    interface OnMoved {
        void moved(Sequence sequence, int tokens, long nanos);
    }

    Onboarder(
            Blocks blocks,
            EngineContext context,
            int bytesPerToken,
            OnMoved onMoved,
            Runnable wake) {
        this.blocks = blocks;
        this.context = context;
        this.onMoved = onMoved;
        this.bytesPerToken = bytesPerToken;
        this.wake = wake;
    }

    long bytesImported() {
        return bytesImported.get();
    }

    /** The key of the block at {@code ready} and where the block ends. */
    private record Next(BlockKey key, int end) {}

    /**
     * Moves a sequence on until it must compute, wait, or has had its share of this turn.
     *
     * @return {@link StepResult#NO_ROOM} if cells were wanting
     */
    StepResult advance(Sequence sequence) {
        sequence.computable = false;
        if (sequence.isWaiting() && !waitingIsOver(sequence)) {
            return StepResult.DONE;
        }
        sequence.stopWaiting();
        int start = sequence.ready;
        while (sequence.ready - start < TURN_TOKENS) {
            int before = sequence.ready;
            var next = next(sequence, before);
            if (next.isPresent() && importFrom(sequence) == StepResult.NO_ROOM) {
                return StepResult.NO_ROOM;
            }
            if (sequence.ready != before) {
                continue;
            }
            if (next.isPresent()) {
                if (contested(sequence, next.get())) {
                    continue;
                }
                if (!sequence.computable) {
                    return StepResult.DONE;
                }
            }
            int own = sequence.ready;
            if (importPassage(sequence) == StepResult.NO_ROOM) {
                return StepResult.NO_ROOM;
            }
            sequence.computable = sequence.ready == own;
            if (sequence.computable) {
                return StepResult.DONE;
            }
        }
        return StepResult.DONE;
    }

    /**
     * What this sequence would have to compute here may lie in a passage: then it comes from the
     * passage's own prompt, moved to where it stands in this one.
     */
    private StepResult importPassage(Sequence sequence) {
        var held =
                sequence.request.stretches().stream()
                        .filter(each -> each.holds(sequence.ready))
                        .findFirst();
        if (held.isEmpty()) {
            return StepResult.DONE;
        }
        var stretch = held.get();
        int size = blocks.blockTokens();
        int from = sequence.ready - stretch.movedBy();
        int most = Math.min(from + TURN_TOKENS, stretch.to() - stretch.movedBy());
        var leases = new ArrayList<BlockLease>();
        try {
            int at = from;
            while (at < most) {
                var lease = acquire(stretch.source(), at / size);
                if (lease.isEmpty()) {
                    break;
                }
                leases.add(lease.get());
                at = Math.min(most, (at / size + 1) * size);
            }
            return at == from
                    ? StepResult.DONE
                    : importLeases(sequence, leases, from % size, at - from, stretch.movedBy());
        } finally {
            leases.forEach(BlockLease::close);
        }
    }

    private Optional<BlockLease> acquire(Stretch.Source source, int block) {
        int from = block * blocks.blockTokens();
        int to = Math.min(from + blocks.blockTokens(), source.tokens().length);
        return blocks.acquire(source.keys().get(block), source.tokens(), from, to);
    }

    /**
     * Whether the sequence may compute the block at this boundary in the same step as the one
     * before.
     */
    boolean mayCompute(Sequence sequence, int boundary) {
        return next(sequence, boundary)
                .map(
                        next ->
                                sequence.impatient
                                        || blocks.claim(next.key, sequence.claimant)
                                                == ClaimState.MINE)
                .orElse(true);
    }

    /**
     * Nothing to import now: computes, waits, or (returning true) tries again because the block has
     * just appeared.
     */
    private boolean contested(Sequence sequence, Next next) {
        if (sequence.impatient) {
            sequence.computable = true;
            return false;
        }
        switch (blocks.claim(next.key, sequence.claimant)) {
            case PRESENT -> {
                // Present, yet it could not be acquired twice in a row: other tokens under the same
                // key. Compute.
                sequence.computable = sequence.contestedAt == sequence.ready;
                sequence.contestedAt = sequence.ready;
                return !sequence.computable;
            }
            case MINE -> {
                importPart(sequence, next);
                sequence.computable = true;
            }
            case OTHERS -> {
                sequence.changed.set(false);
                sequence.waitingSinceNanos = System.nanoTime();
                sequence.waiting =
                        blocks.await(
                                next.key,
                                () -> {
                                    sequence.changed.set(true);
                                    wake.run();
                                });
            }
        }
        return false;
    }

    /**
     * An earlier sequence may have ended in the midst of the block that is to be computed, as the
     * last turn of a conversation did. If its cells do not fit, the step that computes finds out.
     */
    private void importPart(Sequence sequence, Next next) {
        if (sequence.soughtPart) {
            return;
        }
        sequence.soughtPart = true;
        int from = sequence.ready;
        var parent =
                Blocks.parent(sequence.keys, sequence.request.root(), from / blocks.blockTokens());
        blocks.acquirePart(parent, sequence.request.tokens(), from, next.end)
                .ifPresent(
                        lease -> {
                            try (lease) {
                                importOwn(sequence, List.of(lease), lease.tokens());
                            }
                        });
    }

    private static boolean waitingIsOver(Sequence sequence) {
        if (System.nanoTime() - sequence.waitingSinceNanos > PATIENCE_NANOS) {
            sequence.impatient = true;
        }
        return sequence.impatient || sequence.changed.get();
    }

    /**
     * The block that begins at {@code from}, if it has a key, that is if it can be had from or
     * given to others.
     */
    private Optional<Next> next(Sequence sequence, int from) {
        int size = blocks.blockTokens();
        if (!blocks.enabled() || from >= sequence.goal() || from % size != 0) {
            return Optional.empty();
        }
        int block = from / size;
        if (block < sequence.keys.size()) {
            return Optional.of(
                    new Next(sequence.keys.get(block), Math.min(from + size, sequence.goal())));
        }
        var promptKeys = sequence.request.promptKeys();
        if (block < promptKeys.size()) {
            return Optional.of(new Next(promptKeys.get(block), sequence.request.reusable()));
        }
        return Optional.empty();
    }

    /** Imports the blocks that are present from {@code ready} on. */
    private StepResult importFrom(Sequence sequence) {
        var leases = new ArrayList<BlockLease>();
        try {
            int end = sequence.ready;
            while (end - sequence.ready < TURN_TOKENS) {
                var next = next(sequence, end);
                var lease =
                        next.flatMap(
                                n ->
                                        blocks.acquire(
                                                n.key,
                                                sequence.request.tokens(),
                                                blockStart(n),
                                                n.end));
                if (lease.isEmpty()) {
                    break;
                }
                leases.add(lease.get());
                end = next.get().end;
            }
            return end == sequence.ready
                    ? StepResult.DONE
                    : importOwn(sequence, leases, end - sequence.ready);
        } finally {
            leases.forEach(BlockLease::close);
        }
    }

    private int blockStart(Next next) {
        return (next.end - 1) / blocks.blockTokens() * blocks.blockTokens();
    }

    /** Blocks under the sequence's own keys, which need not be published any more. */
    private StepResult importOwn(Sequence sequence, List<BlockLease> leases, int tokens) {
        var result = importLeases(sequence, leases, 0, tokens, 0);
        if (result == StepResult.DONE) {
            sequence.publishedBlocks =
                    Math.max(sequence.publishedBlocks, sequence.ready / blocks.blockTokens());
            sequence.tailPublished |= sequence.ready >= sequence.request.reusable();
        }
        return result;
    }

    private StepResult importLeases(
            Sequence sequence, List<BlockLease> leases, int skip, int tokens, int movedBy) {
        long start = System.nanoTime();
        var sources = new ArrayList<MemorySegment>();
        int[] held = new int[leases.size()];
        for (int i = 0; i < held.length; i++) {
            sources.add(leases.get(i).rows());
            held[i] = leases.get(i).tokens();
        }
        int[] moves = new int[held.length];
        Arrays.fill(moves, movedBy);
        var result =
                context.importRows(
                        sequence.slot, sequence.ready, sources, held, skip, tokens, moves);
        if (result == StepResult.DONE) {
            sequence.moveOn(tokens);
            long nanos = System.nanoTime() - start;
            sequence.request.onboardNanos.addAndGet(nanos);
            onMoved.moved(sequence, tokens, nanos);
            bytesImported.addAndGet((long) tokens * bytesPerToken);
        }
        return result;
    }
}
