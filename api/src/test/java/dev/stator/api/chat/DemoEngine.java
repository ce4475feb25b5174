package dev.stator.api.chat;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineContext;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.Tokenizer;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The demonstration model under the real engine, answering within grammars. */
final class DemoEngine implements AutoCloseable {
    private final LlamaEngine engine;
    private final EngineContext context;

    DemoEngine() {
        engine =
                LlamaEngine.load(
                        LlamaOptions.of(
                                Path.of(System.getProperty("stator.demo"), "model.gguf"),
                                Platform.libraries(Path.of(System.getProperty("stator.natives")))));
        context = engine.open(new ContextOptions(2048, 1, 512, 1));
    }

    LlamaEngine engine() {
        return engine;
    }

    Tokenizer tokenizer() {
        return engine.tokenizer();
    }

    /** Fails if the engine refuses the grammar. */
    void accept(String grammar) {
        context.sampler(options(0, grammar)).close();
    }

    /**
     * An answer at temperature 1.
     *
     * @param ended whether the model ended it, rather than the limit
     */
    record Answer(String text, int[] tokens, boolean ended) {}

    Answer answer(int[] prompt, String grammar, long seed, int maxTokens) {
        context.truncate(0, 0);
        int[] tokens = new int[maxTokens];
        int count = 0;
        try (var sampler = context.sampler(options(seed, grammar))) {
            int last = append(prompt, 0);
            while (count < maxTokens) {
                int token = sampler.sample(last).token();
                if (tokenizer().endsGeneration(token)) {
                    return answer(tokens, count, true);
                }
                tokens[count] = token;
                last = append(new int[] {token}, prompt.length + count++);
            }
            return answer(tokens, count, false);
        }
    }

    private Answer answer(int[] tokens, int count, boolean ended) {
        int[] answered = Arrays.copyOf(tokens, count);
        return new Answer(tokenizer().decode(answered, true), answered, ended);
    }

    private int append(int[] tokens, int from) {
        var batch = new Batch();
        for (int i = 0; i < tokens.length; i++) {
            batch.add(tokens[i], from + i, 0, i == tokens.length - 1);
        }
        context.step(batch);
        return tokens.length - 1;
    }

    private static SamplingOptions options(long seed, String grammar) {
        return new SamplingOptions(
                1,
                1,
                0,
                0,
                0,
                0,
                1,
                Map.of(),
                OptionalLong.of(seed),
                false,
                0,
                Optional.of(grammar));
    }

    @Override
    public void close() {
        context.close();
        engine.close();
    }
}
