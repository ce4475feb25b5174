package dev.stator.remote;

import dev.stator.cache.remote.RemoteStore;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SetArgs;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.resource.ClientResources;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Redis or Valkey: one server, one behind sentinels, or a cluster. Commands that are sent one after
 * the other share a connection and are on their way together. Writes have a connection of their
 * own, so that no read waits behind megabytes that nobody waits for.
 */
final class RedisStore implements RemoteStore {
    private static final int THREADS = 2;

    /** Commands that wait for answers; more fail at once. */
    private static final int MOST_COMMANDS = 4096;

    /** A name, or an address of either kind. */
    private static final Pattern HOST =
            Pattern.compile("[A-Za-z0-9._-]+|\\[?[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?\\]?");

    private static final String CLUSTER = "-cluster";

    /** Connects when it is first used, and again after it could not or was dropped. */
    private static final class Link {
        private final Supplier<CompletableFuture<Connection>> connect;
        private Optional<CompletableFuture<Connection>> connection = Optional.empty();

        Link(Supplier<CompletableFuture<Connection>> connect) {
            this.connect = connect;
        }

        synchronized CompletableFuture<RedisClusterAsyncCommands<String, byte[]>> commands() {
            if (connection.filter(CompletableFuture::isCompletedExceptionally).isPresent()) {
                connection = Optional.empty();
            }
            if (connection.isEmpty()) {
                connection = Optional.of(connected());
            }
            return connection.get().thenApply(Connection::commands);
        }

