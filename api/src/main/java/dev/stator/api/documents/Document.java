package dev.stator.api.documents;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * A document as a client sent it.
 *
 * @param id by which the model can cite it, if the client gave one
 * @param title may be empty
 * @param source all that the client said of it, for templates that write documents themselves
 */
public record Document(Optional<String> id, String title, String text, Map<String, Object> source) {
    private static final int NAME_BYTES = 3;

    /**
     * One that the server is to know by its id.
     *
     * @param source what the client said of it
     */
    public static Document reference(String id, Map<String, Object> source) {
        return new Document(Optional.of(id), "", "", source);
    }

    /** Whether only its id is known. */
    public boolean isReference() {
        return text.isEmpty();
    }

    /** The same for the same id, title and text of one salt; else almost surely another. */
    long key(String salt) {
        byte[] digest = digest(salt);
        long key = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            key = key << 8 | digest[i] & 0xff;
        }
        return key;
    }

    /** A name that it has wherever it stands: its id, or one made of its text. */
    String name() {
        return id.orElseGet(() -> HexFormat.of().formatHex(digest(""), 0, NAME_BYTES));
    }

    private byte[] digest(String salt) {
        try {
            var sha = MessageDigest.getInstance("SHA-256");
            for (var part : new String[] {salt, id.orElse(""), title, text}) {
                sha.update(part.getBytes(StandardCharsets.UTF_8));
                sha.update((byte) 0);
            }
            return sha.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
