package dev.stator.cli;

import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Sees and steers the cache of a running server. */
@Command(name = "cache", description = "See and steer the cache of a running server.")
final class CacheCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private CacheCommand() {}

    static CommandLine commandLine(Console console) {
        return new CommandLine(new CacheCommand())
                .addSubcommand(new StatsCommand(console))
                .addSubcommand(new ListCommand(console))
                .addSubcommand(new TopCommand(console))
                .addSubcommand(new PinCommand(console))
                .addSubcommand(new UnpinCommand(console))
                .addSubcommand(new DropCommand(console))
                .addSubcommand(new CacheFileCommands.ExportCommand(console))
                .addSubcommand(new CacheFileCommands.ImportCommand(console))
                .addSubcommand(new VerifyCommand(console));
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Refusal.MISUSED;
    }

    /** Something asked of a server. */
    abstract static class Asking implements Callable<Integer> {
        final Console console;

        @Mixin private ServerOptions server = new ServerOptions();

        Asking(Console console) {
            this.console = console;
        }

        final JsonNode get(String path) {
            try (var client = client()) {
                return client.get(path);
            }
        }

        final JsonNode post(String action, ObjectNode body) {
            try (var client = client()) {
                return client.post("/admin/cache/" + action, body);
            }
        }

        final AdminClient client() {
            return new AdminClient(server.url(), server.key(console));
        }

        final void print(String format, Object... arguments) {
            console.out().println(String.format(Locale.ROOT, format, arguments));
        }

        final int list(String order, int most) {
            var prefixes = get("/admin/cache?prefixes=%d&order=%s".formatted(most, order));
            print("%-32s %8s %8s %6s %12s", "KEY", "BLOCKS", "TOKENS", "USES", "SAVED TOKENS");
            for (var prefix : prefixes.path("prefixes")) {
                print(
                        "%-32s %8d %8d %6d %12d%s",
                        prefix.path("key").asString(),
                        prefix.path("blocks").asInt(),
                        prefix.path("tokens").asInt(),
                        prefix.path("uses").asInt(),
                        prefix.path("saved_tokens").asLong(),
                        prefix.path("pinned").asBoolean() ? " pinned" : "");
            }
            return 0;
        }
    }

    /** Names a prefix. */
    abstract static class OfPrefix extends Asking {
        @Parameters(
                paramLabel = "KEY",
                description = "of the prefix, as 'stator cache ls' shows it")
        private String key = "";

        OfPrefix(Console console) {
            super(console);
        }

        final ObjectNode body() {
            return JsonNodeFactory.instance.objectNode().put("key", key);
        }
    }

    /** Gauges and counters. */
    @Command(name = "stats", description = "Show each tier's gauges and counters.")
    static final class StatsCommand extends Asking {
        StatsCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            var answer = get("/admin/cache?prefixes=1");
            for (var tier : new String[] {"host", "disk", "answers"}) {
                answer.path(tier)
                        .properties()
                        .forEach(
                                entry ->
                                        print(
                                                "%s %-20s %s",
                                                tier, entry.getKey(), plain(entry.getValue())));
            }
            for (var tenant : answer.path("tenants")) {
                var tag = tenant.path("tag").asString();
                print(
                        "tenant %s %d blocks, %s%s%s",
                        tag,
                        tenant.path("blocks").asInt(),
                        ByteSize.format(tenant.path("bytes").asLong()),
                        tenant.has("quota_blocks")
                                ? ", may keep " + tenant.path("quota_blocks").asInt()
                                : "",
                        tag.equals(answer.path("tenant").asString()) ? " (yours)" : "");
            }
            return 0;
        }

        private static String plain(JsonNode value) {
            double number = value.asDouble();
            return number == Math.rint(number)
                    ? String.format(Locale.ROOT, "%.0f", number)
                    : String.format(Locale.ROOT, "%.3f", number);
        }
    }

    /** Prefixes, latest first. */
    @Command(name = "ls", description = "List prefixes in the host tier, latest used first.")
    static final class ListCommand extends Asking {
        @Option(
                names = "-n",
                paramLabel = "N",
                description = "how many [${DEFAULT-VALUE}]",
                defaultValue = "20")
        private int most;

        ListCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            return list("latest", most);
        }
    }

    /** Prefixes, by what they saved. */
    @Command(
            name = "top",
            description = "List prefixes in the host tier, those first that saved most tokens.")
    static final class TopCommand extends Asking {
        @Option(
                names = "-n",
                paramLabel = "N",
                description = "how many [${DEFAULT-VALUE}]",
                defaultValue = "20")
        private int most;

        TopCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            return list("saved", most);
        }
    }

    /** Keeps a prefix. */
    @Command(name = "pin", description = "Keep a prefix in the host tier for a while.")
    static final class PinCommand extends OfPrefix {
        @Option(
                names = "--ttl",
                paramLabel = "5m|1h|SECONDS",
                description = "for how long, at most a day [5m]")
        private Optional<String> ttl = Optional.empty();

        PinCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            var body = body();
            ttl.ifPresent(
                    text -> {
                        if (text.matches("[0-9]{1,9}")) {
                            body.put("ttl", Integer.parseInt(text));
                        } else {
                            body.put("ttl", text);
                        }
                    });
            var answer = post("pin", body);
            print(
                    "pinned %d blocks for %d s",
                    answer.path("pinned_blocks").asInt(), answer.path("ttl_seconds").asInt());
            return 0;
        }
    }

    /** Lets go of a prefix. */
    @Command(name = "unpin", description = "End a pin before its time.")
    static final class UnpinCommand extends OfPrefix {
        UnpinCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            post("unpin", body());
            print("unpinned");
            return 0;
        }
    }

    /** Removes a prefix. */
    @Command(
            name = "drop",
            description = {
                "Remove a block and all that follow it from the host tier.",
                "What a request reads now stays, and so does what workers and the disk tier hold."
            })
    static final class DropCommand extends OfPrefix {
        DropCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            print("dropped %d blocks", post("drop", body()).path("dropped_blocks").asInt());
            return 0;
        }
    }

    /** Checks the cache. */
    @Command(
            name = "verify",
            description =
                    "Check the host tier's tables against each other; it stands still meanwhile.")
    static final class VerifyCommand extends Asking {
        VerifyCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            var answer = post("verify", JsonNodeFactory.instance.objectNode());
            if (answer.path("ok").asBoolean()) {
                print("ok");
                return 0;
            }
            throw Refusal.failed(
                    "the host tier contradicts itself: %s; restart the server and report this"
                            .formatted(answer.path("wrong").asString()));
        }
    }
}
