package dev.stator.models;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.UUID;

/** Large files: room for them before they are begun, and what to say when it runs out. */
final class Disk {
    private static final int HASH_BUFFER_BYTES = 1 << 18;

    private Disk() {}

    /**
     * Makes an empty file in the target's folder, which is created if absent.
     *
     * @throws ModelFileException if there's no room for {@code bytes} or nothing may be written
     *     there
     */
    static Path beside(Path target, long bytes) {
        try {
            var folder = folder(target);
            if (Files.isDirectory(target)) {
                throw new ModelFileException(
                        "%s is a folder; name the file to write".formatted(target));
            }
            requireRoom(folder, bytes);
            return Files.createFile(
                    folder.resolve(
                            ".%s.%s.part".formatted(target.getFileName(), UUID.randomUUID())));
        } catch (IOException e) {
            throw failure("write", target, e);
        }
    }

    /** The folder of a file, made if absent. */
    static Path folder(Path file) throws IOException {
        var folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw new ModelFileException("%s does not name a file".formatted(file));
        }
        return Files.createDirectories(folder);
    }

    /**
     * @throws ModelFileException if the disk has less room than {@code bytes}
     */
    static void requireRoom(Path folder, long bytes) throws IOException {
        long usable = Files.getFileStore(folder).getUsableSpace();
        if (usable < bytes) {
            throw new ModelFileException(
                    "the disk of %s has %s left and %s more are needed: make room or name another folder"
                            .formatted(folder, ByteCount.text(usable), ByteCount.text(bytes)));
        }
    }

    static ModelFileException failure(String verb, Path file, IOException cause) {
        var reason =
                cause instanceof FileSystemException system && system.getReason() != null
                        ? system.getReason()
                        : String.valueOf(cause.getMessage());
        if (reason.contains("No space left") || reason.contains("Disk quota exceeded")) {
            return new ModelFileException(
                    "the disk is full: %s was not written. Make room or name another folder"
                            .formatted(file),
                    cause);
        }
        return new ModelFileException(
                "cannot %s %s: %s (%s)"
                        .formatted(verb, file, reason, cause.getClass().getSimpleName()),
                cause);
    }

    /** Gives a finished file its name, in one step. */
    static void publish(Path file, Path target) throws IOException {
        Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /** In lower-case hexadecimal. */
    static String sha256(Path file) throws IOException {
        var digest = newSha256();
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var buffer = ByteBuffer.allocate(HASH_BUFFER_BYTES);
            while (channel.read(buffer) >= 0) {
                digest.update(buffer.flip());
                buffer.clear();
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(newSha256().digest(bytes));
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Deletes a file if it is there; for clearing up after a failure that is reported already. */
    static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException _) {
            // It stays behind, named .part; the failure that led here matters more.
        }
    }
}
