package dev.stator.cache.disk;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * The thread that writes: takes what was offered, appends it to the current segment, and lets the
 * segments of least worth go when there is need of room.
 */
final class WriteBehind implements Runnable {
    /**
     * At most this part of a segment is written again before it goes: 1.25 bytes written for each
     * that is new.
     */
    private static final int REWRITTEN_PART = 5;

    private final DiskTier tier;
    private final SegmentWriter out;
    private final ReadBuffer buffer;
    private final long mostRewritten;

    WriteBehind(DiskTier tier, SegmentWriter out, ReadBuffer buffer, long segmentBytes) {
        this.tier = tier;
        this.out = out;
        this.buffer = buffer;
        this.mostRewritten = segmentBytes / REWRITTEN_PART;
    }

    @Override
    public void run() {
        try (out) {
            for (Optional<WriteQueue.Offer> next = tier.take();
                    next.isPresent();
                    next = tier.take()) {
                write(next.get());
                if (tier.isQueueEmpty()) {
                    out.flush();
                }
            }
            sealCurrent();
        } catch (IOException | RuntimeException | Error e) {
            // Also without memory: whoever waits for its bytes to be written must not wait for
            // ever.
            tier.writingFailed(e);
        }
    }

    private void write(WriteQueue.Offer offer) throws IOException {
        DiskBlock block = offer.block();
        try {
            if (!out.fitsEver(block.recordBytes())) {
                tier.refused(block);
                return;
            }
            if (!out.fits(block.recordBytes())) {
                nextSegment();
            }
            out.append(block, offer.tokens(), offer.rows());
        } finally {
            offer.release().run();
        }
    }

    private void nextSegment() throws IOException {
        sealCurrent();
        // What a larger capacity left.
        for (var victim = tier.victim(1); victim.isPresent(); victim = tier.victim(1)) {
            tier.evict(victim.get());
        }
        out.begin(tier.create());
        long left = mostRewritten;
        for (var victim = tier.victim(2); victim.isPresent(); victim = tier.victim(2)) {
            left = rewrite(victim.get(), left);
            tier.evict(victim.get());
        }
    }

    private void sealCurrent() throws IOException {
        out.flush();
        if (out.segment().isPresent()) {
            out.seal(tier.contents(out.segment().get()));
        }
    }

    /** Writes again what is worth it; returns how much more may be. */
    private long rewrite(Segment victim, long mostBytes) throws IOException {
        List<DiskEntry> keepers = tier.keepers(victim, mostBytes);
        long left = mostBytes;
        for (DiskEntry keeper : keepers) {
            if (buffer.record(victim.file, keeper.offset, keeper.block)) {
                out.append(keeper, buffer.raw());
                left -= keeper.block.recordBytes();
            } else {
                tier.corrupt(keeper);
            }
        }
        out.flush();
        return left;
    }
}