        private CompletableFuture<Connection> connected() {
            try {
                return connect.get();
            } catch (RuntimeException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        synchronized void drop() {
            connection.ifPresent(dropped -> dropped.thenAccept(its -> its.whole().closeAsync()));
            connection = Optional.empty();
        }
    }

    private record Connection(
            StatefulConnection<String, byte[]> whole,
            RedisClusterAsyncCommands<String, byte[]> commands) {
        static Connection of(StatefulRedisConnection<String, byte[]> connection) {
            return new Connection(connection, connection.async());
        }

        static Connection of(StatefulRedisClusterConnection<String, byte[]> connection) {
            return new Connection(connection, connection.async());
        }
    }

    private final ClientResources resources;
    private final LargeValues values;
    private final AbstractRedisClient client;
    private final Link reads;
    private final Link writes;
    private final String address;

    private RedisStore(
            ClientResources resources,
            LargeValues values,
            AbstractRedisClient client,
            Supplier<CompletableFuture<Connection>> connect,
            String address) {
        this.resources = resources;
        this.values = values;
        this.client = client;
        this.reads = new Link(connect);
        this.writes = new Link(connect);
        this.address = address;
    }

    /**
     * @param url as Lettuce reads it: {@code redis://}, {@code rediss://}, {@code
     *     redis-sentinel://}
     * @throws IllegalArgumentException if it is none
     */
    static RedisStore single(String url, Duration patience) {
        RedisURI uri = parsed(url);
        LargeValues values = new LargeValues();
        ClientResources resources = resources(values);
        RedisClient client = RedisClient.create(resources, uri);
        client.setOptions(
                options(ClientOptions.builder(), patience)
                        .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                        .build());
        return new RedisStore(
                resources,
                values,
                client,
                () ->
                        client.connectAsync(codec(values), uri)
                                .toCompletableFuture()
                                .thenApply(Connection::of),
                address(List.of(uri), uri.getSentinels().isEmpty() ? "" : "-sentinel"));
    }

    /**
     * @param url {@code redis-cluster://} or {@code rediss-cluster://}, then what one server's URL
     *     has, with some of the cluster's nodes and commas between them
     * @throws IllegalArgumentException if it is none
     */
    static RedisStore cluster(String url, Duration patience) {
        List<RedisURI> nodes = nodes(url);
        LargeValues values = new LargeValues();
        ClientResources resources = resources(values);
        RedisClusterClient client = RedisClusterClient.create(resources, nodes);
        // A cluster's connections are made when they are first needed: commands must be able to
        // wait.
        client.setOptions(
                ((ClusterClientOptions.Builder) options(ClusterClientOptions.builder(), patience))
                        .topologyRefreshOptions(
                                ClusterTopologyRefreshOptions.builder()
                                        .enableAllAdaptiveRefreshTriggers()
                                        .enablePeriodicRefresh()
                                        .build())
                        .build());
        return new RedisStore(
                resources,
                values,
                client,
                () ->
                        client.refreshPartitionsAsync()
                                .toCompletableFuture()
                                .thenCompose(_ -> client.connectAsync(codec(values)))
                                .thenApply(Connection::of),
                address(nodes, CLUSTER));
    }

    private static List<RedisURI> nodes(String url) {
        String scheme = url.substring(0, url.indexOf("://")).replace(CLUSTER, "") + "://";
        String rest = url.substring(url.indexOf("://") + 3);
        int user = rest.lastIndexOf('@') + 1;
        int hostsEnd =
                rest.chars().skip(user).anyMatch(c -> c == '/' || c == '?')
                        ? user + rest.substring(user).split("[/?]", 2)[0].length()
                        : rest.length();
        var nodes = new ArrayList<RedisURI>();
        for (String host : rest.substring(user, hostsEnd).split(",")) {
            nodes.add(parsed(scheme + rest.substring(0, user) + host + rest.substring(hostsEnd)));
        }
        return nodes;
    }

    private static RedisURI parsed(String url) {
        RedisURI uri;
        try {
            uri = RedisURI.create(url);
        } catch (RuntimeException _) {
            // What Lettuce says may repeat the password.
            throw new IllegalArgumentException("it is not a Redis URL");
        }
        boolean single = uri.getSentinels().isEmpty();
        for (RedisURI host : single ? List.of(uri) : uri.getSentinels()) {
            // Lettuce takes what it cannot read, even with a password, for the host.
            if (!HOST.matcher(Optional.ofNullable(host.getHost()).orElse("")).matches()) {
                throw new IllegalArgumentException("it names no host that can be read");
            }
        }
        if (!single && String.valueOf(uri.getSentinelMasterId()).isBlank()) {
            throw new IllegalArgumentException("it names no master: add #NAME");
        }
        return uri;
    }

    private static RedisCodec<String, byte[]> codec(LargeValues values) {
        return RedisCodec.of(StringCodec.ASCII, values);
    }

    private static ClientResources resources(LargeValues values) {
        return ClientResources.builder()
                .nettyCustomizer(new LargeReads(values, THREADS))
                .ioThreadPoolSize(THREADS)
                .computationThreadPoolSize(THREADS)
                .build();
    }

    private static ClientOptions.Builder options(ClientOptions.Builder builder, Duration patience) {
        return builder.requestQueueSize(MOST_COMMANDS)
                .socketOptions(
                        SocketOptions.builder().connectTimeout(patience).keepAlive(true).build());
    }

    private static String address(List<RedisURI> uris, String kind) {
        RedisURI first = uris.getFirst();
        var hosts =
                first.getSentinels().isEmpty()
                        ? uris.stream().map(RedisStore::host).toList()
                        : first.getSentinels().stream().map(RedisStore::host).toList();
        return "%s%s://%s"
                .formatted(first.isSsl() ? "rediss" : "redis", kind, String.join(",", hosts));
    }

    private static String host(RedisURI uri) {
        return uri.getHost() + ":" + uri.getPort();
    }

    @Override
    public CompletableFuture<List<Boolean>> contains(List<String> names) {
        return reads.commands()
                .thenCompose(
                        redis -> {
                            var answers =
                                    names.stream()
                                            .map(name -> redis.exists(name).toCompletableFuture())
                                            .toArray(CompletableFuture<?>[]::new);
                            return CompletableFuture.allOf(answers)
                                    .thenApply(
                                            _ ->
                                                    Arrays.stream(answers)
                                                            .map(its -> its.join().equals(1L))
                                                            .toList());
                        });
    }

    /** A part of the value, as far as it should go: Redis has no other way to bound an answer. */
    @Override
    public CompletableFuture<Optional<byte[]>> get(String name, int mostBytes) {
        values.expect(mostBytes + 1);
        return reads.commands()
                .thenCompose(redis -> redis.getrange(name, 0, mostBytes).toCompletableFuture())
                .thenApply(value -> value.length == 0 ? Optional.empty() : Optional.of(value));
    }

    @Override
    public void release(byte[] value) {
        values.release(value);
    }

    @Override
    public CompletableFuture<?> put(String name, byte[] value, Duration life) {
        return writes.commands()
                .thenCompose(
                        redis ->
                                (life.isZero()
                                                ? redis.set(name, value)
                                                : redis.set(
                                                        name,
                                                        value,
                                                        SetArgs.Builder.px(life.toMillis())))
                                        .toCompletableFuture());
    }

    @Override
    public CompletableFuture<?> delete(List<String> names) {
        return writes.commands()
                .thenCompose(
                        redis -> redis.unlink(names.toArray(String[]::new)).toCompletableFuture());
    }

    @Override
    public void reset() {
        reads.drop();
        writes.drop();
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public void close() {
        reset();
        client.shutdownAsync(0, 1, TimeUnit.SECONDS)
                .whenComplete((_, _) -> resources.shutdown(0, 1, TimeUnit.SECONDS));
    }
}
