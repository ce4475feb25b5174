package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.codec.PayloadCoder;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Room to read one record into and to decrypt it. Not thread-safe; grows as needed. */
final class ReadBuffer {
    private static final BlockKey WARM_UP = new BlockKey(0, 0);
    private static final int WARM_UP_BYTES = 64 << 10;
    private static final int WARM_UP_ROUNDS = 64;

    private final RecordCodec codec;
    private final PayloadCodec payloads;
    private final PayloadCoder coder = new PayloadCoder();
    private ByteBuffer raw = SegmentIo.buffer(RecordCodec.PAGE);
    private byte[] cipherText = {};
    private byte[] plain = {};
    private int payloadAt;
    private int payloadBytes;

    /** For records whose payloads nobody looks at. */
    ReadBuffer(BlockKey fingerprint) {
        this(fingerprint, PayloadCodec.RAW);
    }

    ReadBuffer(BlockKey fingerprint, PayloadCodec payloads) {
        this.codec = new RecordCodec(fingerprint);
        this.payloads = payloads;
    }

    /**
     * Encrypts and decrypts some records, so that the JIT compiler has seen it before somebody
     * waits: uncompiled, a gigabyte takes a quarter of a minute instead of a tenth of a second.
     */
    void warmUp() {
        var block = new DiskBlock(WARM_UP, WARM_UP, 0, 1, WARM_UP_BYTES, 0);
        var record = SegmentIo.buffer(block.recordBytes());
        var rows = MemorySegment.ofArray(new byte[WARM_UP_BYTES]);
        var key = NodeKey.of(new byte[1]);
        for (int i = 0; i < WARM_UP_ROUNDS; i++) {
            record.clear();
            codec.encode(key, RecordCodec.BLOCK_MAGIC, block, new int[1], rows, record);
            record.flip();
            codec.header(record, block.recordBytes())
                    .ifPresent(header -> decrypt(key, header, record));
        }
    }

    /** Reads so many bytes of a file as they are. */
    ByteBuffer read(SegmentIo.File file, long position, int bytes) throws IOException {
        if (raw.capacity() < bytes) {
            raw = SegmentIo.buffer(bytes);
        }
        raw.clear().limit(bytes);
        file.read(raw, position);
        return raw.flip();
    }

    /**
     * Reads a record and checks it.
     *
     * @param most bytes that there can be at that position
     * @return empty if there is no record, or not as it was written; else it is in this buffer
     */
    Optional<RecordCodec.Header> record(NodeKey key, SegmentIo.File file, long position, long most)
            throws IOException {
        if (most < RecordCodec.PAGE) {
            return Optional.empty();
        }
        Optional<RecordCodec.Header> header =
                codec.header(read(file, position, RecordCodec.PAGE), most);
        return header.isPresent()
                        && decrypt(
                                key, header.get(), read(file, position, header.get().recordBytes()))
                ? header
                : Optional.empty();
    }

    /** Reads the record of a block that is known to begin there; false if it does not. */
    boolean record(Segment segment, long position, DiskBlock block) throws IOException {
        ByteBuffer record = read(segment.file, position, block.recordBytes());
        return codec.header(record, block.recordBytes())
                .filter(header -> header.magic() == RecordCodec.BLOCK_MAGIC)
                .filter(header -> header.block().equals(block))
                .filter(header -> decrypt(segment.folder.key(), header, record))
                .isPresent();
    }

    private boolean decrypt(NodeKey key, RecordCodec.Header header, ByteBuffer record) {
        if (plain.length < header.recordBytes()) {
            cipherText = new byte[header.recordBytes()];
            plain = new byte[header.recordBytes()];
        }
        payloadAt = header.block().tokens() * Integer.BYTES;
        payloadBytes = header.block().payloadBytes();
        return codec.decode(key, header, record, cipherText, plain);
    }

    /** Whether the record that was read holds exactly these token ids. */
    boolean holds(int[] tokens, int from, int to) {
        if (payloadAt != (to - from) * Integer.BYTES) {
            return false;
        }
        ByteBuffer ids = ByteBuffer.wrap(plain, 0, payloadAt);
        for (int i = from; i < to; i++) {
            if (ids.getInt() != tokens[i]) {
                return false;
            }
        }
        return true;
    }

    /** The record that was read, as it stands in the file. */
    ByteBuffer raw() {
        return raw.duplicate();
    }

    /** The payload of the record that was read. */
    ByteBuffer payload() {
        return ByteBuffer.wrap(plain, payloadAt, payloadBytes);
    }

    /**
     * Copies the rows that the payload stands for.
     *
     * @return false if they are not as many bytes as the target
     */
    boolean copyTo(MemorySegment target) {
        int size = Math.toIntExact(target.byteSize());
        // What the codec could not make smaller was written as it is.
        PayloadCodec written = payloadBytes == size ? PayloadCodec.RAW : payloads;
        if (!coder.decode(written, plain, payloadAt, payloadBytes, size)) {
            return false;
        }
        coder.copyTo(target);
        return true;
    }
}
