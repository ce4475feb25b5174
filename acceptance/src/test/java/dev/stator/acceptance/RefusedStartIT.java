package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be served is refused with a sentence, before a port is opened. */
final class RefusedStartIT {
    private static final int CORRUPTIONS = 4;
    private static final Path MODEL = StatorProcess.HOME.resolve("demo").resolve("model.gguf");

    /** A folder with all of the shipped libraries but for one, whose bytes are changed. */
    private static Path changedLibrary(Path folder, String name, String from, String to)
            throws IOException {
        boolean changed = false;
        for (var file : shippedLibraries()) {
            var fileName = file.getFileName().toString();
            if (fileName.matches("lib" + name + "(\\.v[0-9.]+)?\\.so")) {
                var text = Files.readString(file, StandardCharsets.ISO_8859_1);
                assertThat(text).contains(from);
                Files.writeString(
                        folder.resolve(fileName),
                        text.replace(from, to),
                        StandardCharsets.ISO_8859_1);
                changed = true;
            } else {
                Files.createSymbolicLink(folder.resolve(fileName), file);
            }
        }
        assertThat(changed).isTrue();
        return folder;
    }

    private static List<Path> shippedLibraries() throws IOException {
        var platform = "linux-" + (System.getProperty("os.arch").equals("amd64") ? "x64" : "arm64");
        try (var files = Files.walk(StatorProcess.HOME.resolve("natives").resolve(platform))) {
            return files.filter(file -> file.toString().endsWith(".so")).toList();
        }
    }

    private static void assertRefused(StatorProcess server, String... parts) {
        assertThat(server.exitCode()).as("%s", server.err()).isEqualTo(1);
        assertThat(server.out()).isEmpty();
        assertThat(server.err()).isNotEmpty().allMatch(line -> line.startsWith("stator: "));
        assertThat(server.err().getLast()).contains(parts);
    }

    private static StatorProcess up(Path libraries) {
        return StatorProcess.up(Map.of("STATOR_LLAMA_DIR", libraries.toString()));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aLibraryOfAnotherVersionIsRefused(@TempDir Path folder) throws Exception {
        try (var server = up(changedLibrary(folder, "llama", "\0000.5.0", "\0000.4.9"))) {
            assertRefused(server, "0.4.9", "v0.5.0", "STATOR_LLAMA_DIR");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aLibraryThatLacksAFunctionIsRefused(@TempDir Path folder) throws Exception {
        var name = "llama_memory_seq_cp\0";
        try (var server = up(changedLibrary(folder, "llama", name, name.replace("_cp", "_xy")))) {
            assertRefused(server, "no function llama_memory_seq_cp", "STATOR_LLAMA_DIR");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFolderThatLacksALibraryIsRefused(@TempDir Path folder) throws Exception {
        for (var file : shippedLibraries()) {
            if (!file.getFileName().toString().startsWith("libggml-base")) {
                Files.createSymbolicLink(folder.resolve(file.getFileName()), file);
            }
        }
        try (var server = up(folder)) {
            assertRefused(server, "ggml-base", folder.toString(), "STATOR_LLAMA_DIR");
        }
    }

    @Test
    void aModelWithABrokenHeadIsRefused(@TempDir Path folder) throws Exception {
        byte[] bytes = Files.readAllBytes(MODEL);
        // The number of tensors.
        bytes[8 + 6] = 0x7f;
        var file = Files.write(folder.resolve("tensors.gguf"), bytes);

        try (var server = StatorProcess.up("--model", file.toString())) {
            assertRefused(server, "tensors.gguf");
        }
    }

    /** A flipped byte may also hit a text that nobody minds: then the model is served. */
    @Test
    void aModelWithAnyBytesFlippedIsRefusedOrServed(@TempDir Path folder) throws Exception {
        for (int i = 0; i < CORRUPTIONS; i++) {
            byte[] bytes = Files.readAllBytes(MODEL);
            var random = new Random(i);
            for (int flip = 0; flip < 8; flip++) {
                // Most of the head; the weights begin behind it.
                bytes[4 + random.nextInt(60_000)] ^= (byte) (1 << random.nextInt(8));
            }
            var file = Files.write(folder.resolve("flipped-%d.gguf".formatted(i)), bytes);

            try (var server = StatorProcess.up("--model", file.toString())) {
                if (server.startsServing()) {
                    server.terminate();
                    assertThat(server.exitCode()).isZero();
                } else {
                    assertRefused(server, "flipped-%d".formatted(i));
                }
            }
        }
    }
}
