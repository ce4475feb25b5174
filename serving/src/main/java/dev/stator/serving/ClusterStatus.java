package dev.stator.serving;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A cluster at one moment, as one of its frontends sees it.
 *
 * @param frontend name of that frontend
 * @param counters by name: {@code moved} answers that went on at another node, {@code nodes_lost},
 *     {@code quarantined} requests, {@code failed} answers that nobody could finish
 * @param wrong what somebody should look at, in sentences
 */
public record ClusterStatus(
        String frontend, List<Member> members, Map<String, Long> counters, List<String> wrong) {
    public ClusterStatus {
        members = List.copyOf(members);
        counters = Map.copyOf(counters);
        wrong = List.copyOf(wrong);
    }

    /**
     * @param role {@code frontend} or {@code node}
     * @param duty of a node: {@code prefill}, {@code decode} or {@code both}; of a frontend empty
     * @param state of a node: {@code connecting}, {@code serving}, {@code silent} (it gets no new
     *     work), {@code draining}, {@code lost} or {@code refused}; of a frontend {@code serving}
     * @param address where a node is called; empty for frontends
     * @param load empty if nothing is known
     */
    public record Member(
            String name,
            String role,
            String duty,
            String state,
            String address,
            String version,
            Optional<Load> load) {}

    /**
     * What a node last said of itself.
     *
     * @param running answers that it generates, for whichever frontend
     * @param waiting prompts whose first token is still to come
     * @param host gauges and counters of the host tier by name, as in {@link FabricStats}
     */
    public record Load(
            int running,
            int waiting,
            List<FabricStats.Worker> workers,
            Map<String, Long> host,
            Map<String, Double> disk,
            Map<String, Double> remote) {
        public Load {
            workers = List.copyOf(workers);
            host = Map.copyOf(host);
            disk = Map.copyOf(disk);
            remote = Map.copyOf(remote);
        }
    }
}
