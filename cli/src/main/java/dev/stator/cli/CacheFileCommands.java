package dev.stator.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Carry prefixes from one server's cache to another's. */
final class CacheFileCommands {
    private static final String SAME_KEY =
            "Both servers must have the same --cache-key-file, model, kv-type and block-tokens.";

    private CacheFileCommands() {}

    /** Writes a file. */
    @Command(
            name = "export",
            description = {
                "Write a prefix of the host tier, from its first block on, to a file that another server can import.",
                SAME_KEY
            })
    static final class ExportCommand extends CacheCommand.Asking {
        @Parameters(
                index = "0",
                paramLabel = "KEY",
                description = "of the prefix, as 'stator cache ls' shows it")
        private String key = "";

        @Parameters(index = "1", paramLabel = "FILE", description = "to write; must not be there")
        private Path file = Path.of("");

        ExportCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            if (!key.matches("[0-9a-f]{32}")) {
                throw Refusal.misused(
                        "'%s' is no key of a prefix; 'stator cache ls' lists them".formatted(key));
            }
            if (Files.exists(file)) {
                throw exists();
            }
            try (var client = client()) {
                long bytes = client.download("/admin/cache/export?prefix=" + key, this::write);
                print("exported %s to %s", ByteSize.format(bytes), file);
                return 0;
            }
        }

        private long write(InputStream body) throws IOException {
            try (var out =
                    Files.newOutputStream(
                            file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                return body.transferTo(out);
            } catch (FileAlreadyExistsException _) {
                throw exists();
            } catch (IOException e) {
                Files.deleteIfExists(file);
                throw e;
            }
        }

        private Refusal exists() {
            return Refusal.failed("%s is there already: name another file".formatted(file));
        }
    }

    /** Reads a file. */
    @Command(
            name = "import",
            description = {
                "Read a prefix that another server exported into the host tier.",
                SAME_KEY,
                "Every block is checked before it is stored; the first that is not as it was written ends the import."
            })
    static final class ImportCommand extends CacheCommand.Asking {
        @Parameters(paramLabel = "FILE", description = "that 'stator cache export' wrote")
        private Path file = Path.of("");

        ImportCommand(Console console) {
            super(console);
        }

        @Override
        public Integer call() {
            try (var client = client()) {
                var answer = client.upload("/admin/cache/import", file);
                print(
                        "imported %d tokens in %d blocks: %d stored, %d already present, %d refused for lack of room",
                        answer.path("tokens").asInt(),
                        answer.path("blocks").asInt(),
                        answer.path("stored_blocks").asInt(),
                        answer.path("present_blocks").asInt(),
                        answer.path("refused_blocks").asInt());
                return 0;
            }
        }
    }
}
