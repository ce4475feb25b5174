package dev.stator.api;

import dev.stator.serving.ClusterStatus;
import dev.stator.serving.FabricStats;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/** A cluster as JSON, for {@code GET /admin/cluster}. */
final class ClusterView {
    private ClusterView() {}

    static ObjectNode of(ClusterStatus status) {
        var json = Json.object().put("frontend", status.frontend());
        var members = json.putArray("members");
        status.members().forEach(member -> members.add(member(member)));
        var counters = json.putObject("counters");
        new TreeMap<>(status.counters()).forEach(counters::put);
        var wrong = json.putArray("wrong");
        status.wrong().forEach(wrong::add);
        return json;
    }

    private static ObjectNode member(ClusterStatus.Member member) {
        var json =
                Json.object()
                        .put("name", member.name())
                        .put("role", member.role())
                        .put("state", member.state());
        if (!member.duty().isEmpty()) {
            json.put("duty", member.duty());
        }
        if (!member.address().isEmpty()) {
            json.put("address", member.address());
        }
        if (!member.version().isEmpty()) {
            json.put("version", member.version());
        }
        member.load().ifPresent(load -> add(json, load));
        return json;
    }

    private static void add(ObjectNode json, ClusterStatus.Load load) {
        json.put("running", load.running()).put("waiting", load.waiting());
        var workers = json.putArray("workers");
        load.workers().forEach(worker -> workers.add(worker(worker)));
        var tiers = json.putObject("tiers");
        if (!load.host().isEmpty()) {
            var host = tiers.putObject("host");
            new TreeMap<>(load.host()).forEach(host::put);
        }
        if (!load.disk().isEmpty()) {
            var disk = tiers.putObject("disk");
            new TreeMap<>(load.disk()).forEach(disk::put);
        }
        if (!load.remote().isEmpty()) {
            var remote = tiers.putObject("remote");
            new TreeMap<>(load.remote()).forEach(remote::put);
        }
    }

    private static ObjectNode worker(FabricStats.Worker worker) {
        return Json.object()
                .put("id", worker.id())
                .put("role", worker.role())
                .put("running", worker.running())
                .put("waiting", worker.waiting())
                .put("cells", worker.cells())
                .put("cells_used", worker.cellsUsed())
                .put("steps", worker.steps())
                .put("computed_tokens", worker.computedTokens());
    }
}
