package dev.stator.cache.remote;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The thread that encodes blocks and sends them, some at a time. */
final class WriteBehind implements Runnable {
    private static final int MOST_ON_THE_WAY = 16;
    private static final int MOST_BYTES_ON_THE_WAY = 32 << 20;

    private final RemoteTier tier;
    private final RemoteStore store;
    private final RecordWriter out;
    private final RemoteTierOptions options;
    private final Semaphore onTheWay;
    private final ReusedArrays arrays = new ReusedArrays(MOST_BYTES_ON_THE_WAY);

    WriteBehind(RemoteTier tier, RemoteStore store, RemoteTierOptions options) {
        this.tier = tier;
        this.store = store;
        this.options = options;
        this.out = new RecordWriter(options.key(), options.fingerprint(), options.codec());
        this.onTheWay =
                new Semaphore(
                        Math.clamp(
                                MOST_BYTES_ON_THE_WAY / options.blockBytes(), 1, MOST_ON_THE_WAY));
    }

    @Override
    public void run() {
        for (Optional<Outbox.Offer> next = tier.take(); next.isPresent(); next = tier.take()) {
            write(next.get());
        }
    }

    private void write(Outbox.Offer offer) {
        RemoteBlock block = offer.block();
        onTheWay.acquireUninterruptibly();
        byte[] value;
        try {
            value = out.encode(block, offer.tokens(), offer.rows(), arrays::take);
        } catch (RuntimeException | OutOfMemoryError e) {
            onTheWay.release();
            tier.notWritten(block, e);
            return;
        } finally {
            offer.release().run();
        }
        Duration patience = options.timeout();
        store.put(tier.name(block.key()), value, options.life())
                .orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS)
                .whenComplete(
                        (_, failure) -> {
                            if (failure == null) {
                                // Only then: what has failed may still be on its way.
                                arrays.giveBack(value);
                            }
                            onTheWay.release();
                            if (failure == null) {
                                tier.written(block, value.length);
                            } else {
                                tier.notWritten(block, failure);
                            }
                        });
    }
}
