package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JournalTest {
    private static final NodeKey KEY = NodeKey.of(new byte[32]);

    @TempDir Path folder;

    private Path file() {
        return folder.resolve("names");
    }

    private Journal open(NodeKey key) {
        return Journal.open(
                file(),
                key,
                warning -> {
                    throw new AssertionError(warning);
                });
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private List<String> read(NodeKey key) {
        try (var journal = open(key)) {
            return journal.read().stream()
                    .map(entry -> new String(entry, StandardCharsets.UTF_8))
                    .toList();
        }
    }

    private void append(String... entries) {
        try (var journal = open(KEY)) {
            journal.read();
            for (var entry : entries) {
                journal.append(bytes(entry));
            }
        }
    }

    @Test
    void whatWasAppendedIsReadByLaterLivesInItsOrder() {
        assertThat(read(KEY)).isEmpty();
        append("one", "", "two");
        append("three");

        assertThat(read(KEY)).containsExactly("one", "", "two", "three");
    }

    @Test
    void whatWasTornOffIsCutOffAndGoneOnWith() throws IOException {
        append("one", "two", "three");
        byte[] whole = Files.readAllBytes(file());
        for (int cut = 1; cut < whole.length; cut++) {
            byte[] torn = Arrays.copyOf(whole, whole.length - cut);
            Files.write(file(), torn);
            var before = new ArrayList<>(read(KEY));
            assertThat(List.of("one", "two", "three").subList(0, before.size())).isEqualTo(before);
            append("more");
            before.add("more");
            assertThat(read(KEY)).isEqualTo(before);
        }
    }

    @Test
    void whatIsAlteredOrMovedOrUnderAnotherKeyIsNotRead() throws IOException {
        append("one", "two");
        byte[] whole = Files.readAllBytes(file());
        byte[] altered = whole.clone();
        altered[20] ^= 1;
        Files.write(file(), altered);
        assertThat(read(KEY)).isEmpty();

        // Entries of the same length, the other way round.
        int half = whole.length / 2;
        byte[] swapped = new byte[whole.length];
        System.arraycopy(whole, half, swapped, 0, half);
        System.arraycopy(whole, 0, swapped, half, half);
        Files.write(file(), swapped);
        assertThat(read(KEY)).isEmpty();

        Files.write(file(), whole);
        assertThat(read(NodeKey.of(new byte[33]))).isEmpty();
    }

    @Test
    void theTextIsNotInTheFile() throws IOException {
        append("a secret of some length");

        assertThat(new String(Files.readAllBytes(file()), StandardCharsets.ISO_8859_1))
                .doesNotContain("secret");
    }

    @Test
    void whatIsRewrittenStandsAlone() {
        append("one", "two");
        try (var journal = open(KEY)) {
            journal.read();
            journal.rewrite(List.of(bytes("two")));
            journal.append(bytes("three"));
        }
        assertThat(read(KEY)).containsExactly("two", "three");
    }
}
