package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;

/**
 * A prefix as a file: a header, then its blocks as {@linkplain RecordFormat records}, the first of
 * the sequence first. Big-endian:
 *
 * <pre>
 *  0  u32 magic   u16 version   u16 bytes of the model's name
 *  8  u32 most tokens of a block   u32 bytes of a token's rows
 * 16  u32 blocks  u32 0
 * 24  which key (16): says nothing about it
 * 40  fingerprint (16)
 * 56  root (16)
 * 72  key of the last block (16)
 * 88  nonce (12)  u32 0
 * 104 the model's name in UTF-8, the tag (16) of AES-256-GCM over all that stands before it
 * </pre>
 */
final class PrefixFormat {
    static final int MAGIC = 0x534b5650;
    static final int VERSION = 1;
    static final int FIXED_BYTES = 104;
    static final int MOST_NAME_BYTES = 255;

    private static final int NONCE_AT = 88;
    private static final BlockKey WHICH = BlockKey.root("which key");

    private PrefixFormat() {}

    /** What a file says of itself. */
    record Header(PrefixModel model, int blocks, byte[] which, BlockKey root, BlockKey last) {}

    static byte[] which(SharedKey key) {
        return HexFormat.of().parseHex(key.name(WHICH));
    }

    static byte[] write(Header header, SharedKey key) {
        byte[] name = header.model.name().getBytes(StandardCharsets.UTF_8);
        int nameBytes = Math.min(name.length, MOST_NAME_BYTES);
        ByteBuffer to = ByteBuffer.allocate(FIXED_BYTES + nameBytes + RecordFormat.TAG_BYTES);
        byte[] nonce = new byte[RecordFormat.NONCE_BYTES];
        new SecureRandom().nextBytes(nonce);
        to.putInt(MAGIC).putShort((short) VERSION).putShort((short) nameBytes);
        to.putInt(header.model.blockTokens()).putInt(header.model.bytesPerToken());
        to.putInt(header.blocks).putInt(0).put(header.which);
        RecordFormat.write(header.model.fingerprint(), to);
        RecordFormat.write(header.root, to);
        RecordFormat.write(header.last, to);
        to.put(nonce).putInt(0).put(name, 0, nameBytes);
        try {
            to.put(cipher(Cipher.ENCRYPT_MODE, key, to.array(), to.position()).doFinal());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to encrypt", e);
        }
        return to.array();
    }

    /**
     * @param bytes a whole header, not yet authenticated
     */
    static Header read(byte[] bytes) {
        ByteBuffer at = ByteBuffer.wrap(bytes).position(6);
        int nameBytes = Short.toUnsignedInt(at.getShort());
        int tokens = at.getInt();
        int perToken = at.getInt();
        int blocks = at.getInt();
        byte[] which = Arrays.copyOfRange(bytes, 24, 40);
        at.position(40);
        BlockKey fingerprint = RecordFormat.readKey(at);
        BlockKey root = RecordFormat.readKey(at);
        BlockKey last = RecordFormat.readKey(at);
        String name = new String(bytes, FIXED_BYTES, nameBytes, StandardCharsets.UTF_8);
        return new Header(
                new PrefixModel(name, fingerprint, tokens, perToken), blocks, which, root, last);
    }

    /** Whether a header is as it was written under this key. */
    static boolean isAuthentic(byte[] bytes, SharedKey key) {
        int tagAt = bytes.length - RecordFormat.TAG_BYTES;
        try {
            cipher(Cipher.DECRYPT_MODE, key, bytes, tagAt)
                    .doFinal(bytes, tagAt, RecordFormat.TAG_BYTES);
            return true;
        } catch (AEADBadTagException _) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to decrypt", e);
        }
    }

    private static Cipher cipher(int mode, SharedKey key, byte[] header, int authenticated)
            throws GeneralSecurityException {
        Cipher cipher = RecordFormat.cipher();
        cipher.init(
                mode,
                key.cipher(),
                new GCMParameterSpec(
                        RecordFormat.TAG_BYTES * 8, header, NONCE_AT, RecordFormat.NONCE_BYTES));
        cipher.updateAAD(header, 0, authenticated);
        return cipher;
    }
}
