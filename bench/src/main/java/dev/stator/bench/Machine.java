package dev.stator.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where a benchmark ran and what it measured.
 *
 * @param hardware processor, cores and memory
 * @param commit the checkout's, with {@code +} if files differ from it
 */
record Machine(String hardware, String commit) {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

    static Machine here(Path root) {
        var system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        var hardware =
                String.format(
                        Locale.ROOT,
                        "%s, %d cores, %.0f GiB, %s %s %s, Java %s, load %.1f",
                        cpu().orElse("unknown CPU"),
                        Runtime.getRuntime().availableProcessors(),
                        system.getTotalMemorySize() / (double) (1L << 30),
                        System.getProperty("os.name"),
                        System.getProperty("os.version"),
                        System.getProperty("os.arch"),
                        Runtime.version(),
                        system.getSystemLoadAverage());
        return new Machine(hardware, commit(root));
    }

    private static Optional<String> cpu() {
        if (Files.isReadable(CPU_INFO)) {
            try (var lines = Files.lines(CPU_INFO)) {
                return lines.filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst();
            } catch (IOException e) {
                return Optional.empty();
            }
        }
        return output(Path.of("."), "sysctl", "-n", "machdep.cpu.brand_string");
    }

    private static String commit(Path root) {
        var changed = output(root, "git", "status", "--porcelain").filter(text -> !text.isEmpty());
        return output(root, "git", "rev-parse", "--short=12", "HEAD")
                .map(commit -> commit + (changed.isPresent() ? "+" : ""))
                .orElse("unknown");
    }

    /** What a command prints; empty if it cannot be run or fails. */
    private static Optional<String> output(Path folder, String... command) {
        try {
            var process =
                    new ProcessBuilder(List.of(command))
                            .directory(folder.toFile())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            process.getOutputStream().close();
            var text =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                            .strip();
            return process.waitFor() == 0 ? Optional.of(text) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
