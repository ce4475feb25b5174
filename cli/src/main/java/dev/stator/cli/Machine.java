package dev.stator.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * What this process may use of the machine.
 *
 * @param cores hardware threads, less if a container limits them
 * @param memoryBytes all memory, less if a container limits it
 * @param freeBytes what can be had without swapping
 */
record Machine(int cores, long memoryBytes, long freeBytes) {
    private static final Pattern KIB = Pattern.compile("(MemTotal|MemAvailable):\\s+(\\d+) kB");

    static Machine read() {
        int cores = Runtime.getRuntime().availableProcessors();
        return linux(Path.of("/proc/meminfo"), Path.of("/sys/fs/cgroup"))
                .map(memory -> new Machine(cores, memory.memoryBytes, memory.freeBytes))
                .orElseGet(() -> portable(cores));
    }

    /**
     * @param cgroup the folder of a version 2 control group; other layouts are not looked at
     */
    static Optional<Machine> linux(Path memory, Path cgroup) {
        if (!Files.isReadable(memory)) {
            return Optional.empty();
        }
        try {
            long total = Long.MAX_VALUE;
            long free = Long.MAX_VALUE;
            var matcher = KIB.matcher(Files.readString(memory));
            while (matcher.find()) {
                long bytes = Long.parseLong(matcher.group(2)) << 10;
                if (matcher.group(1).equals("MemTotal")) {
                    total = bytes;
                } else {
                    free = bytes;
                }
            }
            var limit = number(cgroup.resolve("memory.max"));
            if (limit.isPresent()) {
                long used = number(cgroup.resolve("memory.current")).orElse(0);
                total = Math.min(total, limit.getAsLong());
                free = Math.min(free, Math.max(0, limit.getAsLong() - used));
            }
            return total == Long.MAX_VALUE
                    ? Optional.empty()
                    : Optional.of(new Machine(1, total, Math.min(free, total)));
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private static OptionalLong number(Path file) throws IOException {
        if (!Files.isReadable(file)) {
            return OptionalLong.empty();
        }
        var text = Files.readString(file).strip();
        return text.chars().allMatch(Character::isDigit) && !text.isEmpty()
                ? OptionalLong.of(Long.parseLong(text))
                : OptionalLong.empty();
    }

    private static Machine portable(int cores) {
        if (ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean system) {
            long total = system.getTotalMemorySize();
            // macOS counts pages that it would give back as used, so half of all is a fair guess.
            return new Machine(cores, total, Math.max(system.getFreeMemorySize(), total / 2));
        }
        long heap = Runtime.getRuntime().maxMemory();
        return new Machine(cores, heap, heap);
    }
}
