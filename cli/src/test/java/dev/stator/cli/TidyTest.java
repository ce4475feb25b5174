package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Rules over the sources themselves. */
final class TidyTest {
    private static final int MOST_LINES = 800;
    private static final int MOST_TEST_LINES = 1000;

    /** Split, so that this file does not break its own rule. */
    private static final Pattern UNFINISHED =
            Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b");

    private static List<Path> sources(String ending) throws IOException {
        var found = new ArrayList<Path>();
        try (var modules = Files.list(Path.of(".."))) {
            for (var sources :
                    modules.map(module -> module.resolve("src"))
                            .filter(Files::isDirectory)
                            .toList()) {
                try (var files = Files.walk(sources)) {
                    files.filter(file -> file.toString().endsWith(ending)).forEach(found::add);
                }
            }
        }
        return found;
    }

    private static boolean isMain(Path file) {
        return file.startsWith(Path.of("..", file.getName(1).toString(), "src", "main"));
    }

    @Test
    void nothingIsLeftForLater() throws IOException {
        var unfinished = new ArrayList<String>();
        for (var file : sources(".java")) {
            var lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (UNFINISHED.matcher(lines.get(i)).find()) {
                    unfinished.add("%s:%d %s".formatted(file, i + 1, lines.get(i).strip()));
                }
            }
        }
        assertThat(unfinished).isEmpty();
    }

    @Test
    void noFileIsTooLongToRead() throws IOException {
        var tooLong = new ArrayList<String>();
        for (var file : sources(".java")) {
            int lines = Files.readAllLines(file).size();
            if (lines > (isMain(file) ? MOST_LINES : MOST_TEST_LINES)) {
                tooLong.add("%s has %d lines".formatted(file, lines));
            }
        }
        assertThat(tooLong).isEmpty();
    }

    @Test
    void everyPackageSaysWhatItIs() throws IOException {
        var silent = new ArrayList<Path>();
        for (var file : sources(".java")) {
            var folder = file.resolveSibling("package-info.java");
            if (isMain(file)
                    && (!Files.exists(folder) || !Files.readString(folder).startsWith("/**"))) {
                silent.add(folder);
            }
        }
        assertThat(silent).isEmpty();
    }

    @Test
    void everySourceIsSeen() throws IOException {
        assertThat(sources(".java")).hasSizeGreaterThan(100);
    }
}
