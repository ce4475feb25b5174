package dev.stator.engine.process;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * One message: its length, its {@link Kind}, and values in an order that both ends know. Values are
 * put at the end and taken from the front. Not thread-safe.
 */
final class Frame {
    /** Length and kind. */
    static final int HEADER_BYTES = 5;

    private ByteBuffer buffer;

    private Frame(ByteBuffer buffer) {
        this.buffer = buffer;
    }

    static Frame of(Kind kind) {
        var frame = new Frame(ByteBuffer.allocate(256));
        frame.buffer.putInt(0).put((byte) kind.ordinal());
        return frame;
    }

    /**
     * A frame that has come.
     *
     * @param bytes from its kind on
     */
    static Frame read(ByteBuffer bytes) {
        return new Frame(bytes);
    }

    /** The whole frame, for the wire. */
    ByteBuffer finished() {
        buffer.putInt(0, buffer.position() - Integer.BYTES);
        return buffer.duplicate().flip();
    }

    /** Of a frame that has come; taken before its values. */
    Kind takeKind() {
        return Kind.of(buffer.get());
    }

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            int size = Math.max(2 * buffer.capacity(), Math.addExact(buffer.position(), bytes));
            buffer = ByteBuffer.allocate(size).put(buffer.flip());
        }
        return buffer;
    }

    Frame put(int value) {
        room(Integer.BYTES).putInt(value);
        return this;
    }

    int takeInt() {
        return buffer.getInt();
    }

    Frame put(long value) {
        room(Long.BYTES).putLong(value);
        return this;
    }

    long takeLong() {
        return buffer.getLong();
    }

    Frame put(float value) {
        room(Float.BYTES).putFloat(value);
        return this;
    }

    float takeFloat() {
        return buffer.getFloat();
    }

    Frame put(double value) {
        room(Double.BYTES).putDouble(value);
        return this;
    }

    double takeDouble() {
        return buffer.getDouble();
    }

    Frame put(boolean value) {
        room(1).put((byte) (value ? 1 : 0));
        return this;
    }

    boolean takeBoolean() {
        return buffer.get() != 0;
    }

    Frame put(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        put(utf8.length);
        room(utf8.length).put(utf8);
        return this;
    }

    String takeString() {
        byte[] utf8 = new byte[buffer.getInt()];
        buffer.get(utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }

    Frame put(Optional<String> text) {
        put(text.isPresent());
        text.ifPresent(this::put);
        return this;
    }

    Optional<String> takeOptional() {
        return takeBoolean() ? Optional.of(takeString()) : Optional.empty();
    }

    Frame put(int[] values) {
        put(values.length);
        Arrays.stream(values).forEach(this::put);
        return this;
    }

    int[] takeInts() {
        int[] values = new int[buffer.getInt()];
        Arrays.setAll(values, _ -> buffer.getInt());
        return values;
    }

    /** The bytes alone: how many there are both ends know. */
    Frame put(MemorySegment bytes) {
        int size = Math.toIntExact(bytes.byteSize());
        var target = room(size);
        MemorySegment.ofBuffer(target).copyFrom(bytes);
        target.position(target.position() + size);
        return this;
    }

    void take(MemorySegment target) {
        int size = Math.toIntExact(target.byteSize());
        target.copyFrom(MemorySegment.ofBuffer(buffer.slice(buffer.position(), size)));
        buffer.position(buffer.position() + size);
    }
}
