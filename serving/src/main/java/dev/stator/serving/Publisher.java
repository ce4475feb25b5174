package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.engine.EngineContext;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;

/**
 * Offloads the finished blocks of a sequence from one engine context into the cache. Confined to
 * the worker's thread.
 */
final class Publisher {
    private final Blocks blocks;
    private final EngineContext context;
    private final int bytesPerToken;
    private final DoubleSupplier millisPerToken;
    private final AtomicLong bytesExported = new AtomicLong();

    Publisher(
            Blocks blocks,
            EngineContext context,
            int bytesPerToken,
            DoubleSupplier millisPerToken) {
        this.blocks = blocks;
        this.context = context;
        this.bytesPerToken = bytesPerToken;
        this.millisPerToken = millisPerToken;
    }

    long bytesExported() {
        return bytesExported.get();
    }

    /** Whether a block was finished since the last call. */
    boolean due(Sequence sequence) {
        return blocks.enabled()
                && (sequence.ready / blocks.blockTokens() > sequence.publishedBlocks
                        || (!sequence.tailPublished
                                && sequence.ready >= sequence.request.reusable()));
    }

    /**
     * Publishes every full block up to {@code sequence.ready}, and the prompt's short last one when
     * it is complete.
     */
    void publish(Sequence sequence) {
        blocks.extend(
                sequence.keys, sequence.request.root(), sequence.request.tokens(), sequence.ready);
        int full = sequence.ready / blocks.blockTokens();
        for (; sequence.publishedBlocks < full; sequence.publishedBlocks++) {
            int from = sequence.publishedBlocks * blocks.blockTokens();
            offload(
                    sequence,
                    sequence.keys.get(sequence.publishedBlocks),
                    sequence.publishedBlocks,
                    from + blocks.blockTokens());
        }
        publishTail(sequence);
    }

    /** Publishes the tokens after the last full block of a sequence that has ended. */
    void publishEnd(Sequence sequence) {
        int full = sequence.ready / blocks.blockTokens();
        int from = full * blocks.blockTokens();
        if (!blocks.enabled() || sequence.ready == from || sequence.keys.size() < full) {
            return;
        }
        var parent = Blocks.parent(sequence.keys, sequence.request.root(), full);
        offload(
                sequence,
                parent.child(sequence.request.tokens(), from, sequence.ready),
                full,
                sequence.ready);
    }

    private void publishTail(Sequence sequence) {
        int reusable = sequence.request.reusable();
        int full = reusable / blocks.blockTokens();
        var promptKeys = sequence.request.promptKeys();
        if (sequence.tailPublished || sequence.ready < reusable) {
            return;
        }
        sequence.tailPublished = true;
        if (promptKeys.size() == full) {
            return;
        }
        offload(sequence, promptKeys.get(full), full, reusable);
    }

    private void offload(Sequence sequence, BlockKey key, int block, int end) {
        int from = block * blocks.blockTokens();
        int tokens = end - from;
        long micros = Math.max(1, (long) (tokens * millisPerToken.getAsDouble() * 1000));
        var parent = Blocks.parent(sequence.keys, sequence.request.root(), block);
        var request = sequence.request;
        var reserved =
                blocks.reserve(key, parent, request.tokens(), from, end, micros, request.owner());
        if (reserved.isEmpty()) {
            blocks.release(sequence.claimant, key);
            return;
        }
        try (var reservation = reserved.get()) {
            context.exportRows(
                    sequence.slot, from, tokens, blocks.blockTokens(), List.of(reservation.rows()));
            reservation.commit();
            blocks.published(key, parent, request.tokens(), from, end);
            bytesExported.addAndGet((long) tokens * bytesPerToken);
        }
    }
}
