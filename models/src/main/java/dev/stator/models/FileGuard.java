package dev.stator.models;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Keeps others, in this process and in others, from fetching the same file at once. The lock file
 * {@code NAME.lock} stays: to delete it would let two hold it.
 */
final class FileGuard implements AutoCloseable {
    private static final long POLL_MILLIS = 200;

    /** Called while another holds the guard. */
    interface Waiting {
        void tick() throws IOException;
    }

    private final FileChannel channel;

    private FileGuard(FileChannel channel) {
        this.channel = channel;
    }

    /** Waits until no one else holds the guard of the file, then holds it. */
    static FileGuard hold(Path file, Waiting waiting) throws IOException, InterruptedException {
        var channel =
                FileChannel.open(
                        file.resolveSibling(file.getFileName() + ".lock"),
                        StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE);
        boolean held = false;
        try {
            while (tryLock(channel) == null) {
                waiting.tick();
                Thread.sleep(POLL_MILLIS);
            }
            held = true;
            return new FileGuard(channel);
        } finally {
            if (!held) {
                channel.close();
            }
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException _) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
