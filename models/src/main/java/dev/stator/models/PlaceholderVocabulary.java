package dev.stator.models;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A byte-level BPE vocabulary of any size for models without a tokenizer of their own: every text
 * becomes its UTF-8 bytes, one token each. The tokens after the bytes are invented words, which a
 * model of random weights may produce but no text is read as; the last three are the control tokens
 * of ChatML.
 */
final class PlaceholderVocabulary {
    static final String CHAT_TEMPLATE =
            "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
                    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private static final int BYTES = 256;
    private static final String[] CONTROLS = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    private static final int NORMAL = 1;
    private static final int CONTROL = 3;
    private static final String CONSONANTS = "bcdfghjklmnprstvwxyz";
    private static final String VOWELS = "aeiou";
    private static final int SYLLABLES = CONSONANTS.length() * VOWELS.length();

    /** How GPT-2's alphabet writes a space. */
    private static final char SPACE = '\u0120';

    private final int size;

    /**
     * @param size at least 259
     */
    PlaceholderVocabulary(int size) {
        if (size < BYTES + CONTROLS.length) {
            throw new IllegalArgumentException("a byte vocabulary has at least 259 tokens");
        }
        this.size = size;
    }

    Map<String, GgufWriter.Value> metadata() {
        var metadata = new LinkedHashMap<String, GgufWriter.Value>();
        metadata.put("tokenizer.ggml.model", GgufWriter.text("gpt2"));
        // Of llama.cpp's pre-tokenizers this one leaves spaces as they are when tokens become text.
        metadata.put("tokenizer.ggml.pre", GgufWriter.text("qwen2"));
        metadata.put("tokenizer.ggml.tokens", GgufWriter.texts(size, this::token));
        metadata.put(
                "tokenizer.ggml.token_type",
                GgufWriter.i32s(size, token -> token < size - CONTROLS.length ? NORMAL : CONTROL));
        metadata.put(
                "tokenizer.ggml.merges",
                GgufWriter.texts(
                        0,
                        _ -> {
                            throw new IllegalStateException("no merges");
                        }));
        metadata.put("tokenizer.ggml.bos_token_id", GgufWriter.u32(size - 3));
        metadata.put("tokenizer.ggml.eos_token_id", GgufWriter.u32(size - 1));
        metadata.put("tokenizer.ggml.padding_token_id", GgufWriter.u32(size - 3));
        metadata.put("tokenizer.ggml.add_bos_token", GgufWriter.flag(false));
        metadata.put("tokenizer.chat_template", GgufWriter.text(CHAT_TEMPLATE));
        return metadata;
    }

    String token(int token) {
        if (token < BYTES) {
            return String.valueOf(letter(token));
        }
        int fromEnd = size - token;
        return fromEnd <= CONTROLS.length
                ? CONTROLS[CONTROLS.length - fromEnd]
                : SPACE + word(token - BYTES);
    }

    /** GPT-2's letter for a byte: itself where it prints, else one from U+0100 on. */
    private static char letter(int octet) {
        int hidden = 0;
        for (int other = 0; other < octet; other++) {
            hidden += prints(other) ? 0 : 1;
        }
        return (char) (prints(octet) ? octet : BYTES + hidden);
    }

    private static boolean prints(int octet) {
        return (octet >= '!' && octet <= '~') || (octet >= 0xa1 && octet <= 0xff && octet != 0xad);
    }

    /** A number in syllables; different numbers give different words. */
    private static String word(int number) {
        var word = new StringBuilder();
        for (int rest = number + 1; rest > 0; rest = (rest - 1) / SYLLABLES) {
            int syllable = (rest - 1) % SYLLABLES;
            word.append(CONSONANTS.charAt(syllable / VOWELS.length()))
                    .append(VOWELS.charAt(syllable % VOWELS.length()));
        }
        return word.toString();
    }
}
