package dev.stator.api.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.Tokenizer;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

final class PromptEncoderTest {
    private static final String END = "<|end|>";
    private static final String START = "<|start|>";
    private static final int MIB = 1 << 20;

    private static CharTokenizer plain() {
        return new CharTokenizer(List.of(END, START), Set.of(), Set.of(), false);
    }

    @Test
    void theNextTurnTokenisesOnlyWhatIsNew() {
        var tokenizer = plain();
        var encoder = new PromptEncoder(tokenizer, MIB);
        var first = START + "user\nabc" + END + "\n" + START + "assistant\n";
        var second = first + "xyz" + END + "\n" + START + "user\nmore" + END;
        assertThat(encoder.encode(first, false, "").reused()).isZero();
        var encoded = encoder.encode(second, false, "");
        assertThat(encoded.tokens()).isEqualTo(tokenizer.encode(second, false, true));
        // All but the piece that the answer has made longer, and what follows.
        int known = tokenizer.encode(START + "user\nabc" + END + "\n", false, true).length;
        int again = tokenizer.encode(END + "\n", false, true).length;
        assertThat(encoded.reused()).isEqualTo(known + again);
        assertThat(encoder.encode(second, false, "").reused()).isEqualTo(encoded.tokens().length);
    }

    @Test
    void saltsShareNothing() {
        var encoder = new PromptEncoder(plain(), MIB);
        encoder.encode("abc", false, "one");
        assertThat(encoder.encode("abc", false, "two").reused()).isZero();
        assertThat(encoder.encode("abc", false, "one").reused()).isPositive();
    }

    @Test
    void theBosTokenComesFirstWhenAsked() {
        var encoder = new PromptEncoder(plain(), MIB);
        assertThat(encoder.encode("a", true, "").tokens()).containsExactly(1, 'a');
        assertThat(encoder.encode("", true, "").tokens()).containsExactly(1);
        assertThat(encoder.encode("", false, "").tokens()).isEmpty();
    }

    @Test
    void memoryStaysWithinItsBound() {
        var encoder = new PromptEncoder(plain(), 10_000);
        for (int i = 0; i < 1000; i++) {
            encoder.encode(START + "message " + i + END, false, "salt" + i % 3);
            assertThat(encoder.heldBytes()).isBetween(1L, 10_000L);
        }
        encoder.encode("x".repeat(20_000), false, "");
        assertThat(encoder.encode("x".repeat(20_000), false, "").reused()).isZero();
    }

