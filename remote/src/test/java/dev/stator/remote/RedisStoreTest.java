package dev.stator.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.CacheException;
import dev.stator.cache.remote.RemoteStore;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.embedded.RedisSentinel;
import redis.embedded.RedisServer;
import redis.embedded.RedisShardedCluster;

/** Against the real redis-server. */
final class RedisStoreTest {
    /** A cluster's servers talk to each other on the port that is 10,000 higher. */
    private static final int MAX_PORT = 55_535;

    /** So many that every server of a cluster has some. */
    private static final int NAMES = 32;

    private static int freePort() throws IOException {
        while (true) {
            try (var socket = new ServerSocket(0)) {
                if (socket.getLocalPort() <= MAX_PORT) {
                    return socket.getLocalPort();
                }
            }
        }
    }

    private static RedisServer server(int port, String... settings) throws IOException {
        var builder =
                RedisServer.newRedisServer().bind("127.0.0.1").port(port).setting("save \"\"");
        for (var setting : settings) {
            builder.setting(setting);
        }
        var server = builder.build();
        server.start();
        return server;
    }

    private static RemoteStore open(String url) {
        return RemoteStores.open(url, StoreContract.PATIENCE);
    }

    /** Until the store has what it needs, e.g. all servers of a cluster each other. */
    private static void untilItAnswers(RemoteStore store) throws Exception {
        for (int i = 0; ; i++) {
            try {
                for (int name = 0; name < NAMES; name++) {
                    StoreContract.get(store.put("hello" + name, new byte[1], Duration.ZERO));
                }
                return;
            } catch (Exception e) {
                if (i == 600) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(50);
            }
        }
    }

    @Test
    void oneServer(@TempDir Path folder) throws Exception {
        int port = freePort();
        var server = server(port);
        try (var store = open("redis://127.0.0.1:" + port);
                var other = open("valkey://127.0.0.1:%d/0".formatted(port))) {
            StoreContract.keepsValues(store);
            StoreContract.carriesBlocks(store, other, folder);
            assertThat(store.address()).isEqualTo("redis://127.0.0.1:" + port);
        } finally {
            server.stop();
        }
    }

    @Test
    void valuesAreForgottenAfterTheirLife() throws Exception {
        int port = freePort();
        var server = server(port);
        try (var store = open("redis://127.0.0.1:" + port)) {
            StoreContract.get(store.put("a", new byte[1], Duration.ofMillis(1)));
            for (int i = 0;
                    i < 1000 && StoreContract.get(store.contains(List.of("a"))).getFirst();
                    i++) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            assertThat(StoreContract.get(store.get("a", 1))).isEmpty();
        } finally {
            server.stop();
        }
    }

    @Test
    void passwordsAndUsers() throws Exception {
        int port = freePort();
        var server = server(port, "requirepass s3cret", "user stator on >hush ~* +@all");
        try (var store = open("redis://:s3cret@127.0.0.1:" + port);
                var user = open("redis://stator:hush@127.0.0.1:" + port);
                var wrong = open("redis://stator:wrong@127.0.0.1:" + port);
                var none = open("redis://127.0.0.1:" + port)) {
            StoreContract.keepsValues(store);
            StoreContract.keepsValues(user);
            StoreContract.failsSoon(wrong);
            StoreContract.failsSoon(none);
            assertThat(wrong.address()).isEqualTo("redis://127.0.0.1:" + port);
        } finally {
            server.stop();
        }
    }

    @Test
    void encryptedConnections(@TempDir Path folder) throws Exception {
        var keys = SelfSigned.in(folder);
        int port = freePort();
        var server =
                server(
                        freePort(),
                        "tls-port " + port,
                        "tls-cert-file " + keys.certificate(),
                        "tls-key-file " + keys.key(),
                        "tls-ca-cert-file " + keys.certificate(),
                        "tls-auth-clients no");
        try (var store = open("rediss://127.0.0.1:%d?verifyPeer=NONE".formatted(port));
                var checking = open("rediss://127.0.0.1:" + port);
                var plain = open("redis://127.0.0.1:" + port)) {
            untilItAnswers(store);
            StoreContract.keepsValues(store);
            StoreContract.failsSoon(checking);
            StoreContract.failsSoon(plain);
            assertThat(store.address()).isEqualTo("rediss://127.0.0.1:" + port);
        } finally {
            server.stop();
        }
    }

    @Test
    void aServerThatComesAndGoes() throws Exception {
        int port = freePort();
        try (var store = open("redis://127.0.0.1:" + port)) {
            for (int i = 0; i < 3; i++) {
                StoreContract.failsSoon(store);
                var server = server(port);
                untilItAnswers(store);
                StoreContract.keepsValues(store);
                store.reset();
                StoreContract.keepsValues(store);
                server.stop();
            }
            StoreContract.failsSoon(store);
        }
    }

    @Test
    void aServerBehindASentinel() throws Exception {
        int port = freePort();
        int sentinelPort = freePort();
        var server = server(port);
        var sentinel =
                RedisSentinel.newRedisSentinel()
                        .bind("127.0.0.1")
                        .port(sentinelPort)
                        .masterName("blocks")
                        .masterPort(port)
                        .quorumSize(1)
                        .build();
        sentinel.start();
        try (var store = open("redis-sentinel://127.0.0.1:%d/0#blocks".formatted(sentinelPort))) {
            untilItAnswers(store);
            StoreContract.keepsValues(store);
            assertThat(store.address()).isEqualTo("redis-sentinel://127.0.0.1:" + sentinelPort);
        } finally {
            sentinel.stop();
            server.stop();
        }
    }

    @Test
    void aCluster(@TempDir Path folder) throws Exception {
        var cluster =
                RedisShardedCluster.newRedisCluster()
                        .serverPorts(List.of(freePort(), freePort(), freePort()))
                        .shard("a", 0)
                        .shard("b", 0)
                        .shard("c", 0)
                        .build();
        cluster.start();
        var ports = cluster.serverPorts();
        try (var store =
                open(
                        "redis-cluster://127.0.0.1:%d,127.0.0.1:%d"
                                .formatted(ports.get(0), ports.get(1)))) {
            untilItAnswers(store);
            StoreContract.keepsValues(store);
            StoreContract.carriesBlocks(store, store, folder);
            assertThat(store.address())
                    .isEqualTo(
                            "redis-cluster://127.0.0.1:%d,127.0.0.1:%d"
                                    .formatted(ports.get(0), ports.get(1)));
        } finally {
            cluster.stop();
        }
    }

    @Test
    void aUrlThatIsNoneIsRefusedWithoutItsSecret() {
        for (var url :
                List.of(
                        "127.0.0.1:6379",
                        "http://user:secret@host",
                        "redis://user:secret@",
                        "redis-cluster://user:secret@host:port",
                        "redis-sentinel://")) {
            assertThatThrownBy(() -> open(url), url)
                    .isInstanceOf(CacheException.class)
                    .hasMessageContaining("redis://HOST:PORT")
                    .hasMessageNotContaining("secret");
        }
    }
}
