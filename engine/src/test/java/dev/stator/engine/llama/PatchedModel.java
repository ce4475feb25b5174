package dev.stator.engine.llama;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The demonstration model with more metadata than it has. */
final class PatchedModel {
    private static final int HEADER_BYTES = 24;
    private static final int ENTRIES_AT = 16;
    private static final int ALIGNMENT = 32;
    private static final int FLOAT = 6;
    private static final int STRING = 8;

    private PatchedModel() {}

    /**
     * @param entries of floats and strings, with keys that the model does not have
     */
    static Path write(Path target, Map<String, Object> entries) throws IOException {
        var model = ByteBuffer.wrap(Files.readAllBytes(DemoModel.FILE));
        model.order(ByteOrder.LITTLE_ENDIAN);
        var added = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        entries.forEach((key, value) -> add(added, key, value));
        // What follows must stay aligned.
        int padding = Math.floorMod(-(added.position() + 8 + 3 + 4 + 8), ALIGNMENT);
        add(added, "pad", "x".repeat(padding));
        long count = model.getLong(ENTRIES_AT) + entries.size() + 1;
        var patched = ByteBuffer.allocate(model.capacity() + added.position());
        patched.put(model.slice(0, HEADER_BYTES)).put(added.flip());
        patched.put(model.slice(HEADER_BYTES, model.capacity() - HEADER_BYTES));
        patched.order(ByteOrder.LITTLE_ENDIAN).putLong(ENTRIES_AT, count);
        return Files.write(target, patched.array());
    }

    private static void add(ByteBuffer buffer, String key, Object value) {
        text(buffer, key);
        switch (value) {
            case Float number -> buffer.putInt(FLOAT).putFloat(number);
            case String string -> {
                buffer.putInt(STRING);
                text(buffer, string);
            }
            default -> throw new IllegalArgumentException(value.toString());
        }
    }

    private static void text(ByteBuffer buffer, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        buffer.putLong(bytes.length).put(bytes);
    }
}
