package dev.stator.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Shows a cluster as one of its frontends sees it. */
@Command(
        name = "status",
        description = "Show a cluster's members, their load and tiers, and what is wrong.",
        sortOptions = false)
final class StatusCommand implements Callable<Integer> {
    private static final double MIB = 1 << 20;

    private final Console console;

    @Mixin private ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "the same as JSON")
    private boolean json;

    StatusCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        JsonNode status;
        try (var client = new AdminClient(server.url(), server.key(console))) {
            status = client.get("/admin/cluster");
        }
        if (json) {
            console.out().println(status.toPrettyString());
        } else {
            show(status);
        }
        return 0;
    }

    private void show(JsonNode status) {
        print(
                "%-24s %-12s %-11s %-21s %8s %8s %10s %12s",
                "NAME",
                "ROLE",
                "STATE",
                "ADDRESS",
                "RUNNING",
                "WAITING",
                "HOST MIB",
                "HOST BLOCKS");
        for (var member : status.path("members")) {
            var host = member.at("/tiers/host");
            print(
                    "%-24s %-12s %-11s %-21s %8s %8s %10s %12s",
                    member.path("name").asString(),
                    role(member),
                    member.path("state").asString(),
                    member.path("address").asString("-"),
                    figure(member.path("running")),
                    figure(member.path("waiting")),
                    host.path("bytes_capacity").isNumber()
                            ? "%.0f".formatted(host.path("bytes_capacity").asDouble() / MIB)
                            : "-",
                    figure(host.path("blocks")));
        }
        var counters = status.path("counters");
        print(
                "answers moved to another node: %d, failed: %d; nodes lost: %d, requests quarantined: %d",
                counters.path("moved").asLong(),
                counters.path("failed").asLong(),
                counters.path("nodes_lost").asLong(),
                counters.path("quarantined").asLong());
        for (var sentence : status.path("wrong")) {
            print("wrong: %s", sentence.asString());
        }
    }

    /** A node that does all says no more. */
    private static String role(JsonNode member) {
        var role = member.path("role").asString();
        var duty = member.path("duty").asString("");
        return duty.isEmpty() || duty.equals("both") ? role : role + "/" + duty;
    }

    private static String figure(JsonNode number) {
        return number.isNumber() ? Long.toString(number.asLong()) : "-";
    }

    private void print(String format, Object... arguments) {
        console.out().println(String.format(Locale.ROOT, format, arguments));
    }
}
