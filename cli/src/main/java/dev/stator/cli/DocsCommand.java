package dev.stator.cli;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Stores documents in a running server, which prefills them ahead of any question. */
@Command(
        name = "docs",
        description =
                "Store documents in a running server, which prefills them ahead of any question.")
final class DocsCommand implements Callable<Integer> {
    private static final String PATH = "/v1/documents";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private DocsCommand() {}

    static CommandLine commandLine(Console console) {
        return new CommandLine(new DocsCommand())
                .addSubcommand(new AddCommand(console))
                .addSubcommand(new ListCommand(console))
                .addSubcommand(new RemoveCommand(console));
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Refusal.MISUSED;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Sends files. */
    @Command(
            name = "add",
            description = {
                "Store files, and wait until they are prefilled.",
                "Of a folder all files that are text in UTF-8; of a file *.jsonl each line, as POST /v1/documents takes it. A file's id is its path as it is given.",
                "Requests find it by its id, or with its text, fastest behind the same system prompt."
            })
    static final class AddCommand extends CacheCommand.Asking {
        private static final int BATCH = 64;
        private static final long BATCH_CHARACTERS = 4 << 20;
        private static final Duration POLL = Duration.ofMillis(250);

        @Parameters(arity = "1..*", paramLabel = "DIR|FILE", description = "what to store")
        private List<Path> places = List.of();

        @Option(
                names = "--system",
                paramLabel = "FILE",
                description = "the system prompt of the requests that are going to ask")
        private Optional<Path> system = Optional.empty();

        @Option(
                names = "--ttl",
                paramLabel = "DURATION",
                description = "delete them after so long, such as 90s, 30m or 12h [never]")
        private Optional<String> ttl = Optional.empty();

        @Option(names = "--pin", description = "keep their KV in the host tier, as far as pins may")
        private boolean pin;

        @Option(
                names = "--cache-salt",
                paramLabel = "SALT",
                description = "of the requests that are going to ask")
        private String salt = "";

        @Option(names = "--no-wait", description = "do not wait until they are prefilled")
        private boolean noWait;

        private final List<ObjectNode> batch = new ArrayList<>();
        private long batchCharacters;
        private int stored;
        private int refused;
        private long tokens;

        AddCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            var files = files();
            try (var client = client();
                    var progress = new CountLine(console)) {
                for (int i = 0; i < files.size(); i++) {
                    send(client, files.get(i));
                    progress.report("stored", i + 1, files.size());
                }
                flush(client);
                progress.close();
                print("stored %d documents of %d tokens", stored, tokens);
                if (!noWait && stored > 0) {
                    awaitPrefilled(client, progress);
                }
                return refused == 0 ? 0 : Refusal.FAILED;
            }
        }

        private List<Path> files() {
            var files = new ArrayList<Path>();
            for (var place : places) {
                if (Files.isDirectory(place)) {
                    try (var all = Files.walk(place)) {
                        all.filter(Files::isRegularFile)
                                .filter(Predicate.not(AddCommand::isHidden))
                                .sorted()
                                .forEach(files::add);
                    } catch (IOException e) {
                        throw Refusal.failed(
                                "cannot read the folder %s (%s)".formatted(place, Reason.of(e)));
                    }
                } else if (Files.isRegularFile(place)) {
                    files.add(place);
                } else {
                    throw Refusal.misused("there is no file or folder %s".formatted(place));
                }
            }
            return files;
        }

        private static boolean isHidden(Path file) {
            return file.getFileName().toString().startsWith(".");
        }

        private void send(AdminClient client, Path file) {
            if (file.getFileName().toString().endsWith(".jsonl")) {
                sendLines(client, file);
                return;
            }
            var text = text(file);
            if (text.isEmpty() || text.get().isBlank()) {
                console.note("%s is left out: it is no text".formatted(file));
                return;
            }
            add(
                    client,
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("id", id(file))
                            .put("title", file.getFileName().toString())
                            .put("text", text.get()));
        }

        private void sendLines(AdminClient client, Path file) {
            try (var lines = Files.newBufferedReader(file)) {
                int number = 0;
                for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                    number++;
                    if (line.isBlank()) {
                        continue;
                    }
                    if (!(AdminClient.parsed(line) instanceof ObjectNode object)) {
                        throw Refusal.failed(
                                "line %d of %s is no JSON object".formatted(number, file));
                    }
                    add(client, object);
                }
            } catch (IOException e) {
                throw Refusal.failed("cannot read %s (%s)".formatted(file, Reason.of(e)));
            }
        }

        /** Empty if it is none. */
        private static Optional<String> text(Path file) {
            try {
                var text = Files.readString(file);
                return text.indexOf('\0') < 0 ? Optional.of(text) : Optional.empty();
            } catch (CharacterCodingException _) {
                return Optional.empty();
            } catch (IOException e) {
                throw Refusal.failed("cannot read %s (%s)".formatted(file, Reason.of(e)));
            }
        }

        /** The server's ids are short and have no brackets. */
        private static String id(Path file) {
            var path = file.normalize().toString().replace('\\', '/').replaceAll("[\\[\\]]", "_");
            return path.length() <= 100
                    ? path
                    : "%08x…%s".formatted(path.hashCode(), path.substring(path.length() - 80));
        }

