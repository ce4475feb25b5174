package dev.stator.cache;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Names a block: 128 bits of SHA-256 over the parent's key and the block's token ids. Equal in
 * every process and after every restart; unguessable for whoever does not know the salt in the
 * root.
 */
public record BlockKey(long high, long low) {
    private static final byte ROOT = 0;
    private static final byte CHILD = 1;
    private static final int KEY_BYTES = 16;

    /**
     * The key that stands before the first block of a sequence. Parts are length-prefixed, so
     * {@code ("ab", "c")} and {@code ("a", "bc")} differ.
     *
     * @param parts all that decides whether KV may be shared: model fingerprint, KV type, RoPE
     *     parameters, adapter, tenant salt
     */
    public static BlockKey root(String... parts) {
        MessageDigest digest = sha256();
        digest.update(ROOT);
        for (String part : parts) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
            digest.update(bytes);
        }
        return truncated(digest);
    }

    /** The key of the block that follows this one and holds {@code tokens[from, to)}. */
    public BlockKey child(int[] tokens, int from, int to) {
        Objects.checkFromToIndex(from, to, tokens.length);
        return child(sha256(), tokens, from, to);
    }

    /**
     * The keys of all blocks of a sequence, first block first. The last block may be shorter; its
     * key then differs from the full block's.
     *
     * @param blockTokens tokens per block, at least 1
     */
    public static List<BlockKey> chain(BlockKey root, int[] tokens, int blockTokens) {
        if (blockTokens < 1) {
            throw new IllegalArgumentException("blockTokens must be at least 1, is " + blockTokens);
        }
        MessageDigest digest = sha256();
        List<BlockKey> keys = new ArrayList<>(Math.ceilDiv(tokens.length, blockTokens));
        BlockKey parent = root;
        for (int from = 0; from < tokens.length; from += blockTokens) {
            int to = Math.min(tokens.length, from + blockTokens);
            parent = parent.child(digest, tokens, from, to);
            keys.add(parent);
        }
        return List.copyOf(keys);
    }

    private BlockKey child(MessageDigest digest, int[] tokens, int from, int to) {
        ByteBuffer bytes = ByteBuffer.allocate(1 + KEY_BYTES + (to - from) * Integer.BYTES);
        bytes.put(CHILD).putLong(high).putLong(low);
        bytes.asIntBuffer().put(tokens, from, to - from);
        digest.update(bytes.array());
        return truncated(digest);
    }

    private static BlockKey truncated(MessageDigest digest) {
        ByteBuffer hash = ByteBuffer.wrap(digest.digest());
        return new BlockKey(hash.getLong(), hash.getLong());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Reads what {@link #toString} writes; empty if it is no key. */
    public static Optional<BlockKey> parse(String text) {
        return text.matches("[0-9a-f]{32}")
                ? Optional.of(
                        new BlockKey(
                                Long.parseUnsignedLong(text, 0, 16, 16),
                                Long.parseUnsignedLong(text, 16, 32, 16)))
                : Optional.empty();
    }

    /** 32 hexadecimal digits. */
    @Override
    public String toString() {
        return "%016x%016x".formatted(high, low);
    }
}
