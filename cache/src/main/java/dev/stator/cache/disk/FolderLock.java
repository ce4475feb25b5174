package dev.stator.cache.disk;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Keeps a folder for this process alone, as long as it lives and no longer. */
final class FolderLock implements AutoCloseable {
    static final String FILE = "lock";

    private final RandomAccessFile file;

    private FolderLock(RandomAccessFile file) {
        this.file = file;
    }

    /**
     * @throws CacheException if another one has the folder
     */
    static FolderLock take(Path folder) throws IOException {
        RandomAccessFile file = new RandomAccessFile(folder.resolve(FILE).toFile(), "rw");
        try {
            if (tryLock(file) == null) {
                throw new CacheException(
                        "The disk tier's folder %s is in use by another server: stop that one, or name another folder."
                                .formatted(folder));
            }
            return new FolderLock(file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(RandomAccessFile file) throws IOException {
        try {
            return file.getChannel().tryLock();
        } catch (OverlappingFileLockException _) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
