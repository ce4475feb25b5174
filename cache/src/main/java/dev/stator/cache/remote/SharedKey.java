package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secret that all nodes of one remote tier have in common: values are encrypted with a key that
 * is derived from it, names are made with another. So whoever reads the store learns neither KV nor
 * whether somebody asked a prompt that he guesses.
 *
 * @param cipher for values
 * @param naming for names
 */
public record SharedKey(SecretKey cipher, SecretKey naming) {
    private static final int LEAST_BYTES = 32;
    private static final int NAME_BYTES = 16;
    private static final String MAC = "HmacSHA256";

    /**
     * Reads the secret's file.
     *
     * @throws CacheException if it holds no secret; says how to make one
     */
    public static SharedKey read(Path file) {
        return read(file, "The remote cache's key file");
    }

    /**
     * Reads the secret's file.
     *
     * @param what it is called in errors, the first word capitalised
     * @throws CacheException if it holds no secret; says how to make one
     */
    public static SharedKey read(Path file, String what) {
        byte[] found;
        try {
            found = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new CacheException(
                    "%s %s cannot be read (%s). %s".formatted(what, file, e, howToMake(file)), e);
        }
        if (found.length < LEAST_BYTES) {
            throw new CacheException(
                    "%s %s has %d bytes, but a key needs at least %d random ones. %s"
                            .formatted(what, file, found.length, LEAST_BYTES, howToMake(file)));
        }
        return of(found);
    }

    private static String howToMake(Path file) {
        return "Make one with: head -c %d /dev/urandom > %s && chmod 600 %s; then copy it to every server that shares what it encrypts."
                .formatted(LEAST_BYTES, file, file);
    }

    /** From random bytes, at least 32. */
    public static SharedKey of(byte[] seed) {
        return new SharedKey(
                new SecretKeySpec(mac(seed, "stator remote tier values"), "AES"),
                new SecretKeySpec(mac(seed, "stator remote tier names"), MAC));
    }

    private static byte[] mac(byte[] key, String purpose) {
        Mac mac = mac(new SecretKeySpec(key, MAC));
        return mac.doFinal(purpose.getBytes(StandardCharsets.UTF_8));
    }

    private static Mac mac(SecretKey key) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(key);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + MAC, e);
        }
    }

    /** What a block is called in the store; 32 hexadecimal digits. */
    String name(BlockKey key) {
        byte[] whole =
                mac(naming)
                        .doFinal(
                                ByteBuffer.allocate(2 * Long.BYTES)
                                        .putLong(key.high())
                                        .putLong(key.low())
                                        .array());
        return HexFormat.of().formatHex(whole, 0, NAME_BYTES);
    }

    /** Does not show the secret. */
    @Override
    public String toString() {
        return "shared key";
    }
}
