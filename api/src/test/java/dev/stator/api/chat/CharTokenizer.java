package dev.stator.api.chat;

import dev.stator.engine.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A tokenizer of one token a byte, with merges that make a text's tokens depend on what stands
 * beside it, and with special tokens found as llama.cpp finds them. It can do what real ones do to
 * blanks.
 */
final class CharTokenizer implements Tokenizer {
    private static final int FIRST_SPECIAL = 1000;
    private static final int PAIR = 300;

    private final List<String> specials;
    private final Set<String> swallowLeft;
    private final Set<String> swallowRight;
    private final boolean spacePrefix;

    /**
     * @param swallowLeft special tokens that drop the blanks before them
     * @param swallowRight special tokens that drop the blanks behind them
     * @param spacePrefix a text at the beginning or behind a special token gets a space in front
     */
    CharTokenizer(
            List<String> specials,
            Set<String> swallowLeft,
            Set<String> swallowRight,
            boolean spacePrefix) {
        this.specials = specials;
        this.swallowLeft = swallowLeft;
        this.swallowRight = swallowRight;
        this.spacePrefix = spacePrefix;
    }

    private sealed interface Fragment {
        record Raw(String text) implements Fragment {}

        record Token(int token) implements Fragment {}
    }

    @Override
    public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
        List<Fragment> fragments = text.isEmpty() ? List.of() : List.of(new Fragment.Raw(text));
        var longestFirst =
                specials.stream()
                        .sorted((a, b) -> Integer.compare(b.length(), a.length()))
                        .toList();
        for (var special : longestFirst) {
            fragments = split(fragments, special);
        }
        var tokens = new ArrayList<Integer>();
        boolean first = true;
        for (var fragment : fragments) {
            switch (fragment) {
                case Fragment.Token(int token) -> {
                    tokens.add(token);
                    first = true;
                }
                case Fragment.Raw(String raw) -> {
                    plain(first && spacePrefix ? " " + raw : raw, tokens);
                    first = false;
                }
            }
        }
        return tokens.stream().mapToInt(i -> i).toArray();
    }

    private List<Fragment> split(List<Fragment> fragments, String special) {
        var result = new ArrayList<Fragment>();
        for (var fragment : fragments) {
            if (!(fragment instanceof Fragment.Raw(String rest))) {
                result.add(fragment);
                continue;
            }
            for (int at = rest.indexOf(special); at >= 0; at = rest.indexOf(special)) {
                var left = rest.substring(0, at);
                left = swallowLeft.contains(special) ? left.stripTrailing() : left;
                if (!left.isEmpty()) {
                    result.add(new Fragment.Raw(left));
                }
                result.add(new Fragment.Token(FIRST_SPECIAL + specials.indexOf(special)));
                rest = rest.substring(at + special.length());
                rest = swallowRight.contains(special) ? rest.stripLeading() : rest;
            }
            if (!rest.isEmpty()) {
                result.add(new Fragment.Raw(rest));
            }
        }
        return result;
    }

    /** Bytes, but two letters that follow one another in the alphabet are one token. */
    private static void plain(String text, List<Integer> tokens) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            boolean pair = i + 1 < bytes.length && bytes[i] > 0 && bytes[i + 1] == bytes[i] + 1;
            tokens.add(pair ? PAIR + bytes[i++] : bytes[i] & 0xff);
        }
    }

    @Override
    public byte[] bytes(int token, boolean special) {
        if (token >= FIRST_SPECIAL) {
            return special
                    ? specials.get(token - FIRST_SPECIAL).getBytes(StandardCharsets.UTF_8)
                    : new byte[0];
        }
        return token >= PAIR
                ? new byte[] {(byte) (token - PAIR), (byte) (token - PAIR + 1)}
                : new byte[] {(byte) token};
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
        return token == FIRST_SPECIAL;
    }

    @Override
    public List<Special> specials() {
        var all = new ArrayList<Special>();
        for (int i = 0; i < specials.size(); i++) {
            all.add(new Special(FIRST_SPECIAL + i, specials.get(i)));
        }
        return all;
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.of(1);
    }

    @Override
    public OptionalInt eos() {
        return OptionalInt.of(FIRST_SPECIAL);
    }

    @Override
    public boolean addsBos() {
        return true;
    }

    @Override
    public int size() {
        return FIRST_SPECIAL + specials.size();
    }
}
