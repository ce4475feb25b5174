package dev.stator.remote;

import dev.stator.cache.remote.ReusedArrays;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Values on their way past Lettuce, which would copy each of them three times: a {@link
 * ReplySplitter} puts a ticket in a value's place, for which this codec hands out the value.
 * Thread-safe.
 */
final class LargeValues implements RedisCodec<byte[], byte[]> {
    /** Below this size a copy costs less than a ticket. */
    static final int LEAST = 32 << 10;

    private static final int MARK_BYTES = 16;
    private static final int TICKET_BYTES = MARK_BYTES + Long.BYTES;

    /** As much as one promotion asks for at a time. */
    private static final int MOST_IDLE_BYTES = 32 << 20;

    private final byte[] mark = new byte[MARK_BYTES];
    private final ReusedArrays arrays = new ReusedArrays(MOST_IDLE_BYTES);
    private final Map<Long, byte[]> handed = new ConcurrentHashMap<>();
    private final AtomicLong tickets = new AtomicLong();
    private final AtomicInteger most = new AtomicInteger();

    LargeValues() {
        // So that no value in the store can be taken for a ticket.
        new SecureRandom().nextBytes(mark);
    }

    /** Somebody asks for a value of up to so many bytes. */
    void expect(int bytes) {
        if (bytes > most.get()) {
            most.accumulateAndGet(bytes, Math::max);
        }
    }

    /** Whether a reply of this size may be a value that somebody asked for. */
    boolean takes(int bytes) {
        return bytes >= LEAST && bytes <= most.get();
    }

    byte[] array(int bytes) {
        return arrays.take(bytes);
    }

    /** Nobody looks at this value any more. */
    void release(byte[] value) {
        if (value.length >= LEAST) {
            arrays.giveBack(value);
        }
    }

    /** What stands for the value until it is {@linkplain #forget forgotten}. */
    long hand(byte[] value) {
        long ticket = tickets.incrementAndGet();
        handed.put(ticket, value);
        return ticket;
    }

    void forget(long ticket) {
        handed.remove(ticket);
    }

    /** The ticket as Redis would send it. */
    ByteBuf reply(long ticket, ByteBufAllocator allocator) {
        byte[] head = "$%d\r\n".formatted(TICKET_BYTES).getBytes(StandardCharsets.US_ASCII);
        return allocator
                .buffer(head.length + TICKET_BYTES + 2)
                .writeBytes(head)
                .writeBytes(mark)
                .writeLong(ticket)
                .writeByte('\r')
                .writeByte('\n');
    }

    @Override
    public byte[] decodeValue(ByteBuffer bytes) {
        if (bytes.remaining() == TICKET_BYTES
                && bytes.slice(bytes.position(), MARK_BYTES).equals(ByteBuffer.wrap(mark))) {
            long ticket = bytes.getLong(bytes.position() + MARK_BYTES);
            return Optional.ofNullable(handed.remove(ticket)).orElseGet(() -> new byte[0]);
        }
        return ByteArrayCodec.INSTANCE.decodeValue(bytes);
    }

    @Override
    public ByteBuffer encodeValue(byte[] value) {
        return ByteBuffer.wrap(value);
    }

    @Override
    public byte[] decodeKey(ByteBuffer bytes) {
        return ByteArrayCodec.INSTANCE.decodeKey(bytes);
    }

    @Override
    public ByteBuffer encodeKey(byte[] key) {
        return ByteBuffer.wrap(key);
    }
}
