package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.codec.PayloadCoder;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Optional;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;

/**
 * Checks values, and makes payloads of them; see {@link RecordFormat}. Nothing of a value is looked
 * into by a decoder, or handed out, before its sizes make sense and its tag is right. Not
 * thread-safe.
 */
final class RecordReader {
    private static final int WARM_UP_BYTES = 64 << 10;
    private static final int WARM_UP_ROUNDS = 64;

    private final SharedKey key;
    private final BlockKey fingerprint;
    private final boolean lossy;
    private final Cipher cipher = RecordFormat.cipher();
    private final byte[] nonce = new byte[RecordFormat.NONCE_BYTES];
    private byte[] plain = {};
    private final PayloadCoder coder = new PayloadCoder();
    private Optional<Header> authentic = Optional.empty();
    private boolean restored;
    private long recomputeMicros;

    /** A header whose sizes make sense, not yet authenticated. */
    private record Header(
            PayloadCodec codec,
            int tokens,
            int payloadBytes,
            int position,
            long recomputeMicros,
            BlockKey key,
            BlockKey parent,
            int storedBytes) {}

    /** Takes what was written without loss only. */
    RecordReader(SharedKey key, BlockKey fingerprint) {
        this(key, fingerprint, false);
    }

    /**
     * @param lossy whether to take what is not as it was computed, too; else that is foreign
     */
    RecordReader(SharedKey key, BlockKey fingerprint, boolean lossy) {
        this.key = key;
        this.fingerprint = fingerprint;
        this.lossy = lossy;
    }

    /**
     * Checks that a value is a block as it was written. Only if it is {@link Verdict#INTACT} its
     * payload can be had, until the next call.
     *
     * @param parent of the block that was asked for
     * @param from where it begins in its sequence {@code tokens}
     * @param payloadSize bytes that its rows must have
     */
    Verdict open(
            byte[] value,
            BlockKey wanted,
            BlockKey parent,
            int[] tokens,
            int from,
            int to,
            int payloadSize) {
        Verdict verdict = authenticate(value);
        if (verdict != Verdict.INTACT) {
            return verdict;
        }
        Header header = authentic.orElseThrow();
        if (!header.key.equals(wanted)
                || !header.parent.equals(parent)
                || header.position != from
                || header.payloadBytes != payloadSize
                || !holds(header.tokens, tokens, from, to)) {
            return Verdict.COLLISION;
        }
        return restore(header) ? Verdict.INTACT : Verdict.CORRUPT;
    }

    /**
     * Checks that a value is a block as it was written, and the one that follows {@code parent} in
     * some sequence: which one its token ids say, whose key it must have. Only if it is {@link
     * Verdict#INTACT} these and its payload can be had, until the next call.
     *
     * @param from where it must begin in its sequence
     * @param mostTokens that it may hold
     * @param bytesPerToken that its rows must have
     */
    Verdict openNext(byte[] value, BlockKey parent, int from, int mostTokens, int bytesPerToken) {
        Verdict verdict = authenticate(value);
        if (verdict != Verdict.INTACT) {
            return verdict;
        }
        Header header = authentic.orElseThrow();
        if (!header.parent.equals(parent)
                || header.position != from
                || header.tokens > mostTokens
                || header.payloadBytes != (long) header.tokens * bytesPerToken
                || !parent.child(tokenIds(), 0, header.tokens).equals(header.key)) {
            return Verdict.COLLISION;
        }
        return restore(header) ? Verdict.INTACT : Verdict.CORRUPT;
    }

    private Verdict authenticate(byte[] value) {
        restored = false;
        authentic = Optional.empty();
        if (value.length < RecordFormat.HEADER_BYTES + RecordFormat.TAG_BYTES) {
            return Verdict.CORRUPT;
        }
        ByteBuffer at = ByteBuffer.wrap(value);
        if (at.getInt() != RecordFormat.MAGIC) {
            return Verdict.CORRUPT;
        }
        if (at.getShort() != RecordFormat.VERSION
                || !RecordFormat.readKey(at.duplicate().position(32)).equals(fingerprint)) {
            return Verdict.FOREIGN;
        }
        Optional<PayloadCodec> codec = PayloadCodec.of(Byte.toUnsignedInt(at.get()));
        if (codec.isEmpty() || (codec.get().isLossy() && !lossy)) {
            return Verdict.FOREIGN;
        }
        Header header = header(codec.get(), at);
        if (!isConsistent(header, value.length, at.getInt(8)) || !decrypt(header, value)) {
            return Verdict.CORRUPT;
        }
        authentic = Optional.of(header);
        return Verdict.INTACT;
    }

