package dev.stator.models;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An HTTP/1.1 server on a plain socket that answers as a test tells it to, however wrong. One
 * request a connection; the connection ends when the handler returns.
 */
final class FakeServer implements AutoCloseable {
    record Request(String path, Map<String, String> headers) {
        Optional<String> header(String name) {
            return Optional.ofNullable(headers.get(name.toLowerCase(Locale.ROOT)));
        }

        /** Where the client wants to begin. */
        int from() {
            return header("range")
                    .map(range -> range.replaceAll("bytes=(\\d+)-", "$1"))
                    .map(Integer::parseInt)
                    .orElse(0);
        }
    }

    interface Handler {
        void answer(Request request, Answer answer) throws Exception;
    }

    /** Writes a response in whatever order and amount. */
    record Answer(OutputStream out) {
        void head(int status, String... headers) throws IOException {
            var head = new StringBuilder("HTTP/1.1 " + status + " x\r\nConnection: close\r\n");
            for (var header : headers) {
                head.append(header).append("\r\n");
            }
            out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
        }

        void bytes(byte[] bytes, int from, int to) throws IOException {
            out.write(bytes, from, to - from);
            out.flush();
        }

        void whole(int status, byte[] body, String... headers) throws IOException {
            var all = new String[headers.length + 1];
            System.arraycopy(headers, 0, all, 0, headers.length);
            all[headers.length] = "Content-Length: " + body.length;
            head(status, all);
            bytes(body, 0, body.length);
        }

        void text(int status, String body, String... headers) throws IOException {
            whole(status, body.getBytes(StandardCharsets.UTF_8), headers);
        }

        /** A correct answer to a request that may name a range, up to {@code to}. */
        void range(Request request, byte[] content, String etag, int to) throws IOException {
            boolean same = request.header("if-range").map(etag::equals).orElse(true);
            int from = same ? request.from() : 0;
            var length = "Content-Length: " + (content.length - from);
            if (from > 0) {
                head(
                        206,
                        length,
                        "ETag: " + etag,
                        "Content-Range: bytes %d-%d/%d"
                                .formatted(from, content.length - 1, content.length));
            } else {
                head(200, length, "ETag: " + etag);
            }
            bytes(content, from, Math.max(from, to));
        }
    }

    private final ServerSocket socket;
    private final Handler handler;
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();

    private FakeServer(ServerSocket socket, Handler handler) {
        this.socket = socket;
        this.handler = handler;
    }

    static FakeServer start(Handler handler) {
        try {
            var server =
                    new FakeServer(
                            new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), handler);
            Thread.ofVirtual().start(server::accept);
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(socket.getLocalPort(), path));
    }

    List<Request> requests() {
        return requests;
    }

    /** What the handler itself threw, a failed assertion for instance. */
    List<Throwable> failures() {
        return failures;
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                var connection = socket.accept();
                Thread.ofVirtual().start(() -> serve(connection));
            } catch (IOException _) {
                return;
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            var request = read(new BufferedInputStream(connection.getInputStream()));
            requests.add(request);
            handler.answer(request, new Answer(connection.getOutputStream()));
        } catch (IOException _) {
            // The client left, which is its right.
        } catch (Exception | AssertionError e) {
            failures.add(e);
        }
    }

    private static Request read(InputStream in) throws IOException {
        var path = line(in).split(" ")[1];
        var headers = new HashMap<String, String>();
        for (var line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return new Request(path, headers);
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new IOException("the client left");
            }
            if (octet != '\r') {
                line.append((char) octet);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
