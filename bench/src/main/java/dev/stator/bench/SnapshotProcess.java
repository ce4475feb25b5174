package dev.stator.bench;

import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A new router of the benchmark {@code index}: {@code FILE MAX_BYTES}; prints how long it took. */
final class SnapshotProcess {
    private SnapshotProcess() {}

    public static void main(String[] arguments) throws IOException {
        var options = new IndexOptions(Long.parseLong(arguments[1]));
        long start = System.nanoTime();
        try (var in = new BufferedInputStream(Files.newInputStream(Path.of(arguments[0])))) {
            var index = BlockIndex.read(in, options);
            long nanos = System.nanoTime() - start;
            System.out.println("loaded " + nanos + " " + index.stats().blocks());
        }
    }
}
