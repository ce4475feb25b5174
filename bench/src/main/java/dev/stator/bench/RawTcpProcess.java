package dev.stator.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * One end of the reference of the benchmark {@code peer}, a plain socket that moves bytes in chunks
 * from memory of its own to memory of the other end and looks at none: {@code send CHUNK CHUNKS}
 * prints its port and sends all for each byte it gets; {@code receive CHUNK CHUNKS PORT} asks for
 * all for each line it reads and prints the nanoseconds.
 */
final class RawTcpProcess {
    private RawTcpProcess() {}

    public static void main(String[] arguments) throws IOException {
        int chunk = Integer.parseInt(arguments[1]);
        int chunks = Integer.parseInt(arguments[2]);
        var memory = new ByteBuffer[chunks];
        for (int i = 0; i < chunks; i++) {
            memory[i] = ByteBuffer.allocateDirect(chunk);
            while (memory[i].hasRemaining()) {
                memory[i].put((byte) (i + memory[i].position() * 31));
            }
        }
        if (arguments[0].equals("send")) {
            send(memory);
        } else {
            receive(memory, Integer.parseInt(arguments[3]));
        }
    }

    private static void send(ByteBuffer[] memory) throws IOException {
        try (var listening = ServerSocketChannel.open()) {
            listening.bind(new InetSocketAddress("127.0.0.1", 0));
            System.out.println(
                    "port " + ((InetSocketAddress) listening.getLocalAddress()).getPort());
            try (var channel = listening.accept()) {
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                var question = ByteBuffer.allocateDirect(1);
                while (channel.read(question.clear()) > 0) {
                    for (var chunk : memory) {
                        chunk.clear();
                        while (chunk.hasRemaining()) {
                            channel.write(chunk);
                        }
                    }
                }
            }
        }
    }

    private static void receive(ByteBuffer[] memory, int port) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var channel = SocketChannel.open(new InetSocketAddress("127.0.0.1", port))) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            while (lines.readLine() != null) {
                long start = System.nanoTime();
                channel.write(ByteBuffer.wrap(new byte[1]));
                for (var chunk : memory) {
                    chunk.clear();
                    while (chunk.hasRemaining()) {
                        if (channel.read(chunk) < 0) {
                            throw new IOException("the sender has gone");
                        }
                    }
                }
                System.out.println("nanos " + (System.nanoTime() - start));
            }
        }
    }
}
