package dev.stator.cache;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.Consumer;

/**
 * The tier's bytes: one private, sparse, memory-mapped file of equal slots, and behind them, slot
 * by slot, how many tokens each slot's block has, and their ids.
 *
 * <p>A store to a mapped page for which a full file system has no space kills the process. So each
 * slot is written through the file before its first use as memory; then the lack of space is an
 * {@link IOException}. That write does not go through a {@link FileChannel}, because interrupting a
 * thread in one closes the channel for all.
 *
 * <p>The owner holds the file's lock for as long as it lives. The lock tells a live file from a
 * left-over even where process numbers mean nothing, as between containers.
 */
final class SlotFile implements AutoCloseable {
    /** Gives a range of the file its space; tests let it fail. */
    interface Backing {
        void write(RandomAccessFile file, long position, long bytes) throws IOException;
    }

    private static final int ZEROS_BYTES = 1 << 16;

    private final Path path;
    private final RandomAccessFile file;
    private final Arena arena;
    private final MemorySegment mapping;
    private final long stride;
    private final long tokensStart;
    private final int tokensStride;
    private final Backing backing;

    private SlotFile(
            Path path,
            RandomAccessFile file,
            Arena arena,
            MemorySegment mapping,
            HostTierOptions options,
            Backing backing) {
        this.path = path;
        this.file = file;
        this.arena = arena;
        this.mapping = mapping;
        stride = options.stride();
        tokensStart = options.slots() * stride;
        tokensStride = tokensStride(options);
        this.backing = backing;
    }

    static SlotFile create(HostTierOptions options, Backing backing) {
        Path directory = options.directory();
        long bytes = options.slots() * (options.stride() + tokensStride(options));
        try {
            Files.createDirectories(directory);
            removeLeftOvers(directory, options.warnings());
            warnIfTooLarge(directory, bytes, options.warnings());
            Path path = directory.resolve(TierFileName.create().toString());
            Files.createFile(path, ownerOnly(directory));
            try {
                return map(path, bytes, options, backing);
            } catch (IOException | RuntimeException e) {
                Files.deleteIfExists(path);
                throw e;
            }
        } catch (IOException | UnsupportedOperationException e) {
            throw new CacheException(
                    "The host tier cannot use %s: %s. Name a directory on a local, writable file system."
                            .formatted(directory, e),
                    e);
        }
    }

    /** A number, and as many ids as a full block has. */
    private static int tokensStride(HostTierOptions options) {
        return Math.multiplyExact(Integer.BYTES, 1 + options.blockTokens());
    }

    /** Zeros written with plain file writes. */
    static Backing zeros() {
        byte[] zeros = new byte[ZEROS_BYTES];
        return (file, position, bytes) -> {
            file.seek(position);
            for (long left = bytes; left > 0; left -= zeros.length) {
                file.write(zeros, 0, (int) Math.min(left, zeros.length));
            }
        };
    }

    Path path() {
        return path;
    }

    MemorySegment mapping() {
        return mapping;
    }

    MemorySegment rows(int slot, int bytes) {
        return mapping.asSlice(slot * stride, bytes);
    }

    void setTokens(int slot, int[] tokens, int from, int to) {
        long at = tokensAt(slot);
        mapping.set(ValueLayout.JAVA_INT, at, to - from);
        MemorySegment.copy(
                tokens, from, mapping, ValueLayout.JAVA_INT, at + Integer.BYTES, to - from);
    }

    /** How many tokens the slot's block has. */
    int tokens(int slot) {
        return mapping.get(ValueLayout.JAVA_INT, tokensAt(slot));
    }

    int[] tokenIds(int slot) {
        int[] ids = new int[tokens(slot)];
        MemorySegment.copy(
                mapping, ValueLayout.JAVA_INT, tokensAt(slot) + Integer.BYTES, ids, 0, ids.length);
        return ids;
    }

    /** Whether the slot's block has exactly the tokens {@code all[from, to)}. */
    boolean holds(int slot, int[] all, int from, int to) {
        if (tokens(slot) != to - from) {
            return false;
        }
        long at = tokensAt(slot) + Integer.BYTES;
        long end = at + (long) Integer.BYTES * (to - from);
        return MemorySegment.mismatch(
                        mapping,
                        at,
                        end,
                        MemorySegment.ofArray(all),
                        (long) Integer.BYTES * from,
                        (long) Integer.BYTES * to)
                < 0;
    }

    private long tokensAt(int slot) {
        return tokensStart + (long) slot * tokensStride;
    }

    /**
     * Gets the slot its space on the file system.
     *
     * @throws IOException if there is none; the slot must not be touched then
     */
    synchronized void back(int slot) throws IOException {
        backing.write(file, slot * stride, stride);
        file.seek(tokensAt(slot));
        file.write(new byte[tokensStride]);
    }

    /** Removes the name while the bytes are still in use, where the platform can. */
    void unlink() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            path.toFile().deleteOnExit();
        }
    }

    @Override
    public void close() {
        arena.close();
        try {
            file.close();
        } catch (IOException e) {
            path.toFile().deleteOnExit();
        }
        unlink();
    }

    private static SlotFile map(Path path, long bytes, HostTierOptions options, Backing backing)
            throws IOException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        Arena arena = Arena.ofShared();
        try {
            if (file.getChannel().tryLock() == null) {
                throw new IOException("another process has locked the new file " + path);
            }
            file.setLength(bytes);
            MemorySegment mapping =
                    file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
            return new SlotFile(path, file, arena, mapping, options, backing);
        } catch (IOException | RuntimeException e) {
            arena.close();
            file.close();
            throw e;
        }
    }

    private static void removeLeftOvers(Path directory, Consumer<String> warnings)
            throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "stator-host-*")) {
            for (Path file : files) {
                boolean dead =
                        TierFileName.parse(file.getFileName().toString())
                                .filter(name -> !name.mayBeAlive())
                                .isPresent();
                if (dead) {
                    removeIfUnlocked(file, warnings);
                }
            }
        }
    }

    private static void removeIfUnlocked(Path path, Consumer<String> warnings) {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
                FileLock lock = file.getChannel().tryLock()) {
            if (lock != null) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | RuntimeException e) {
            warnings.accept(
                    "A cache file that a dead process left cannot be removed, delete it: %s (%s)"
                            .formatted(path, e));
        }
    }

    private static void warnIfTooLarge(Path directory, long bytes, Consumer<String> warnings)
            throws IOException {
        long free = Files.getFileStore(directory).getUsableSpace();
        if (free < bytes) {
            warnings.accept(
                    ("The host tier may grow to %d MiB but %s has only %d MiB free. It will stop growing"
                                    + " when the file system is full; lower its capacity or free space.")
                            .formatted(bytes >> 20, directory, free >> 20));
        }
    }

    private static FileAttribute<?>[] ownerOnly(Path directory) throws IOException {
        boolean posix = Files.getFileStore(directory).supportsFileAttributeView("posix");
        return posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
    }
}
