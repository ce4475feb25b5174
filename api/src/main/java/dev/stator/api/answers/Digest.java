package dev.stator.api.answers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/** All 256 bits of SHA-256: two texts that nobody can find have the same. */
public record Digest(long a, long b, long c, long d) {
    /** Of a list of texts; where one ends and the next begins counts. */
    public static Digest of(List<String> texts) {
        try {
            var sha = MessageDigest.getInstance("SHA-256");
            for (var text : texts) {
                byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
                sha.update(bytes);
            }
            var its = ByteBuffer.wrap(sha.digest());
            return new Digest(its.getLong(), its.getLong(), its.getLong(), its.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static Digest of(String... texts) {
        return of(List.of(texts));
    }
}
