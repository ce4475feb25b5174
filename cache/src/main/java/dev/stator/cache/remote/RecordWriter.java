package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.GCMParameterSpec;

/** Makes values of blocks; see {@link RecordFormat}. Not thread-safe. */
final class RecordWriter {
    /** Small enough that both copies of a chunk stay in a core's cache. */
    private static final int CHUNK_BYTES = 64 << 10;

    private final SharedKey key;
    private final BlockKey fingerprint;
    private final PayloadCodec codec;
    private final Cipher cipher = RecordFormat.cipher();
    private final SecureRandom random = new SecureRandom();
    private final byte[] nonce = new byte[RecordFormat.NONCE_BYTES];
    private final byte[] chunk = new byte[CHUNK_BYTES];
    private Optional<Lossless> lossless = Optional.empty();

    RecordWriter(SharedKey key, BlockKey fingerprint, PayloadCodec codec) {
        this.key = key;
        this.fingerprint = fingerprint;
        this.codec = codec;
    }

    /**
     * @param tokens as many as the block has
     * @param rows as many bytes as its payload
     */
    byte[] encode(RemoteBlock block, int[] tokens, MemorySegment rows) {
        if (codec instanceof PayloadCodec.Lossless(int elementBytes)) {
            if (lossless.isEmpty()) {
                lossless = Optional.of(new Lossless());
            }
            int stored = lossless.get().compress(rows, elementBytes);
            // What does not compress is better read as it is.
            if (stored < block.payloadBytes()) {
                MemorySegment compressed = MemorySegment.ofArray(lossless.get().compressed());
                return encode(block, tokens, compressed.asSlice(0, stored), elementBytes);
            }
        }
        return encode(block, tokens, rows, 0);
    }

    private byte[] encode(RemoteBlock block, int[] tokens, MemorySegment stored, int codecByte) {
        int bytes = Math.toIntExact(stored.byteSize());
        byte[] record = new byte[RecordFormat.recordBytes(tokens.length, bytes)];
        random.nextBytes(nonce);
        writeHeader(block, bytes, codecByte, ByteBuffer.wrap(record));
        try {
            cipher.init(
                    Cipher.ENCRYPT_MODE,
                    key.cipher(),
                    new GCMParameterSpec(RecordFormat.TAG_BYTES * 8, nonce));
            cipher.updateAAD(record, 0, RecordFormat.HEADER_BYTES);
            int at = RecordFormat.HEADER_BYTES;
            ByteBuffer ids = ByteBuffer.allocate(tokens.length * Integer.BYTES);
            ids.asIntBuffer().put(tokens);
            at += cipher.update(ids.array(), 0, ids.capacity(), record, at);
            at += encrypt(stored, record, at);
            cipher.doFinal(record, at);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to encrypt", e);
        }
        return record;
    }

    private int encrypt(MemorySegment stored, byte[] record, int start)
            throws ShortBufferException {
        MemorySegment staged = MemorySegment.ofArray(chunk);
        int at = start;
        for (long from = 0; from < stored.byteSize(); from += CHUNK_BYTES) {
            int bytes = (int) Math.min(CHUNK_BYTES, stored.byteSize() - from);
            MemorySegment.copy(stored, from, staged, 0, bytes);
            at += cipher.update(chunk, 0, bytes, record, at);
        }
        return at - start;
    }

    private void writeHeader(RemoteBlock block, int stored, int codecByte, ByteBuffer target) {
        target.putInt(RecordFormat.MAGIC).putShort((short) RecordFormat.VERSION);
        target.put((byte) codecByte).put((byte) 0);
        target.putInt(target.capacity());
        target.putInt(block.tokens()).putInt(block.payloadBytes());
        target.putInt(block.position()).putLong(block.recomputeMicros());
        RecordFormat.write(fingerprint, target);
        RecordFormat.write(block.key(), target);
        RecordFormat.write(block.parent(), target);
        target.put(nonce).putInt(stored);
    }
}