    @Test
    void threadsGetTheRightTokens() throws Exception {
        var tokenizer = plain();
        var encoder = new PromptEncoder(tokenizer, 20_000);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            var tasks = new ArrayList<Callable<Boolean>>();
            for (int i = 0; i < 64; i++) {
                var random = new Random(i % 8);
                tasks.add(
                        () -> {
                            for (int turn = 0; turn < 50; turn++) {
                                var text = text(random, tokenizer);
                                if (!Arrays.equals(
                                        encoder.encode(text, false, "").tokens(),
                                        tokenizer.encode(text, false, true))) {
                                    return false;
                                }
                            }
                            return true;
                        });
            }
            for (var done : pool.invokeAll(tasks)) {
                assertThat(done.get()).isTrue();
            }
        }
    }

    @Test
    void tokensAreThoseOfTheWholeTextWhateverTheSpecialTokensDo() {
        // Prefixes of one another, overlapping ones, blanks, repetition, and swallowing of blanks.
        var specials =
                List.of(
                        "<s>", "<s>>", "<<s>", "ab<s", "<|x|>", "|>\n", "\n\n", " ", "<<", "aa",
                        "<|x", "é<s>", "<t>", "<u> ");
        for (int seed = 0; seed < 200; seed++) {
            var random = new Random(seed);
            var tokenizer =
                    new CharTokenizer(
                            some(random, specials),
                            Set.copyOf(some(random, specials)),
                            Set.copyOf(some(random, specials)),
                            random.nextBoolean());
            checkConversation(tokenizer, random, false);
        }
    }

    private static List<String> some(Random random, List<String> all) {
        return all.stream().filter(_ -> random.nextBoolean()).toList();
    }

    @Test
    void tokensAreThoseOfTheWholeTextOnTheDemonstrationModel() {
        try (var demo = new DemoEngine()) {
            for (int seed = 0; seed < 30; seed++) {
                checkConversation(demo.tokenizer(), new Random(seed), true);
            }
        }
    }

    /** Over the tokenizers of real models: every GGUF in the folder of that name. */
    @Test
    @EnabledIfSystemProperty(named = "stator.vocabs", matches = ".+")
    void tokensAreThoseOfTheWholeTextOnOtherModels() throws IOException {
        try (var files = Files.list(Path.of(System.getProperty("stator.vocabs")))) {
            for (var file : files.filter(f -> f.toString().endsWith(".gguf")).toList()) {
                var libraries = Platform.libraries(Path.of(System.getProperty("stator.natives")));
                try (var engine = LlamaEngine.load(LlamaOptions.of(file, libraries))) {
                    assertThat(engine.tokenizer().specials()).as(file.toString()).isNotEmpty();
                    for (int seed = 0; seed < 200; seed++) {
                        checkConversation(engine.tokenizer(), new Random(seed), true);
                    }
                }
            }
        }
    }

    /** A text grows at its end, as conversations do, and is sometimes another one. */
    private static void checkConversation(Tokenizer tokenizer, Random random, boolean bos) {
        var encoder = new PromptEncoder(tokenizer, 100_000);
        var text = new StringBuilder();
        boolean adds = bos && tokenizer.addsBos();
        for (int turn = 0; turn < 8; turn++) {
            if (random.nextInt(5) == 0) {
                text.setLength(random.nextInt(text.length() + 1));
            }
            text.append(text(random, tokenizer));
            int[] whole = tokenizer.encode(text.toString(), adds, true);
            assertThat(encoder.encode(text.toString(), adds, "").tokens())
                    .as("\"%s\"", text)
                    .isEqualTo(whole);
        }
    }

    private static String text(Random random, Tokenizer tokenizer) {
        var words =
                List.of(
                        "a", "b", " ", "\n", "ab", "Hello", " world", "  ", "\n\n", "é", "😀", "<",
                        ">", "|", "1", "\t", "user", "</", "12 34", "'s");
        var specials = tokenizer.specials();
        var text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            if (!specials.isEmpty() && random.nextInt(3) == 0) {
                text.append(specials.get(random.nextInt(specials.size())).text());
            } else {
                text.append(words.get(random.nextInt(words.size())));
            }
        }
        return text.toString();
    }

    @Test
    void anAnswerKeepsTheTokensItWasGeneratedWith() {
        var prompt = START + "user\nhi" + END + START + "assistant\n";
        // The tokenizer would merge a and b.
        int[] generated = {'a', 'b', '!', 1000};
        for (var answer : List.of("ab!", "ab!" + END)) {
            keepsItsTokens(prompt, answer, generated);
        }
    }

    /** With the text of the token that ended the answer, or without. */
    private static void keepsItsTokens(String prompt, String answer, int[] generated) {
        var tokenizer = plain();
        var encoder = new PromptEncoder(tokenizer, MIB);
        int[] promptTokens = encoder.encode(prompt, false, "").tokens();
        encoder.remember(prompt, promptTokens, answer, generated, "");
        var next = prompt + "ab!" + END + START + "user\nab" + END;
        int[] tokens = encoder.encode(next, false, "").tokens();
        assertThat(tokens)
                .startsWith(concat(promptTokens, new int[] {'a', 'b', '!', 1000}))
                .hasSize(tokenizer.encode(next, false, true).length + 1);
        assertThat(tokenizer.decode(tokens, true)).isEqualTo(next);
    }

    @Test
    void anAnswerIsUsedOnlyWhereItWasGiven() {
        var tokenizer = plain();
        var encoder = new PromptEncoder(tokenizer, MIB);
        var prompt = START + "one" + END + START + "a:";
        encoder.remember(
                prompt, encoder.encode(prompt, false, "").tokens(), "ab", new int[] {'a', 'b'}, "");
        for (var other :
                List.of(
                        START + "two" + END + START + "a:ab" + END,
                        prompt + "ab more" + END,
                        prompt + "a" + END)) {
            assertThat(encoder.encode(other, false, "").tokens())
                    .isEqualTo(tokenizer.encode(other, false, true));
        }
        var same = prompt + "ab" + END;
        assertThat(encoder.encode(same, false, "other").tokens())
                .isEqualTo(tokenizer.encode(same, false, true));
        assertThat(encoder.encode(same, false, "").tokens())
                .isNotEqualTo(tokenizer.encode(same, false, true));
    }

    @Test
    void tokensThatAreNotTheAnswersTextAreNotRemembered() {
        var tokenizer = plain();
        var encoder = new PromptEncoder(tokenizer, MIB);
        var prompt = START + "a:";
        int[] promptTokens = encoder.encode(prompt, false, "").tokens();
        encoder.remember(prompt, promptTokens, "ab", new int[] {'a', 'b', 'c'}, "");
        encoder.remember(prompt, promptTokens, "ab", new int[] {'a'}, "");
        encoder.remember(prompt, promptTokens, "ab", new int[] {'a', 'c'}, "");
        encoder.remember(prompt, promptTokens, "", new int[] {1000}, "");
        encoder.remember(prompt, new int[] {5, 6}, "ab", new int[] {'a', 'b'}, "");
        var next = prompt + "ab" + END;
        assertThat(encoder.encode(next, false, "").tokens())
                .isEqualTo(tokenizer.encode(next, false, true));
    }

    @Test
    void anAnswerWithSpecialTokensIsRememberedPieceByPiece() {
        var tokenizer = new CharTokenizer(List.of(END, START, "<call>"), Set.of(), Set.of(), false);
        var encoder = new PromptEncoder(tokenizer, MIB);
        var prompt = START + "a:";
        int[] promptTokens = encoder.encode(prompt, false, "").tokens();
        int[] generated = {'a', 'b', 1002, 'a', 'b'};
        encoder.remember(prompt, promptTokens, "ab<call>ab", generated, "");
        int[] tokens = encoder.encode(prompt + "ab<call>ab" + END, false, "").tokens();
        assertThat(tokens).isEqualTo(concat(concat(promptTokens, generated), new int[] {1000}));
    }

    @Test
    void rememberedTokensAlwaysStandForTheText() {
        for (int seed = 0; seed < 100; seed++) {
            var random = new Random(seed);
            var tokenizer =
                    new CharTokenizer(
                            some(random, List.of(END, START, "<call>", "b<", "|>a", "\n\n")),
                            Set.of(),
                            Set.of(),
                            false);
            var encoder = new PromptEncoder(tokenizer, MIB);
            var prompt = "";
            for (int turn = 0; turn < 6; turn++) {
                prompt += text(random, tokenizer);
                int[] promptTokens = encoder.encode(prompt, false, "").tokens();
                var answer = text(random, tokenizer);
                encoder.remember(prompt, promptTokens, answer, bytewise(answer), "");
                prompt += answer;
                assertThat(tokenizer.decode(encoder.encode(prompt, false, "").tokens(), true))
                        .isEqualTo(prompt);
            }
        }
    }

    private static int[] bytewise(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xff).toArray();
    }

    private static int[] concat(int[] first, int[] second) {
        return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
    }
}
