package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;

/**
 * A block as an authenticated, encrypted value. Big-endian:
 *
 * <pre>
 *  0  u32 magic   u16 version   u8 codec (0 raw, n lossless of n bytes a number, 128 + n Q8)   u8 0
 *  8  u32 bytes of the record
 * 12  u32 tokens  u32 payload bytes
 * 20  u32 position  u64 recompute microseconds
 * 32  fingerprint (16)
 * 48  key (16)
 * 64  parent (16)
 * 80  nonce (12)  u32 stored bytes: of the payload as it is written
 * 96  AES-256-GCM of the token ids (i32 each) and the stored payload, its tag (16)
 * </pre>
 *
 * What stands before the cipher text is authenticated with it. Nonces are random; a key is good for
 * 2^32 records, some hundred terabytes.
 */
final class RecordFormat {
    static final int VERSION = 1;
    static final int MAGIC = 0x534b5652;
    static final int HEADER_BYTES = 96;
    static final int NONCE_AT = 80;
    static final int NONCE_BYTES = 12;
    static final int TAG_BYTES = 16;

    private RecordFormat() {}

    static int recordBytes(int tokens, int storedBytes) {
        long bytes = HEADER_BYTES + (long) tokens * Integer.BYTES + storedBytes + TAG_BYTES;
        return Math.toIntExact(bytes);
    }

    static Cipher cipher() {
        try {
            return Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has AES-GCM", e);
        }
    }

    static void write(BlockKey key, ByteBuffer to) {
        to.putLong(key.high()).putLong(key.low());
    }

    static BlockKey readKey(ByteBuffer from) {
        return new BlockKey(from.getLong(), from.getLong());
    }
}
