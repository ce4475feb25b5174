package dev.stator.cache.disk;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.function.Consumer;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secret that blocks are encrypted and authenticated with.
 *
 * @param id tells blocks under one key from those under another; says nothing about the key
 */
record NodeKey(SecretKey secret, long id) {
    static final String FILE = "key";
    private static final int LEAST_BYTES = 32;

    /**
     * Reads the configured file, or the folder's own, which is made if it is not there.
     *
     * @throws CacheException if the configured file holds no key
     */
    static NodeKey load(Path folder, Optional<Path> configured, Consumer<String> warnings)
            throws IOException {
        if (configured.isPresent()) {
            return of(readConfigured(configured.get()));
        }
        Path file = folder.resolve(FILE);
        if (Files.exists(file)) {
            byte[] found = Files.readAllBytes(file);
            if (found.length >= LEAST_BYTES) {
                return of(found);
            }
            warnings.accept(
                    "%s holds no key: a new one is made, what the folder holds cannot be read any more"
                            .formatted(file));
        }
        byte[] fresh = new byte[LEAST_BYTES];
        new SecureRandom().nextBytes(fresh);
        write(file, fresh);
        return of(fresh);
    }

    static NodeKey of(byte[] seed) {
        byte[] key = sha256("stator disk tier key", seed);
        long id = ByteBuffer.wrap(sha256("stator disk tier key id", key)).getLong();
        return new NodeKey(new SecretKeySpec(key, "AES"), id);
    }

    private static byte[] readConfigured(Path file) {
        byte[] found;
        try {
            found = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new CacheException(
                    "The disk tier's key file %s cannot be read: %s".formatted(file, e), e);
        }
        if (found.length < LEAST_BYTES) {
            throw new CacheException(
                    "The disk tier's key file %s has %d bytes, but a key needs at least %d random ones: head -c %d /dev/urandom > %s"
                            .formatted(file, found.length, LEAST_BYTES, LEAST_BYTES, file));
        }
        return found;
    }

    /** The file is there with all its bytes, or not at all. */
    private static void write(Path file, byte[] bytes) throws IOException {
        Path temporary = file.resolveSibling(FILE + ".tmp");
        Files.deleteIfExists(temporary);
        if (Files.getFileStore(file.getParent()).supportsFileAttributeView("posix")) {
            Files.createFile(
                    temporary,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
        }
        Files.write(temporary, bytes);
        Files.move(
                temporary,
                file,
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    private static byte[] sha256(String purpose, byte[] bytes) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(purpose.getBytes(StandardCharsets.UTF_8));
            return digest.digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Does not show the secret. */
    @Override
    public String toString() {
        return "key %016x".formatted(id);
    }
}
