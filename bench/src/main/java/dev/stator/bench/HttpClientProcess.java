package dev.stator.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The client of the benchmark {@code http}: {@code PORT STREAMS ANSWER}. Opens that many
 * connections and streams an answer over each, asking again when one ends. Prints {@code streaming}
 * when all have begun. Of the events between the first line it reads and the second it prints
 * {@code events COUNT P50 P99 MAX}, times between the events of a stream in milliseconds.
 */
final class HttpClientProcess {
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final int CONNECTING = 128;
    private static final int BUCKETS = 200_000;
    private static final long BUCKET_NANOS = 100_000;

    private final Selector selector = Selector.open();
    private final InetSocketAddress address;
    private final byte[] request;
    private final int streams;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 << 10);
    private final int[] gaps = new int[BUCKETS];
    private int connecting;
    private int opened;
    private int begun;
    private boolean measuring;
    private long events;

    /** Lines read so far; moved on by the thread that reads them. */
    private final AtomicInteger phase = new AtomicInteger();

    private HttpClientProcess(int port, int streams, int answer) throws IOException {
        this.address = new InetSocketAddress("127.0.0.1", port);
        this.streams = streams;
        this.request = request(answer).getBytes(StandardCharsets.US_ASCII);
    }

    static String request(int answer) {
        var body =
                "{\"model\":\"default\",\"stream\":true,\"max_tokens\":"
                        + answer
                        + ",\"messages\":[{\"role\":\"system\",\"content\":\"You are helpful.\"},"
                        + "{\"role\":\"user\",\"content\":\"Hello, who are you and what can you do?\"}]}";
        return "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                + "content-length: "
                + body.length()
                + "\r\n\r\n"
                + body;
    }

    private static final class Connection {
        int matched;
        boolean named;
        boolean begun;
        long lastNanos;
    }

    public static void main(String[] arguments) throws IOException {
        var client =
                new HttpClientProcess(
                        Integer.parseInt(arguments[0]),
                        Integer.parseInt(arguments[1]),
                        Integer.parseInt(arguments[2]));
        Thread.ofPlatform().daemon().start(client::listen);
        client.run();
        System.exit(0);
    }

    private void listen() {
        try (var in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            while (in.readLine() != null) {
                phase.incrementAndGet();
                selector.wakeup();
            }
        } catch (IOException e) {
            System.exit(1);
        }
        System.exit(0);
    }

    private void run() throws IOException {
        while (phase.get() < 2) {
            open();
            selector.select(this::ready, 100);
            if (phase.get() == 1 && !measuring) {
                measuring = true;
            }
        }
        System.out.println(
                String.format(
                        Locale.ROOT,
                        "events %d %.1f %.1f %.1f",
                        events,
                        quantile(0.5),
                        quantile(0.99),
                        quantile(1)));
    }

    private void open() throws IOException {
        while (opened < streams && connecting < CONNECTING) {
            var channel = SocketChannel.open();
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            var key = channel.register(selector, SelectionKey.OP_CONNECT, new Connection());
            opened++;
            connecting++;
            if (channel.connect(address)) {
                connected(key, channel);
            }
        }
    }

    private void ready(SelectionKey key) {
        var channel = (SocketChannel) key.channel();
        try {
            if (key.isConnectable()) {
                channel.finishConnect();
                connected(key, channel);
            } else if (key.isReadable()) {
                buffer.clear();
                if (channel.read(buffer) < 0) {
                    throw new IOException("the server closed a connection");
                }
                buffer.flip();
                scan((Connection) key.attachment(), channel);
            }
        } catch (IOException e) {
            System.err.println("client: " + e.getMessage());
            System.exit(1);
        }
    }

    private void connected(SelectionKey key, SocketChannel channel) throws IOException {
        connecting--;
        key.interestOps(SelectionKey.OP_READ);
        ask(channel);
    }

    /** A request is smaller than any socket's buffer. */
    private void ask(SocketChannel channel) throws IOException {
        var bytes = ByteBuffer.wrap(request);
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Finds the events in what has come; one may be cut anywhere. */
    private void scan(Connection connection, SocketChannel channel) throws IOException {
        long now = System.nanoTime();
        while (buffer.hasRemaining()) {
            byte next = buffer.get();
            if (connection.named) {
                connection.named = false;
                if (next == '[') {
                    connection.lastNanos = 0;
                    ask(channel);
                } else {
                    event(connection, now);
                }
            }
            if (next == DATA[connection.matched]) {
                if (++connection.matched == DATA.length) {
                    connection.matched = 0;
                    connection.named = true;
                }
            } else {
                connection.matched = next == DATA[0] ? 1 : 0;
            }
        }
    }

    private void event(Connection connection, long now) {
        if (!connection.begun) {
            connection.begun = true;
            if (++begun == streams) {
                System.out.println("streaming");
            }
        }
        if (measuring) {
            events++;
            if (connection.lastNanos != 0) {
                gaps[(int) Math.min(BUCKETS - 1, (now - connection.lastNanos) / BUCKET_NANOS)]++;
            }
        }
        connection.lastNanos = now;
    }

    private double quantile(double part) {
        long total = 0;
        for (int count : gaps) {
            total += count;
        }
        long wanted = (long) Math.ceil(part * total);
        long seen = 0;
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            seen += gaps[bucket];
            if (seen >= wanted) {
                return (bucket + 1) * BUCKET_NANOS / 1e6;
            }
        }
        return BUCKETS * BUCKET_NANOS / 1e6;
    }
}
