package dev.stator.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * The least that a Redis client can do: commands written one after the other to a socket, answers
 * read into one buffer and forgotten, some commands ahead of the answers. What redis-benchmark
 * does.
 */
final class BareRedis implements AutoCloseable {
    private final SocketChannel socket;
    private final ByteBuffer in = ByteBuffer.allocateDirect(1 << 20).limit(0);

    BareRedis(int port) throws IOException {
        socket = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
    }

    void flush() throws IOException {
        send(ascii("*1\r\n$8\r\nFLUSHALL\r\n"));
        line();
    }

    /** Nanoseconds for so many SETs. */
    double write(int count, int bytes, int pipeline) throws IOException {
        var value = ByteBuffer.allocateDirect(bytes);
        long start = System.nanoTime();
        int answered = 0;
        for (int i = 0; i < count; i++) {
            var name = name(i);
            send(
                    ascii(
                            "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n"
                                    .formatted(name.length(), name, bytes)));
            send(value.clear());
            send(ascii("\r\n"));
            if (i - answered >= pipeline) {
                line();
                answered++;
            }
        }
        for (; answered < count; answered++) {
            line();
        }
        return System.nanoTime() - start;
    }

    /** Nanoseconds for so many GETs. */
    double read(int count, int bytes, int pipeline) throws IOException {
        long start = System.nanoTime();
        int asked = 0;
        for (int answered = 0; answered < count; answered++) {
            for (; asked < count && asked - answered < pipeline; asked++) {
                var name = name(asked);
                send(ascii("*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n".formatted(name.length(), name)));
            }
            if (!line().equals("$" + bytes)) {
                throw new BenchException("redis-server has lost a value");
            }
            skip(bytes + 2);
        }
        return System.nanoTime() - start;
    }

    private static String name(int i) {
        return "bench:%032d".formatted(i);
    }

    private static ByteBuffer ascii(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    }

    private void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            socket.write(bytes);
        }
    }

    private void more() throws IOException {
        if (!in.hasRemaining()) {
            in.clear();
            if (socket.read(in) < 0) {
                throw new EOFException("redis-server has closed the connection");
            }
            in.flip();
        }
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        while (true) {
            more();
            char next = (char) in.get();
            if (next == '\n') {
                return line.toString();
            }
            if (next != '\r') {
                line.append(next);
            }
        }
    }

    private void skip(int bytes) throws IOException {
        for (int left = bytes; left > 0; ) {
            more();
            int part = Math.min(left, in.remaining());
            in.position(in.position() + part);
            left -= part;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
