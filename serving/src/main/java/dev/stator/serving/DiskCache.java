package dev.stator.serving;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Where a node keeps blocks across restarts.
 *
 * @param folders for this node alone; blocks are spread over them
 * @param keyFile holds the secret that the blocks are encrypted with; if empty, one is made in each
 *     folder
 * @param codec what blocks are written as
 */
public record DiskCache(List<Folder> folders, Optional<Path> keyFile, CacheCodec codec) {
    /**
     * @param bytes the most that the blocks may take there
     */
    public record Folder(Path path, long bytes) {}

    public DiskCache {
        folders = List.copyOf(folders);
    }

    /** Blocks as they are. */
    public DiskCache(List<Folder> folders, Optional<Path> keyFile) {
        this(folders, keyFile, CacheCodec.RAW);
    }

    public static DiskCache of(Path folder, long bytes) {
        return new DiskCache(List.of(new Folder(folder, bytes)), Optional.empty());
    }

    public DiskCache withCodec(CacheCodec other) {
        return new DiskCache(folders, keyFile, other);
    }

    /** Of all folders together. */
    public long bytes() {
        return folders.stream().mapToLong(Folder::bytes).sum();
    }
}
