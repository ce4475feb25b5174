package dev.stator.engine.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A counter in a page that two processes map: one counts as long as it runs, the other looks. A
 * process that computes counts on, one that was stopped does not.
 */
final class Pulse {
    private static final VarHandle COUNT = JAVA_LONG.varHandle();

    private final MemorySegment page;

    private Pulse(MemorySegment page) {
        this.page = page;
    }

    /**
     * @param file made if it is not there; may be removed once both have mapped it
     */
    static Pulse map(Path file, Arena arena) throws IOException {
        try (var channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE)) {
            return new Pulse(
                    channel.map(FileChannel.MapMode.READ_WRITE, 0, JAVA_LONG.byteSize(), arena));
        }
    }

    void beat() {
        COUNT.getAndAdd(page, 0L, 1L);
    }

    long count() {
        return (long) COUNT.getVolatile(page, 0L);
    }
}
