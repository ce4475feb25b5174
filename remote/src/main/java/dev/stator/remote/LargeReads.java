package dev.stator.remote;

import io.lettuce.core.protocol.CommandHandler;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import java.util.Optional;

/**
 * Fits Lettuce's connections to values of some megabytes: sockets are read in pieces that are
 * larger than Netty's usual 64 KiB but stay in a core's cache until they are copied, buffers of
 * whole commands come from a pool, which Netty's usual one does not do beyond a megabyte, and
 * {@link ReplySplitter} takes values out.
 */
final class LargeReads implements NettyCustomizer {
    private static final int LEAST = 4 << 10;
    private static final int FIRST = 64 << 10;
    private static final int MOST = 256 << 10;

    private static final int PAGE = 8 << 10;

    /** Pages are doubled so often to make a chunk, of 16 MiB. */
    private static final int CHUNK_ORDER = 11;

    private final LargeValues values;
    private final PooledByteBufAllocator allocator;

    /**
     * @param threads of the client's event loops
     */
    LargeReads(LargeValues values, int threads) {
        this.values = values;
        this.allocator =
                new PooledByteBufAllocator(
                        true,
                        threads,
                        threads,
                        PAGE,
                        CHUNK_ORDER,
                        PooledByteBufAllocator.defaultSmallCacheSize(),
                        PooledByteBufAllocator.defaultNormalCacheSize(),
                        PooledByteBufAllocator.defaultUseCacheForAllThreads());
    }

    @Override
    public void afterBootstrapInitialized(Bootstrap bootstrap) {
        bootstrap
                .option(ChannelOption.ALLOCATOR, allocator)
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(LEAST, FIRST, MOST));
    }

    @Override
    public void afterChannelInitialized(Channel channel) {
        var pipeline = channel.pipeline();
        Optional.ofNullable(pipeline.context(CommandHandler.class))
                .ifPresent(
                        lettuce ->
                                pipeline.addBefore(
                                        lettuce.name(), "values", new ReplySplitter(values)));
    }
}
