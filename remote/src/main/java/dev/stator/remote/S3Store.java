package dev.stator.remote;

import dev.stator.cache.remote.RemoteStore;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * What speaks S3. Each request has a virtual thread, so that blocks come side by side. How long
 * objects live is up to the bucket's lifecycle rules.
 */
final class S3Store implements RemoteStore {
    private static final int MOST_ATTEMPTS = 3;
    private static final int MOST_REQUESTS = 32;
    private static final int NOT_FOUND = 404;

    /** An object has no bytes at all. */
    private static final int NO_SUCH_RANGE = 416;

    private static final String SCHEME = "s3://";
    private static final Set<String> PARAMETERS = Set.of("region", "endpoint", "path-style");

    private final S3Client client;
    private final String bucket;
    private final String prefix;
    private final String address;
    private final ExecutorService threads =
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("s3").factory());
    private final Semaphore requests = new Semaphore(MOST_REQUESTS, true);

    private S3Store(S3Client client, String bucket, String prefix, String address) {
        this.client = client;
        this.bucket = bucket;
        this.prefix = prefix;
        this.address = address;
    }

    /**
     * @param url {@code s3://BUCKET/PREFIX}; with {@code ACCESS_KEY:SECRET@} before the bucket,
     *     else credentials come from where the AWS clients look for them; with parameters {@code
     *     region}, {@code endpoint}, and {@code path-style}, which is true by default if there is
     *     an endpoint
     * @throws IllegalArgumentException if it is none
     */
    static S3Store open(String url, Duration patience) {
        String rest = url.substring(SCHEME.length());
        int query = rest.indexOf('?');
        Map<String, String> parameters =
                query < 0 ? Map.of() : parameters(rest.substring(query + 1));
        String path = query < 0 ? rest : rest.substring(0, query);
        int user = path.lastIndexOf('@');
        String[] place = path.substring(user + 1).split("/", 2);
        if (place[0].isEmpty()) {
            throw new IllegalArgumentException("it names no bucket");
        }
        String prefix = place.length < 2 || place[1].isEmpty() ? "" : place[1];
        Optional<URI> endpoint = Optional.ofNullable(parameters.get("endpoint")).map(S3Store::uri);
        boolean pathStyle =
                Boolean.parseBoolean(
                        parameters.getOrDefault("path-style", "" + endpoint.isPresent()));
        var builder =
                S3Client.builder()
                        .httpClient(
                                UrlConnectionHttpClient.builder()
                                        .connectionTimeout(patience)
                                        .socketTimeout(patience)
                                        .build())
                        .credentialsProvider(credentials(user < 0 ? "" : path.substring(0, user)))
                        .forcePathStyle(pathStyle)
                        // Values bring their own.
                        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                        .overrideConfiguration(
                                options ->
                                        options.apiCallTimeout(patience)
                                                .retryStrategy(onOtherConnections()));
        endpoint.ifPresent(builder::endpointOverride);
        Optional.ofNullable(parameters.get("region"))
                .or(() -> endpoint.map(_ -> Region.US_EAST_1.id()))
                .ifPresent(region -> builder.region(Region.of(region)));
        String slashed = prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/";
        return new S3Store(
                client(builder::build),
                place[0],
                slashed,
                SCHEME
                        + place[0]
                        + (prefix.isEmpty() ? "" : "/" + prefix)
                        + endpoint.map(its -> " at " + its.getAuthority()).orElse(""));
    }

    private static S3Client client(Supplier<S3Client> made) {
        try {
            return made.get();
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "no S3 client can be made (%s): name the region with ?region=…"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    private static Map<String, String> parameters(String query) {
        var parameters = new HashMap<String, String>();
        for (String pair : query.split("&")) {
            int at = pair.indexOf('=');
            String name = at < 0 ? pair : pair.substring(0, at);
            if (at < 0 || !PARAMETERS.contains(name)) {
                throw new IllegalArgumentException(
                        "'%s' is no parameter; there are region, endpoint and path-style"
                                .formatted(name));
            }
            parameters.put(name, decoded(pair.substring(at + 1)));
        }
        return parameters;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    /**
     * Servers close connections that a client keeps for its next request, which then finds out as
     * it writes. Putting and getting a value may be done again; all attempts share one timeout.
     */
    private static RetryStrategy onOtherConnections() {
        return AwsRetryStrategy.standardRetryStrategy().toBuilder()
                .maxAttempts(MOST_ATTEMPTS)
                .backoffStrategy(BackoffStrategy.retryImmediately())
                .build();
    }

    private static URI uri(String text) {
        URI uri = URI.create(text);
        if (!Set.of("http", "https").contains(String.valueOf(uri.getScheme()))) {
            throw new IllegalArgumentException("the endpoint must begin with http:// or https://");
        }
        return uri;
    }

    private static AwsCredentialsProvider credentials(String user) {
        if (user.isEmpty()) {
            return DefaultCredentialsProvider.builder().build();
        }
        int at = user.indexOf(':');
        if (at < 1 || at == user.length() - 1) {
            throw new IllegalArgumentException("before the @ must stand ACCESS_KEY:SECRET");
        }
        return StaticCredentialsProvider.create(
                AwsBasicCredentials.create(
                        decoded(user.substring(0, at)), decoded(user.substring(at + 1))));
    }

    private String object(String name) {
        return prefix + name.replace(':', '/');
    }

    private <T> CompletableFuture<T> run(Supplier<T> request) {
        return CompletableFuture.supplyAsync(
                () -> {
                    requests.acquireUninterruptibly();
                    try {
                        return request.get();
                    } finally {
                        requests.release();
                    }
                },
                threads);
    }

    @Override
    public CompletableFuture<List<Boolean>> contains(List<String> names) {
        var answers =
                names.stream()
                        .map(name -> run(() -> isThere(object(name))))
                        .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(answers)
                .thenApply(
                        _ ->
                                Arrays.stream(answers)
                                        .map(answer -> answer.join().equals(true))
                                        .toList());
    }

    private boolean isThere(String object) {
        try {
            client.headObject(head -> head.bucket(bucket).key(object));
            return true;
        } catch (S3Exception e) {
            if (e.statusCode() == NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(String name, int mostBytes) {
        return run(() -> read(object(name), mostBytes));
    }

    private Optional<byte[]> read(String object, int mostBytes) {
        try {
            return Optional.of(
                    client.getObjectAsBytes(
                                    get ->
                                            get.bucket(bucket)
                                                    .key(object)
                                                    .range("bytes=0-" + mostBytes))
                            .asByteArrayUnsafe());
        } catch (S3Exception e) {
            return switch (e.statusCode()) {
                case NOT_FOUND -> Optional.empty();
                case NO_SUCH_RANGE -> Optional.of(new byte[0]);
                default -> throw e;
            };
        }
    }

    @Override
    public CompletableFuture<?> put(String name, byte[] value, Duration life) {
        return run(
                () ->
                        client.putObject(
                                put -> put.bucket(bucket).key(object(name)),
                                RequestBody.fromBytes(value)));
    }

    @Override
    public CompletableFuture<?> delete(List<String> names) {
        return CompletableFuture.allOf(
                names.stream()
                        .map(
                                name ->
                                        run(
                                                () ->
                                                        client.deleteObject(
                                                                delete ->
                                                                        delete.bucket(bucket)
                                                                                .key(
                                                                                        object(
                                                                                                name)))))
                        .toArray(CompletableFuture<?>[]::new));
    }

    /** Each request has a timeout of its own. */
    @Override
    public void reset() {}

    @Override
    public String address() {
        return address;
    }

    @Override
    public void close() {
        threads.shutdownNow();
        client.close();
    }
}
