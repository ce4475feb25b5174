package dev.stator.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** A benchmark: a subcommand of {@code bench/run}. */
abstract class Bench implements Callable<Integer> {
    /** The checkout; the script passes it. */
    static Path root() {
        var root = System.getProperty("stator.home");
        if (root == null) {
            throw new BenchException("start benchmarks with bench/run, which sets stator.home");
        }
        return Path.of(root);
    }

    Report report(String name, Bar bar, String parameters) {
        var report = new Report(System.out, name, bar);
        report.begin(Machine.here(root()), parameters);
        return report;
    }

    /** Memory that looks like a folder where there is such a thing. */
    static Path memoryFolder() {
        var shared = Path.of("/dev/shm");
        return Files.isDirectory(shared) && Files.isWritable(shared)
                ? shared
                : Path.of(System.getProperty("java.io.tmpdir"));
    }
}
