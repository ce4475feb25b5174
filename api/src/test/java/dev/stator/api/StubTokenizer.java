package dev.stator.api;

import dev.stator.engine.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;

/** One token per byte, and two special ones. */
final class StubTokenizer implements Tokenizer {
    static final int BEGIN = 256;
    static final int END = 257;
    static final int SIZE = 258;

    @Override
    public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int first = addSpecial ? 1 : 0;
        int[] tokens = new int[bytes.length + first];
        if (addSpecial) {
            tokens[0] = BEGIN;
        }
        for (int i = 0; i < bytes.length; i++) {
            tokens[first + i] = bytes[i] & 0xff;
        }
        return tokens;
    }

    @Override
    public byte[] bytes(int token, boolean special) {
        if (token < 256) {
            return new byte[] {(byte) token};
        }
        var text = special ? (token == BEGIN ? "<s>" : "</s>") : "";
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String decode(int[] tokens, boolean special) {
        var out = new java.io.ByteArrayOutputStream();
        for (int token : tokens) {
            out.writeBytes(bytes(token, special));
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Override
    public boolean endsGeneration(int token) {
        return token == END;
    }

    @Override
    public List<Special> specials() {
        return List.of(new Special(BEGIN, "<s>"), new Special(END, "</s>"));
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.of(BEGIN);
    }

    @Override
    public OptionalInt eos() {
        return OptionalInt.of(END);
    }

    @Override
    public boolean addsBos() {
        return true;
    }

    @Override
    public int size() {
        return SIZE;
    }
}
