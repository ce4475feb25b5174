package dev.stator.bench;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** Whole chat completions over a few connections that are kept, one at a time over each. */
final class RequestClient {
    private final int port;
    private final int connections;
    private final byte[] request;

    RequestClient(int port, int connections, int answer) {
        this.port = port;
        this.connections = connections;
        var body =
                "{\"model\":\"default\",\"max_tokens\":"
                        + answer
                        + ",\"messages\":[{\"role\":\"user\",\"content\":\"Hello, who are you and what can you do?\"}]}";
        this.request =
                ("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
                                + body.length()
                                + "\r\n\r\n"
                                + body)
                        .getBytes(StandardCharsets.US_ASCII);
    }

    /** Requests a second, each as soon as the one before is answered. */
    double closed(double seconds) {
        return run(0, seconds).size() / seconds;
    }

    /**
     * Milliseconds from when a request was due to its whole answer, so that a slow one counts for
     * those behind it, too.
     *
     * @param rate of all connections together, per second
     */
    Samples open(int rate, double seconds) {
        return Samples.of(run(rate, seconds));
    }

    private List<Double> run(int rate, double seconds) {
        var all = new ArrayList<List<Double>>();
        var threads = new ArrayList<Thread>();
        var failure = new AtomicReference<Optional<Throwable>>(Optional.empty());
        for (int i = 0; i < connections; i++) {
            var its = new ArrayList<Double>();
            all.add(its);
            double first = (double) i / connections;
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            talk(its, rate, first, seconds);
                                        } catch (IOException | RuntimeException e) {
                                            failure.set(Optional.of(e));
                                        }
                                    }));
        }
        try {
            for (var thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new BenchException("interrupted");
        }
        failure.get()
                .ifPresent(
                        cause -> {
                            throw new BenchException("the server does not answer: " + cause, cause);
                        });
        return all.stream().flatMap(List::stream).toList();
    }

    private void talk(List<Double> millis, int rate, double first, double seconds)
            throws IOException {
        double period = rate == 0 ? 0 : 1e9 * connections / rate;
        try (var socket = new Socket("127.0.0.1", port)) {
            socket.setTcpNoDelay(true);
            var in = new BufferedInputStream(socket.getInputStream());
            long start = System.nanoTime();
            long end = start + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
            double due = start + first * period;
            while (true) {
                for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
                    LockSupport.parkNanos((long) due - now);
                }
                long from = rate == 0 ? System.nanoTime() : (long) due;
                if (from > end) {
                    return;
                }
                socket.getOutputStream().write(request);
                readAnswer(in);
                millis.add((System.nanoTime() - from) / 1e6);
                due += period;
            }
        }
    }

    private static void readAnswer(InputStream in) throws IOException {
        int length = 0;
        boolean first = true;
        for (var line = line(in); !line.isEmpty(); line = line(in)) {
            if (first && !line.contains(" 200 ")) {
                throw new IOException("it answered " + line);
            }
            first = false;
            if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
                length = Integer.parseInt(line.substring(15).strip());
            }
        }
        in.skipNBytes(length);
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("it closed the connection");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }
}
