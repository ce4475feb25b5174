package dev.stator.serving;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import redis.embedded.RedisServer;

/** A real redis-server of this test, on a port of its own. */
final class RedisProcess implements AutoCloseable {
    private final int port;
    private RedisServer server;

    RedisProcess() throws IOException {
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        server = started();
    }

    private RedisServer started() throws IOException {
        var fresh =
                RedisServer.newRedisServer()
                        .bind("127.0.0.1")
                        .port(port)
                        .setting("save \"\"")
                        .setting("appendonly no")
                        .build();
        fresh.start();
        return fresh;
    }

    int port() {
        return port;
    }

    String url() {
        return "redis://127.0.0.1:" + port;
    }

    /** Without saying good-bye to anybody. */
    void kill() {
        try {
            server.stop();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Empty, on the same port. */
    void startAgain() {
        try {
            server = started();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
