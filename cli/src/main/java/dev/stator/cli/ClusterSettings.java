package dev.stator.cli;

import dev.stator.cluster.ClusterKey;
import dev.stator.cluster.ClusterOptions;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** A member's place in its cluster, as the user chose it. */
final class ClusterSettings {
    private ClusterSettings() {}

    /**
     * @throws Refusal if it makes no sense
     */
    static ClusterOptions of(Configuration configuration) {
        return Server.checked(
                () ->
                        new ClusterOptions(
                                configuration.get(Settings.CLUSTER_NAME),
                                configuration
                                        .find(Settings.MEMBER_NAME)
                                        .orElseGet(ClusterSettings::usualName),
                                Version.current(),
                                configuration.get(Settings.CLUSTER_ADDRESS),
                                configuration.get(Settings.CLUSTER_PORT),
                                configuration.get(Settings.NODE_PORT),
                                configuration.get(Settings.BLOCK_PORT),
                                configuration.all(Settings.JOIN),
                                configuration
                                        .find(Settings.CLUSTER_KEY_FILE)
                                        .map(ClusterKey::read)));
    }

    private static String usualName() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            host = "member";
        }
        return "%s-%d".formatted(host, ProcessHandle.current().pid());
    }
}
