package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.stator.engine.EngineException;
import dev.stator.engine.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** The model's own vocabulary; llama.cpp's tokenizer calls are thread-safe. */
final class LlamaTokenizer implements Tokenizer {
    /**
     * LLAMA_TOKEN_ATTR_CONTROL, _USER_DEFINED and _UNKNOWN: what the library matches before it
     * tokenises.
     */
    private static final int SPECIAL_ATTRIBUTES = 8 | 16 | 1;

    private static final int PIECE_BYTES = 64;

    /**
     * LLAMA_VOCAB_TYPE_NONE. Asked for a text of such a vocabulary, the library ends the process.
     */
    private static final int NO_TEXTS = 0;

    private final Llama llama;
    private final MemorySegment vocab;
    private final int size;
    private final boolean hasTexts;
    private final List<Special> specials;

    LlamaTokenizer(Llama llama, MemorySegment vocab) {
        this.llama = llama;
        this.vocab = vocab;
        this.size = llama.vocabInt("llama_vocab_n_tokens", vocab);
        this.hasTexts = llama.vocabInt("llama_vocab_type", vocab) != NO_TEXTS;
        var found = new ArrayList<Special>();
        for (int token = 0; token < size && hasTexts; token++) {
            if ((llama.vocabAttributes(vocab, token) & SPECIAL_ATTRIBUTES) != 0) {
                var text = llama.vocabText(vocab, token);
                if (!text.isEmpty()) {
                    found.add(new Special(token, text));
                }
            }
        }
        specials = List.copyOf(found);
    }

    @Override
    public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
        requireTexts();
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        try (var arena = Arena.ofConfined()) {
            var source = arena.allocate(Math.max(1, utf8.length));
            MemorySegment.copy(utf8, 0, source, JAVA_BYTE, 0, utf8.length);
            // Hardly any tokenizer makes more tokens than bytes; one that does tells how many it
            // wants.
            int capacity = utf8.length + 8;
            var target = arena.allocate(JAVA_INT, capacity);
            int count =
                    llama.tokenize(
                            vocab, source, utf8.length, target, capacity, addSpecial, parseSpecial);
            if (count == Integer.MIN_VALUE) {
                throw new EngineException("the text is too long to tokenise");
            }
            if (count < 0) {
                target = arena.allocate(JAVA_INT, -count);
                count =
                        llama.tokenize(
                                vocab,
                                source,
                                utf8.length,
                                target,
                                -count,
                                addSpecial,
                                parseSpecial);
            }
            return target.asSlice(0, 4L * count).toArray(JAVA_INT);
        }
    }

    /** Whoever needs texts of the vocabulary calls this first. */
    void requireTexts() {
        if (!hasTexts) {
            throw new EngineException(
                    "the model file has no vocabulary (tokenizer.ggml.model is no_vocab): it takes token ids, no text");
        }
    }

    @Override
    public byte[] bytes(int token, boolean special) {
        if (token < 0 || token >= size) {
            throw new EngineException("token %d is not one of 0 to %d".formatted(token, size - 1));
        }
        if (!hasTexts) {
            return new byte[0];
        }
        try (var arena = Arena.ofConfined()) {
            var target = arena.allocate(PIECE_BYTES);
            int count = llama.piece(vocab, token, target, PIECE_BYTES, special);
            if (count < 0) {
                target = arena.allocate(-count);
                count = llama.piece(vocab, token, target, -count, special);
            }
            return target.asSlice(0, Math.max(0, count)).toArray(JAVA_BYTE);
        }
    }

    @Override
    public String decode(int[] tokens, boolean special) {
        var bytes = new ByteArrayOutputStream();
        for (int token : tokens) {
            bytes.writeBytes(bytes(token, special));
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Override
    public boolean endsGeneration(int token) {
        return llama.endsGeneration(vocab, token);
    }

    @Override
    public List<Special> specials() {
        return specials;
    }

    @Override
    public OptionalInt bos() {
        return optional(llama.vocabInt("llama_vocab_bos", vocab));
    }

    @Override
    public OptionalInt eos() {
        return optional(llama.vocabInt("llama_vocab_eos", vocab));
    }

    private static OptionalInt optional(int token) {
        return token < 0 ? OptionalInt.empty() : OptionalInt.of(token);
    }

    @Override
    public boolean addsBos() {
        return llama.vocabFlag("llama_vocab_get_add_bos", vocab);
    }

    @Override
    public int size() {
        return size;
    }
}