    private static Header header(PayloadCodec codec, ByteBuffer at) {
        at.position(12);
        int tokens = at.getInt();
        int payloadSize = at.getInt();
        int position = at.getInt();
        long micros = at.getLong();
        at.position(48);
        BlockKey own = RecordFormat.readKey(at);
        BlockKey above = RecordFormat.readKey(at);
        at.position(RecordFormat.NONCE_AT + RecordFormat.NONCE_BYTES);
        return new Header(codec, tokens, payloadSize, position, micros, own, above, at.getInt());
    }

    private static boolean isConsistent(Header header, int length, int recordBytes) {
        long needed =
                RecordFormat.HEADER_BYTES
                        + (long) header.tokens * Integer.BYTES
                        + header.storedBytes
                        + RecordFormat.TAG_BYTES;
        return header.tokens > 0
                && header.storedBytes > 0
                && header.position >= 0
                && header.recomputeMicros >= 0
                && needed == length
                && recordBytes == length
                && PayloadCoder.canBe(header.codec, header.storedBytes, header.payloadBytes);
    }

    private boolean decrypt(Header header, byte[] value) {
        int bytes = value.length - RecordFormat.HEADER_BYTES;
        if (plain.length < bytes) {
            plain = new byte[bytes];
        }
        System.arraycopy(value, RecordFormat.NONCE_AT, nonce, 0, nonce.length);
        try {
            cipher.init(
                    Cipher.DECRYPT_MODE,
                    key.cipher(),
                    new GCMParameterSpec(RecordFormat.TAG_BYTES * 8, nonce));
            cipher.updateAAD(value, 0, RecordFormat.HEADER_BYTES);
            cipher.doFinal(value, RecordFormat.HEADER_BYTES, bytes, plain, 0);
        } catch (AEADBadTagException _) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to decrypt", e);
        }
        recomputeMicros = header.recomputeMicros;
        return true;
    }

    private boolean holds(int count, int[] tokens, int from, int to) {
        if (count != to - from) {
            return false;
        }
        ByteBuffer ids = ByteBuffer.wrap(plain);
        for (int i = from; i < to; i++) {
            if (ids.getInt() != tokens[i]) {
                return false;
            }
        }
        return true;
    }

    private boolean restore(Header header) {
        restored =
                coder.decode(
                        header.codec,
                        plain,
                        header.tokens * Integer.BYTES,
                        header.storedBytes,
                        header.payloadBytes);
        return restored;
    }

    /** The key of the block that was opened last. */
    BlockKey key() {
        return authentic.orElseThrow().key;
    }

    /** The token ids of the block that was opened last. */
    int[] tokenIds() {
        int[] ids = new int[authentic.orElseThrow().tokens];
        ByteBuffer.wrap(plain).asIntBuffer().get(ids);
        return ids;
    }

    /** What the block that was opened last would cost to compute. */
    long recomputeMicros() {
        return recomputeMicros;
    }

    /** Copies the payload of the block that was opened last, if it was intact. */
    void copyTo(MemorySegment rows) {
        if (restored) {
            coder.copyTo(rows);
        }
    }

    /**
     * Encrypts and decrypts some records, so that the JIT compiler has seen it before somebody
     * waits: uncompiled, a gigabyte takes a quarter of a minute instead of a tenth of a second.
     */
    void warmUp() {
        int[] tokens = new int[1];
        BlockKey child = fingerprint.child(tokens, 0, 1);
        RemoteBlock block = new RemoteBlock(child, fingerprint, 0, 1, WARM_UP_BYTES, 0);
        RecordWriter writer = new RecordWriter(key, fingerprint, PayloadCodec.RAW);
        MemorySegment rows = MemorySegment.ofArray(new byte[WARM_UP_BYTES]);
        for (int i = 0; i < WARM_UP_ROUNDS; i++) {
            byte[] value = writer.encode(block, tokens, rows);
            open(value, child, fingerprint, tokens, 0, 1, WARM_UP_BYTES);
        }
    }
}
