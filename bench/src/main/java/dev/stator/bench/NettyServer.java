package dev.stator.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The reference of the benchmark {@code http}: Netty that sends chunks which were framed before.
 * Each step is one task for each event loop, which writes the same bytes to all of its streams.
 */
final class NettyServer {
    private final ByteBuf head =
            constant(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
                            + "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n");
    private final ByteBuf event;
    private final ByteBuf end = constant(chunk("data: [DONE]\n\n") + "0\r\n\r\n");
    private final OptionalInt answer;
    private final Map<EventLoop, Streams> loops = new HashMap<>();
    private final int port;

    /**
     * @param event one event's text, blank line included
     * @param answer events of an answer; empty: it never ends
     */
    NettyServer(int threads, String event, OptionalInt answer) {
        this.event = constant(chunk(event));
        this.answer = answer;
        var group = new MultiThreadIoEventLoopGroup(threads, NioIoHandler.newFactory());
        group.forEach(
                executor -> {
                    if (executor instanceof EventLoop loop) {
                        loops.put(loop, new Streams());
                    }
                });
        var channel =
                new ServerBootstrap()
                        .group(group)
                        .channel(NioServerSocketChannel.class)
                        .option(ChannelOption.SO_BACKLOG, 4096)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel opened) {
                                        opened.pipeline()
                                                .addLast(new HttpRequestDecoder(), new Answerer());
                                    }
                                })
                        .bind("127.0.0.1", 0)
                        .syncUninterruptibly()
                        .channel();
        this.port = ((InetSocketAddress) channel.localAddress()).getPort();
    }

    int port() {
        return port;
    }

    /** One event for every stream. */
    void step() {
        loops.forEach(EventLoop::execute);
    }

    private static String chunk(String text) {
        return Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length)
                + "\r\n"
                + text
                + "\r\n";
    }

    private static ByteBuf constant(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Unpooled.unreleasableBuffer(
                Unpooled.directBuffer(bytes.length).writeBytes(bytes).asReadOnly());
    }

    private static final class Stream {
        final ChannelHandlerContext context;
        int left;

        Stream(ChannelHandlerContext context, int left) {
            this.context = context;
            this.left = left;
        }
    }

    /** The streams of one event loop, which owns them. */
    private final class Streams implements Runnable {
        private final List<Stream> running = new ArrayList<>();

        @Override
        public void run() {
            running.removeIf(this::step);
        }

        private boolean step(Stream stream) {
            if (!stream.context.channel().isActive()) {
                return true;
            }
            stream.context.write(event.duplicate());
            boolean over = --stream.left == 0;
            if (over) {
                stream.context.write(end.duplicate());
            }
            stream.context.flush();
            return over;
        }
    }

    private final class Answerer extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            boolean complete = message instanceof LastHttpContent;
            ReferenceCountUtil.release(message);
            if (complete) {
                context.writeAndFlush(head.duplicate());
                var streams = loops.get(context.channel().eventLoop());
                if (streams != null) {
                    streams.running.add(new Stream(context, answer.orElse(-1)));
                }
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
