package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.codec.PayloadCoder;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.function.IntFunction;
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
    private final PayloadCoder coder = new PayloadCoder();

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
        return encode(block, tokens, rows, byte[]::new);
    }

    /**
     * @param arrays gives one of the size that it is asked for, whatever it holds
     */
    byte[] encode(RemoteBlock block, int[] tokens, MemorySegment rows, IntFunction<byte[]> arrays) {
        PayloadCoder.Encoded stored = coder.encode(codec, rows);
        return encode(block, tokens, stored, arrays);
    }

    private byte[] encode(
            RemoteBlock block,
            int[] tokens,
            PayloadCoder.Encoded stored,
            IntFunction<byte[]> arrays) {
        int bytes = Math.toIntExact(stored.bytes().byteSize());
        byte[] record = arrays.apply(RecordFormat.recordBytes(tokens.length, bytes));
        random.nextBytes(nonce);
        writeHeader(block, bytes, stored.codec(), ByteBuffer.wrap(record));
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
            at += encrypt(stored.bytes(), record, at);
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

    private void writeHeader(RemoteBlock block, int stored, PayloadCodec as, ByteBuffer target) {
        target.putInt(RecordFormat.MAGIC).putShort((short) RecordFormat.VERSION);
        target.put((byte) as.code()).put((byte) 0);
        target.putInt(target.capacity());
        target.putInt(block.tokens()).putInt(block.payloadBytes());
        target.putInt(block.position()).putLong(block.recomputeMicros());
        RecordFormat.write(fingerprint, target);
        RecordFormat.write(block.key(), target);
        RecordFormat.write(block.parent(), target);
        target.put(nonce).putInt(stored);
    }
}
