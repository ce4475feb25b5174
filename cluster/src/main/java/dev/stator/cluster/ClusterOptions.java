package dev.stator.cluster;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;

/**
 * A member's place in its cluster.
 *
 * @param cluster name of the group; others on the same hosts may have another
 * @param name of the member, unique in the cluster
 * @param version of Stator
 * @param host the address at which other members reach this one
 * @param groupPort for the group; 0 takes a free one
 * @param callPort at which a node is called; 0 takes a free one
 * @param blockPort at which a node lends blocks to others; 0 takes a free one
 * @param join members to ask for the group: {@code host:port}, the port a {@code groupPort}; or a
 *     single {@code dns:NAME}, a name that has all members' addresses
 * @param key empty: anybody who reaches the ports is a member, so they must be loopback ones
 */
public record ClusterOptions(
        String cluster,
        String name,
        String version,
        String host,
        int groupPort,
        int callPort,
        int blockPort,
        List<String> join,
        Optional<ClusterKey> key) {
    static final String DNS = "dns:";

    public ClusterOptions {
        join = List.copyOf(join);
        require(!cluster.isBlank(), "the cluster needs a name");
        require(!name.isBlank(), "a member of a cluster needs a name");
        require(
                name.chars().noneMatch(c -> Character.isISOControl(c) || c == '/'),
                "a member's name must not hold slashes or control characters");
        require(
                join.size() <= 1 || join.stream().noneMatch(seed -> seed.startsWith(DNS)),
                "join takes either one dns:NAME or several host:port");
        join.forEach(ClusterOptions::checkSeed);
        require(
                key.isPresent() || isLoopback(host),
                "others reach the cluster at %s: give all its members a secret with cluster-key-file, or use a loopback address"
                        .formatted(host));
    }

    private static void checkSeed(String seed) {
        if (seed.startsWith(DNS)) {
            require(
                    seed.length() > DNS.length(),
                    "dns: needs a name, as in dns:stator.default.svc");
            return;
        }
        int colon = seed.lastIndexOf(':');
        boolean valid = colon > 0;
        if (valid) {
            try {
                int port = Integer.parseInt(seed.substring(colon + 1));
                valid = port > 0 && port <= 65535;
            } catch (NumberFormatException e) {
                valid = false;
            }
        }
        require(valid, "'%s' is no member to join; write host:port".formatted(seed));
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("there is no host %s".formatted(host), e);
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
