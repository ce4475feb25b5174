package dev.stator.cluster;

import com.google.protobuf.UnsafeByteOperations;
import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.Block;
import dev.stator.serving.BlockExchange;
import io.grpc.stub.ServerCallStreamObserver;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/** Sends a peer the blocks that it has named, as fast as it takes them, one in memory at a time. */
final class Lending {
    private final BlockExchange exchange;
    private final List<BlockKey> keys;
    private final ServerCallStreamObserver<Block> call;

    // Guarded by this.
    private boolean over;

    Lending(BlockExchange exchange, List<BlockKey> keys, ServerCallStreamObserver<Block> call) {
        this.exchange = exchange;
        this.keys = keys;
        this.call = call;
        call.setOnReadyHandler(this::wake);
        call.setOnCancelHandler(this::end);
    }

    private synchronized void wake() {
        notifyAll();
    }

    private synchronized void end() {
        over = true;
        notifyAll();
    }

    /** Blocks; for a thread of its own. */
    void send() throws InterruptedException {
        for (var key : keys) {
            if (!awaitReady()) {
                return;
            }
            var lent = exchange.lend(key);
            if (lent.isEmpty()) {
                break;
            }
            try (var block = lent.get()) {
                call.onNext(message(block));
            }
        }
        call.onCompleted();
    }

    private synchronized boolean awaitReady() throws InterruptedException {
        while (!over && !call.isReady()) {
            wait();
        }
        return !over;
    }

    /** The message holds a copy: it is written when the block may have gone. */
    private static Block message(BlockExchange.Lent block) {
        byte[] rows = new byte[Math.toIntExact(block.rows().byteSize())];
        block.rows().asByteBuffer().get(rows);
        return Block.newBuilder()
                .setTokens(block.tokens())
                .setRows(UnsafeByteOperations.unsafeWrap(rows))
                .setChecksum(checksum(ByteBuffer.wrap(rows)))
                .setRecomputeMicros(block.recomputeMicros())
                .build();
    }

    static int checksum(ByteBuffer rows) {
        var checksum = new CRC32C();
        checksum.update(rows);
        return (int) checksum.getValue();
    }
}
