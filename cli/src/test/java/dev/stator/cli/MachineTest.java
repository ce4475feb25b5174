package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MachineTest {
    @TempDir Path folder;
    private Path memory = Path.of("");

    @BeforeEach
    void writeMemory() throws IOException {
        memory = folder.resolve("meminfo");
        Files.writeString(
                memory,
                """
                MemTotal:        8388608 kB
                MemFree:          100000 kB
                MemAvailable:    4194304 kB
                """);
    }

    @Test
    void readsWhatLinuxSays() {
        assertThat(Machine.linux(memory, folder.resolve("none")))
                .contains(new Machine(1, 8L << 30, 4L << 30));
    }

    @Test
    void aContainersLimitCounts() throws IOException {
        Files.writeString(folder.resolve("memory.max"), "2147483648\n");
        Files.writeString(folder.resolve("memory.current"), "1073741824\n");

        assertThat(Machine.linux(memory, folder)).contains(new Machine(1, 2L << 30, 1L << 30));
    }

    @Test
    void aContainerWithoutLimitDoesNot() throws IOException {
        Files.writeString(folder.resolve("memory.max"), "max\n");

        assertThat(Machine.linux(memory, folder)).contains(new Machine(1, 8L << 30, 4L << 30));
    }

    @Test
    void otherSystemsAreLeftToTheJvm() {
        assertThat(Machine.linux(folder.resolve("none"), folder)).isEmpty();
        assertThat(Machine.read().memoryBytes()).isPositive();
    }
}
