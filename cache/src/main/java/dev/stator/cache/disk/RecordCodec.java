package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Optional;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;

/**
 * Blocks as authenticated, encrypted records. Not thread-safe.
 *
 * <p>Big-endian; a record begins and ends at a page, so that it can be read and written past the
 * page cache:
 *
 * <pre>
 *  0  u32 magic        u16 version   u16 0
 *  8  u32 bytes of the record, padding included
 * 12  u32 tokens       u32 payload bytes
 * 20  u32 position     u64 recompute microseconds
 * 32  fingerprint (16)
 * 48  key (16)
 * 64  parent (16)
 * 80  nonce (12)       u32 0
 * 96  AES-256-GCM of the token ids (i32 each) and the payload, its tag (16), zeros
 * </pre>
 *
 * What stands before the cipher text is authenticated with it. Records do not depend on where they
 * lie, so they can be moved as they are. Nonces are random; a key is good for 2^32 records, some
 * hundred terabytes.
 */
final class RecordCodec {
    static final int PAGE = 4096;
    static final int VERSION = 1;
    static final int BLOCK_MAGIC = 0x534b5642;

    /** A record whose payload is the index of its segment. */
    static final int INDEX_MAGIC = 0x534b5658;

    private static final int HEADER_BYTES = 96;
    private static final int NONCE_AT = 80;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;

    /** Small enough that both copies of a chunk stay in a core's cache. */
    private static final int CHUNK_BYTES = 64 << 10;

    /** What a page says it begins, not yet authenticated. */
    record Header(int magic, int recordBytes, DiskBlock block) {}

    private final BlockKey fingerprint;
    private final Cipher cipher;
    private final SecureRandom random = new SecureRandom();
    private final byte[] nonce = new byte[NONCE_BYTES];
    private final byte[] chunk = new byte[CHUNK_BYTES];
    private final byte[] encrypted = new byte[CHUNK_BYTES + 2 * TAG_BYTES];

    RecordCodec(BlockKey fingerprint) {
        this.fingerprint = fingerprint;
        try {
            cipher = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has AES-GCM", e);
        }
    }

    static int recordBytes(int tokens, int payloadBytes) {
        long bytes = HEADER_BYTES + (long) tokens * Integer.BYTES + payloadBytes + TAG_BYTES;
        return Math.toIntExact(Math.ceilDiv(bytes, PAGE) * PAGE);
    }

    static BlockKey readKey(ByteBuffer from) {
        return new BlockKey(from.getLong(), from.getLong());
    }

    static void writeKey(BlockKey key, ByteBuffer to) {
        to.putLong(key.high()).putLong(key.low());
    }

    /** Writes a record at the target's position, and moves that behind it. */
    void encode(
            NodeKey key,
            int magic,
            DiskBlock block,
            int[] tokens,
            MemorySegment rows,
            ByteBuffer target) {
        int start = target.position();
        int end = start + block.recordBytes();
        random.nextBytes(nonce);
        writeHeader(magic, block, target);
        try {
            cipher.init(
                    Cipher.ENCRYPT_MODE, key.secret(), new GCMParameterSpec(TAG_BYTES * 8, nonce));
            cipher.updateAAD(target.duplicate().position(start).limit(start + HEADER_BYTES));
            encrypt(tokens, target);
            encrypt(rows, target);
            target.put(encrypted, 0, cipher.doFinal(encrypted, 0));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to encrypt", e);
        }
        while (target.position() < end) {
            target.put((byte) 0);
        }
    }

    private void writeHeader(int magic, DiskBlock block, ByteBuffer target) {
        target.putInt(magic).putShort((short) VERSION).putShort((short) 0);
        target.putInt(block.recordBytes());
        target.putInt(block.tokens()).putInt(block.payloadBytes());
        target.putInt(block.position()).putLong(block.recomputeMicros());
        writeKey(fingerprint, target);
        writeKey(block.key(), target);
        writeKey(block.parent(), target);
        target.put(nonce).putInt(0);
    }

    private void encrypt(int[] tokens, ByteBuffer target) throws GeneralSecurityException {
        ByteBuffer plain = ByteBuffer.allocate(tokens.length * Integer.BYTES);
        plain.asIntBuffer().put(tokens);
        byte[] result = cipher.update(plain.array());
        if (result != null) {
            target.put(result);
        }
    }

    private void encrypt(MemorySegment rows, ByteBuffer target) throws GeneralSecurityException {
        MemorySegment staged = MemorySegment.ofArray(chunk);
        for (long at = 0; at < rows.byteSize(); at += CHUNK_BYTES) {
            int bytes = (int) Math.min(CHUNK_BYTES, rows.byteSize() - at);
            MemorySegment.copy(rows, at, staged, 0, bytes);
            target.put(encrypted, 0, cipher.update(chunk, 0, bytes, encrypted, 0));
        }
    }

    /**
     * What record may begin at the buffer's position, if its sizes make sense.
     *
     * @param most bytes that the record can have at most
     */
    Optional<Header> header(ByteBuffer page, long most) {
        ByteBuffer at = page.duplicate();
        int magic = at.getInt();
        int version = at.getShort();
        if ((magic != BLOCK_MAGIC && magic != INDEX_MAGIC) || version != VERSION) {
            return Optional.empty();
        }
        at.getShort();
        int recordBytes = at.getInt();
        int tokens = at.getInt();
        int payloadBytes = at.getInt();
        int position = at.getInt();
        long micros = at.getLong();
        boolean mine = readKey(at).equals(fingerprint);
        BlockKey own = readKey(at);
        BlockKey parent = readKey(at);
        if (!mine || recordBytes < PAGE || recordBytes > most || tokens < 0 || payloadBytes < 1) {
            return Optional.empty();
        }
        long needed = HEADER_BYTES + (long) tokens * Integer.BYTES + payloadBytes + TAG_BYTES;
        if (position < 0 || micros < 0 || Math.ceilDiv(needed, PAGE) * PAGE != recordBytes) {
            return Optional.empty();
        }
        return Optional.of(
                new Header(
                        magic,
                        recordBytes,
                        new DiskBlock(own, parent, position, tokens, payloadBytes, micros)));
    }

    /**
     * Decrypts a record at the buffer's position into {@code plain}: its token ids, then its
     * payload. Whatever {@code plain} holds afterwards is to be forgotten if the result is false.
     *
     * @param cipherText scratch; both arrays must have room for the record
     * @return whether the record is what was written under this key
     */
    boolean decode(NodeKey key, Header header, ByteBuffer record, byte[] cipherText, byte[] plain) {
        DiskBlock block = header.block();
        int start = record.position();
        int bytes = block.tokens() * Integer.BYTES + block.payloadBytes() + TAG_BYTES;
        record.get(start + NONCE_AT, nonce);
        record.get(start + HEADER_BYTES, cipherText, 0, bytes);
        try {
            cipher.init(
                    Cipher.DECRYPT_MODE, key.secret(), new GCMParameterSpec(TAG_BYTES * 8, nonce));
            cipher.updateAAD(record.duplicate().limit(start + HEADER_BYTES));
            cipher.doFinal(cipherText, 0, bytes, plain, 0);
            return true;
        } catch (AEADBadTagException _) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to decrypt", e);
        }
    }
}