        private void add(AdminClient client, ObjectNode document) {
            system.map(this::systemPrompt).ifPresent(text -> document.put("system", text));
            ttl.map(AddCommand::seconds).ifPresent(end -> document.put("ttl_seconds", end));
            if (pin) {
                document.put("pin", true);
            }
            if (!salt.isEmpty()) {
                document.put("cache_salt", salt);
            }
            batch.add(document);
            batchCharacters += document.path("text").asString("").length();
            if (batch.size() >= BATCH || batchCharacters >= BATCH_CHARACTERS) {
                flush(client);
            }
        }

        private String systemPrompt(Path file) {
            return text(file)
                    .map(String::strip)
                    .orElseThrow(() -> Refusal.misused("%s is no text".formatted(file)));
        }

        private static long seconds(String text) {
            try {
                return Span.parse(text).toSeconds();
            } catch (IllegalArgumentException e) {
                throw Refusal.misused("--ttl: %s".formatted(e.getMessage()));
            }
        }

        /** One by one if one of them is refused, so that the others are not. */
        private void flush(AdminClient client) {
            if (batch.isEmpty()) {
                return;
            }
            var array = JsonNodeFactory.instance.arrayNode();
            batch.forEach(array::add);
            try {
                client.post(PATH, array).path("data").forEach(this::count);
            } catch (Refusal all) {
                for (var one : batch) {
                    try {
                        count(client.post(PATH, one));
                    } catch (Refusal e) {
                        refused++;
                        console.note(
                                "%s is refused: %s"
                                        .formatted(
                                                one.path("id").asString("a document"),
                                                e.getMessage()));
                    }
                }
            }
            batch.clear();
            batchCharacters = 0;
        }

        private void count(JsonNode document) {
            stored++;
            tokens += document.path("tokens").asLong();
        }

        private void awaitPrefilled(AdminClient client, CountLine progress) {
            var path = PATH + "?limit=1&cache_salt=" + encoded(salt);
            while (true) {
                var totals = client.get(path).path("totals");
                int waiting = totals.path("waiting").asInt();
                int all =
                        waiting + totals.path("prefilled").asInt() + totals.path("failed").asInt();
                progress.report("prefilled", all - waiting, all);
                if (waiting == 0) {
                    progress.close();
                    int failed = totals.path("failed").asInt();
                    print(
                            "prefilled%s",
                            failed == 0
                                    ? ""
                                    : ", but for %d; 'stator docs ls' says why".formatted(failed));
                    return;
                }
                try {
                    Thread.sleep(POLL);
                } catch (InterruptedException _) {
                    Thread.currentThread().interrupt();
                    throw Refusal.failed("interrupted; the server goes on prefilling");
                }
            }
        }
    }

    /** Shows what is stored. */
    @Command(name = "ls", description = "List the stored documents and how they fare.")
    static final class ListCommand extends CacheCommand.Asking {
        private static final int PAGE = 1_000;

        @Option(names = "--cache-salt", paramLabel = "SALT", description = "that they came with")
        private String salt = "";

        ListCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            print("%-10s %8s %-20s  %s", "STATE", "TOKENS", "EXPIRES", "ID");
            try (var client = client()) {
                var after = "";
                JsonNode page;
                do {
                    page =
                            client.get(
                                    "%s?limit=%d&cache_salt=%s%s"
                                            .formatted(PATH, PAGE, encoded(salt), after));
                    page.path("data").forEach(this::show);
                    after = "&after=" + encoded(page.path("last_id").asString(""));
                } while (page.path("has_more").asBoolean());
                var totals = page.path("totals");
                print(
                        "%d waiting, %d prefilled, %d failed; %d tokens, %s",
                        totals.path("waiting").asInt(),
                        totals.path("prefilled").asInt(),
                        totals.path("failed").asInt(),
                        totals.path("tokens").asLong(),
                        ByteSize.format(totals.path("bytes").asLong()));
                return 0;
            }
        }

        private void show(JsonNode document) {
            var expires = document.path("expires");
            var problem = document.path("problem").asString("");
            print(
                    "%-10s %8d %-20s  %s%s%s",
                    document.path("state").asString(),
                    document.path("tokens").asInt(),
                    expires.isNumber() ? Instant.ofEpochSecond(expires.asLong()) : "never",
                    document.path("id").asString(),
                    document.path("pin").asBoolean() ? " (pinned)" : "",
                    problem.isEmpty() ? "" : ": " + problem);
        }
    }

    /** Deletes documents. */
    @Command(
            name = "rm",
            description =
                    "Delete documents, and erase all blocks that were made of them from every tier of the node.")
    static final class RemoveCommand extends CacheCommand.Asking {
        @Parameters(arity = "1..*", paramLabel = "ID", description = "as 'stator docs ls' shows it")
        private List<String> ids = List.of();

        @Option(names = "--cache-salt", paramLabel = "SALT", description = "that they came with")
        private String salt = "";

        RemoveCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            int failed = 0;
            try (var client = client()) {
                for (var id : ids) {
                    try {
                        var answer =
                                client.delete(
                                        "%s/%s?cache_salt=%s"
                                                .formatted(PATH, encoded(id), encoded(salt)));
                        print(
                                answer.path("erased").asBoolean()
                                        ? "erased %s"
                                        : "deleted %s; what was made of it is still going",
                                id);
                    } catch (Refusal e) {
                        console.note(e.getMessage());
                        failed++;
                    }
                }
            }
            return failed == 0 ? 0 : Refusal.FAILED;
        }
    }
}
