package dev.stator.cluster;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Each message is cut into records, which are encrypted and authenticated with AES-256-GCM. There
 * is a key for each direction of each connection, from a secret that was given to the borrower over
 * mutual TLS and is never used again; records are numbered, so none can be left out, repeated or
 * moved.
 */
final class SealedPipe extends BlockPipe {
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final String MAC = "HmacSHA256";
    private static final int TAG_BYTES = 16;
    private static final int NONCE_BYTES = 12;
    private static final int RECORD_BYTES = 64 << 10;

    private final Direction out;
    private final Direction in;
    private final byte[] plain = new byte[RECORD_BYTES];
    private final byte[] sealed = new byte[RECORD_BYTES + TAG_BYTES];
    private final ByteBuffer record = ByteBuffer.allocateDirect(RECORD_BYTES + TAG_BYTES);

    private final ByteBuffer waiting = ByteBuffer.allocateDirect(2 * (RECORD_BYTES + TAG_BYTES));

    private SealedPipe(SocketChannel channel, Direction out, Direction in) {
        super(channel);
        this.out = out;
        this.in = in;
    }

    static SealedPipe over(SocketChannel channel, byte[] secret, boolean borrower) {
        var fromBorrower = new Direction(secret, "stator blocks: from the borrower");
        var fromLender = new Direction(secret, "stator blocks: from the lender");
        return borrower
                ? new SealedPipe(channel, fromBorrower, fromLender)
                : new SealedPipe(channel, fromLender, fromBorrower);
    }

    /** One of the two, at one end. */
    private static final class Direction {
        private final SecretKeySpec key;
        private final Cipher cipher;
        private final byte[] nonce = new byte[NONCE_BYTES];
        private long records;

        Direction(byte[] secret, String name) {
            try {
                var mac = Mac.getInstance(MAC);
                mac.init(new SecretKeySpec(secret, MAC));
                key = new SecretKeySpec(mac.doFinal(name.getBytes(StandardCharsets.UTF_8)), "AES");
                cipher = Cipher.getInstance(CIPHER);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has AES-GCM", e);
            }
        }

        int next(int mode, byte[] from, int length, byte[] to) throws GeneralSecurityException {
            ByteBuffer.wrap(nonce).putLong(NONCE_BYTES - Long.BYTES, records++);
            cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, nonce));
            return cipher.doFinal(from, 0, length, to, 0);
        }
    }

    @Override
    void write(MemorySegment message) throws IOException {
        for (long at = 0; at < message.byteSize(); at += RECORD_BYTES) {
            int length = (int) Math.min(RECORD_BYTES, message.byteSize() - at);
            MemorySegment.copy(message, at, MemorySegment.ofArray(plain), 0, length);
            if (waiting.remaining() < length + TAG_BYTES) {
                flush();
            }
            try {
                waiting.put(sealed, 0, out.next(Cipher.ENCRYPT_MODE, plain, length, sealed));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("AES-GCM refuses to encrypt", e);
            }
        }
    }

    @Override
    void flush() throws IOException {
        writeFully(waiting.flip());
        waiting.clear();
    }

    @Override
    void read(MemorySegment message) throws IOException {
        for (long at = 0; at < message.byteSize(); at += RECORD_BYTES) {
            int length = (int) Math.min(RECORD_BYTES, message.byteSize() - at);
            readFully(record.clear().limit(length + TAG_BYTES));
            record.flip().get(sealed, 0, length + TAG_BYTES);
            try {
                in.next(Cipher.DECRYPT_MODE, sealed, length + TAG_BYTES, plain);
            } catch (AEADBadTagException _) {
                throw new DamagedException("a record's tag is wrong");
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("AES-GCM refuses to decrypt", e);
            }
            MemorySegment.copy(MemorySegment.ofArray(plain), 0, message, at, length);
        }
    }
}
