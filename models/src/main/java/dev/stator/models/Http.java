package dev.stator.models;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * GET requests that follow redirects by hand: a bounded number of them, never from https to http,
 * and the token goes to the hub's own host alone.
 */
final class Http implements AutoCloseable {
    private static final int MAX_REDIRECTS = 10;

    private final HttpClient client;
    private final URI endpoint;
    private final Optional<String> token;
    private final Duration stall;

    Http(URI endpoint, Optional<String> token, Duration stall) {
        this.client =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(stall)
                        .build();
        this.endpoint = endpoint;
        this.token = token;
        this.stall = stall;
    }

    /**
     * The answer that is no redirect. The caller closes it.
     *
     * @param uri where it came from in the end
     * @param linked what the hub said of the file before it redirected to a store, which knows less
     */
    record Reply(
            URI uri, int status, HttpHeaders headers, Map<String, String> linked, BodyReader body)
            implements AutoCloseable {
        Optional<String> header(String name) {
            return headers.firstValue(name);
        }

        OptionalLong number(String name) {
            return Http.number(header(name));
        }

        /** The size that the hub states; the store's Content-Length should agree. */
        OptionalLong linkedSize() {
            return Http.number(Optional.ofNullable(linked.get("x-linked-size")));
        }

        /** The SHA-256 of the whole file where an ETag is one, as those of large hub files are. */
        Optional<String> sha256() {
            return Optional.ofNullable(linked.get("x-linked-etag"))
                    .or(() -> header("x-linked-etag"))
                    .or(() -> header("etag"))
                    .map(tag -> tag.replace("\"", "").toLowerCase(Locale.ROOT))
                    .filter(tag -> tag.matches("[0-9a-f]{64}"));
        }

        @Override
        public void close() {
            body.close();
        }
    }

    /**
     * @throws ModelFileException if the redirects lead nowhere or to an unsafe place
     */
    Reply get(URI address, Map<String, String> headers) throws IOException, InterruptedException {
        var linked = new HashMap<String, String>();
        var uri = address;
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            var response =
                    client.send(request(uri, headers), HttpResponse.BodyHandlers.ofPublisher());
            var body = new BodyReader(stall);
            response.body().subscribe(body);
            var location = response.headers().firstValue("location");
            if (!isRedirect(response.statusCode()) || location.isEmpty()) {
                return new Reply(uri, response.statusCode(), response.headers(), linked, body);
            }
            body.close();
            if (fromEndpoint(uri)) {
                for (var name : new String[] {"x-linked-etag", "x-linked-size"}) {
                    response.headers().firstValue(name).ifPresent(value -> linked.put(name, value));
                }
            }
            uri = target(uri, location.get());
        }
        throw new ModelFileException(
                "%s redirects more than %d times; the server is misconfigured"
                        .formatted(address, MAX_REDIRECTS));
    }

    private HttpRequest request(URI uri, Map<String, String> headers) {
        var request =
                HttpRequest.newBuilder(uri)
                        .timeout(stall)
                        .header("User-Agent", "stator")
                        .header("Accept-Encoding", "identity");
        headers.forEach(request::header);
        if (fromEndpoint(uri)) {
            token.ifPresent(value -> request.header("Authorization", "Bearer " + value));
        }
        return request.build();
    }

    private boolean fromEndpoint(URI uri) {
        return String.valueOf(uri.getHost()).equalsIgnoreCase(endpoint.getHost())
                && uri.getScheme().equalsIgnoreCase(endpoint.getScheme())
                && uri.getPort() == endpoint.getPort();
    }

    private static boolean isRedirect(int status) {
        return switch (status) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    /** Where a redirect leads. */
    static URI target(URI from, String location) {
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new ModelFileException(
                    "%s redirects to '%s', which is not an address".formatted(from, location), e);
        }
        var scheme = String.valueOf(to.getScheme()).toLowerCase(Locale.ROOT);
        if (to.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
            throw new ModelFileException(
                    "%s redirects to %s, which cannot be fetched".formatted(from, to));
        }
        if (from.getScheme().equalsIgnoreCase("https") && scheme.equals("http")) {
            throw new ModelFileException(
                    "%s redirects to %s: from https to unprotected http, which Stator does not follow"
                            .formatted(from, to));
        }
        return to;
    }

    /** What a refusal means, and what to do. */
    String explain(int status, URI uri) {
        boolean hub = fromEndpoint(uri);
        return switch (status) {
            case 401 ->
                    hub
                            ? "%s wants to know who asks (401): the repository does not exist or is private. Check the name, or set HF_TOKEN to a token that may read it"
                                    .formatted(uri)
                            : "%s wants credentials (401), which Stator sends to the hub only; fetch the file by other means"
                                    .formatted(uri);
            case 403 ->
                    hub
                            ? "%s refuses access (403): accept the model's conditions on its page, and set HF_TOKEN to a token that may read it"
                                    .formatted(uri)
                            : "%s refuses access (403); check the address".formatted(uri);
            case 404, 410 -> "there is nothing at %s (%d): check the name".formatted(uri, status);
            default -> "%s answers with status %d; check the address".formatted(uri, status);
        };
    }

    private static OptionalLong number(Optional<String> header) {
        return header.filter(text -> text.matches("\\d{1,18}")).stream()
                .mapToLong(Long::parseLong)
                .findFirst();
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    /** What went wrong, in words: the exceptions of the HTTP client often have none. */
    static String reason(IOException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            var message = cause.getMessage();
            if (message != null && !message.isBlank()) {
                return message;
            }
        }
        return Objects.toString(failure.getClass().getSimpleName());
    }
}
