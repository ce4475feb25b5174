package dev.stator.remote;

import io.lettuce.core.resource.NettyCustomizer;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelOption;

/**
 * Lets a socket be read in pieces of up to a megabyte, where Netty's usual most is 64 KiB: values
 * are blocks, of some megabytes.
 */
final class LargeReads implements NettyCustomizer {
    private static final int LEAST = 4 << 10;
    private static final int FIRST = 64 << 10;
    private static final int MOST = 1 << 20;

    @Override
    public void afterBootstrapInitialized(Bootstrap bootstrap) {
        bootstrap.option(
                ChannelOption.RECVBUF_ALLOCATOR,
                new AdaptiveRecvByteBufAllocator(LEAST, FIRST, MOST));
    }
}
