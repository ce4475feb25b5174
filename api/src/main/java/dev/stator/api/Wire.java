package dev.stator.api;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.http1.VertxHttpResponseEncoder;
import io.vertx.core.net.impl.ConnectionBase;

/** The way of a streamed body to its client. Belongs to the event loop. */
sealed interface Wire {
    /** Sends the head; the body follows. */
    void begin();

    /** Whether the client has to read before more should be written. */
    boolean full();

    /** To be called when full: runs the task once, when there is room again. */
    void whenRoom(Runnable task);

    /** Sends all bytes and empties them. */
    void write(JsonBytes bytes);

    static Wire of(HttpServerRequest request) {
        if (request.version() == HttpVersion.HTTP_1_1
                && request.connection() instanceof ConnectionBase connection) {
            var pipeline = connection.channelHandlerContext().pipeline();
            var encoder = pipeline.context(VertxHttpResponseEncoder.class);
            if (encoder != null) {
                return new Framed(request.response(), encoder);
            }
        }
        return new Plain(request.response());
    }

    /** Any version of HTTP: the server's own writes. */
    record Plain(HttpServerResponse response) implements Wire {
        @Override
        public void begin() {
            response.setChunked(true);
        }

        @Override
        public boolean full() {
            return response.writeQueueFull();
        }

        @Override
        public void whenRoom(Runnable task) {
            response.drainHandler(_ -> task.run());
        }

        @Override
        public void write(JsonBytes bytes) {
            response.write(bytes.take());
        }
    }

    /**
     * HTTP/1.1: one buffer with one chunk, framed here and handed to what comes before the HTTP
     * encoder. It saves the encoder's three buffers and the server's promise for each write, a
     * third of the processor time of a streamed token. Head and end of the response still go
     * through the encoder, which keeps its state right.
     */
    final class Framed implements Wire {
        private static final byte[] HEX = "0123456789abcdef".getBytes(US_ASCII);
        private static final int CRLF = '\r' << 8 | '\n';
        private static final int FRAME_BYTES = 8 + 2 + 2;

        private final HttpServerResponse response;
        private final ChannelHandlerContext encoder;

        private Framed(HttpServerResponse response, ChannelHandlerContext encoder) {
            this.response = response;
            this.encoder = encoder;
        }

        @Override
        public void begin() {
            response.setChunked(true).writeHead();
        }

        @Override
        public boolean full() {
            // The latter: the end of an earlier answer may still wait for its turn.
            return !encoder.channel().isWritable() || response.writeQueueFull();
        }

        @Override
        public void whenRoom(Runnable task) {
            // Nothing, behind all that waits. It fails if the client leaves, which the exchange
            // hears.
            encoder.writeAndFlush(Unpooled.EMPTY_BUFFER)
                    .addListener(
                            written -> {
                                if (written.isSuccess()) {
                                    task.run();
                                }
                            });
        }

        @Override
        public void write(JsonBytes bytes) {
            int size = bytes.size();
            if (size == 0) {
                // A chunk of no bytes would end the body.
                return;
            }
            var chunk = encoder.alloc().directBuffer(size + FRAME_BYTES);
            int digits = Math.max(1, (35 - Integer.numberOfLeadingZeros(size)) / 4);
            for (int i = digits - 1; i >= 0; i--) {
                chunk.writeByte(HEX[size >> 4 * i & 0xf]);
            }
            chunk.writeShort(CRLF);
            bytes.drainTo(chunk);
            chunk.writeShort(CRLF);
            encoder.writeAndFlush(chunk, encoder.voidPromise());
        }
    }
}
