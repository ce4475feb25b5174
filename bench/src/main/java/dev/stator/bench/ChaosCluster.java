package dev.stator.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Two frontends and three nodes of the command {@code stator}, each a process with an address of
 * its own. The last node's workers are processes of their own.
 */
final class ChaosCluster implements AutoCloseable {
    private static final int FRONTENDS = 2;
    private static final int NODES = 3;
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final Duration LOOK = Duration.ofMillis(50);

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final Path folder;
    private final Map<ChaosMember, URI> frontends = new LinkedHashMap<>();
    private final List<ChaosMember> nodes = new ArrayList<>();

    private record Place(String name, String address, int port) {
        String seed() {
            return address + ":" + port;
        }
    }

    private ChaosCluster(Path folder) {
        this.folder = folder;
    }

    /**
     * Starts all and waits until each frontend is served by each node.
     *
     * @param folder for what the members say
     * @param nodeTimeout milliseconds after which frontends give a node up
     */
    static ChaosCluster start(Path stator, Path folder, int nodeTimeout) {
        var cluster = new ChaosCluster(folder);
        try {
            cluster.plan(stator, nodeTimeout);
            var all = cluster.members();
            // One after the other: else several would begin a group, and these merge only later.
            for (var member : all) {
                member.start();
                member.awaitReady();
            }
            cluster.awaitWhole();
            return cluster;
        } catch (RuntimeException | IOException e) {
            cluster.close();
            throw e instanceof RuntimeException its ? its : new BenchException(e.toString(), e);
        }
    }

    private void plan(Path stator, int nodeTimeout) throws IOException {
        var key = folder.resolve("cluster.key");
        Files.write(key, new byte[32]);
        var places = new ArrayList<Place>();
        for (int i = 0; i < NODES; i++) {
            places.add(new Place("n" + i, "127.0.1." + (i + 1), ClusterFrontend.freePort()));
        }
        for (int i = 0; i < FRONTENDS; i++) {
            places.add(new Place("f" + i, "127.0.2." + (i + 1), ClusterFrontend.freePort()));
        }
        for (int i = 0; i < places.size(); i++) {
            var place = places.get(i);
            boolean isNode = i < NODES;
            var command =
                    new ArrayList<>(
                            List.of(
                                    stator.toString(),
                                    isNode ? "node" : "frontend",
                                    "--member-name",
                                    place.name(),
                                    "--cluster-address",
                                    place.address(),
                                    "--cluster-port",
                                    Integer.toString(place.port()),
                                    "--cluster-key-file",
                                    key.toString(),
                                    "--context",
                                    "2048"));
            places.stream()
                    .filter(each -> !each.equals(place))
                    .forEach(each -> command.addAll(List.of("--join", each.seed())));
            int port = ClusterFrontend.freePort();
            command.addAll(
                    isNode
                            ? List.of("--threads", "1", "--host-cache", "32MiB")
                            : List.of(
                                    "--port",
                                    Integer.toString(port),
                                    "--node-timeout-ms",
                                    Integer.toString(nodeTimeout)));
            if (i == NODES - 1) {
                command.add("--isolate");
            }
            var member =
                    new ChaosMember(
                            place.name(),
                            place.address(),
                            command,
                            folder.resolve(place.name() + ".log"));
            if (isNode) {
                nodes.add(member);
            } else {
                frontends.put(member, URI.create("http://127.0.0.1:" + port));
            }
        }
    }

    List<ChaosMember> nodes() {
        return List.copyOf(nodes);
    }

    List<ChaosMember> frontends() {
        return List.copyOf(frontends.keySet());
    }

    /** The node whose workers are processes of their own. */
    ChaosMember isolated() {
        return nodes.getLast();
    }

    List<URI> urls() {
        return List.copyOf(frontends.values());
    }

    private List<ChaosMember> members() {
        var all = new ArrayList<>(nodes);
        all.addAll(frontends.keySet());
        return all;
    }

    HttpClient http() {
        return http;
    }

    /** What a frontend says of the cluster; empty if it does not answer. */
    Optional<JsonNode> status(URI frontend) {
        try {
            var response =
                    http.send(
                            HttpRequest.newBuilder(frontend.resolve("/admin/cluster"))
                                    .timeout(Duration.ofSeconds(5))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            return response.statusCode() == 200
                    ? Optional.of(JsonMapper.shared().readTree(response.body()))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    private List<Optional<JsonNode>> statuses() {
        return urls().stream().map(this::status).toList();
    }

    /** Waits until each frontend is served by each node again. */
    void awaitWhole() {
        await(
                () ->
                        statuses().stream()
                                .allMatch(
                                        each ->
                                                each.map(ChaosCluster::serving).orElse(0L)
                                                        == NODES),
                "the cluster is whole");
    }

    private static long serving(JsonNode status) {
        long count = 0;
        for (var member : status.path("members")) {
            count +=
                    member.path("role").asString().equals("node")
                                    && member.path("state").asString().equals("serving")
                            ? 1
                            : 0;
        }
        return count;
    }

    /**
     * What nodes still hold for requests, once there are none; waits for it to be nothing.
     *
     * @return empty if nothing is held
     */
    Optional<String> held() {
        try {
            await(
                    () ->
                            statuses().stream()
                                    .allMatch(each -> each.map(this::isIdle).orElse(false)),
                    "nothing is held");
            return Optional.empty();
        } catch (BenchException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private boolean isIdle(JsonNode status) {
        int told = 0;
        for (var member : status.path("members")) {
            if (!member.path("role").asString().equals("node")) {
                continue;
            }
            var host = member.at("/tiers/host");
            long held =
                    member.path("running").asLong()
                            + member.path("waiting").asLong()
                            + host.path("blocks_pinned").asLong()
                            + host.path("blocks_claimed").asLong()
                            + host.path("blocks_writing").asLong()
                            + host.path("leases").asLong();
            for (var worker : member.path("workers")) {
                held +=
                        worker.path("running").asLong()
                                + worker.path("waiting").asLong()
                                + worker.path("cells_used").asLong();
            }
            if (held > 0 || host.isMissingNode()) {
                return false;
            }
            told++;
        }
        return told == NODES;
    }

    private void await(BooleanSupplier condition, String what) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new BenchException(
                        "it never came to be that %s: %s".formatted(what, statuses()));
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    @Override
    public void close() {
        // Frontends first: they would warn of each node.
        frontends.keySet().forEach(ChaosMember::close);
        nodes.forEach(ChaosMember::close);
        http.shutdownNow();
    }
}
