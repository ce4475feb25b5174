package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.stator.engine.Certainty;
import dev.stator.engine.EngineException;
import dev.stator.engine.Sampled;
import dev.stator.engine.Sampler;
import dev.stator.engine.SamplingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A llama_sampler chain, and apart from it the grammar.
 *
 * <p>Testing a whole vocabulary against a grammar is slow. So a token is drawn without the grammar
 * first and tested alone; only if the grammar refuses it, the grammar filters the whole vocabulary
 * and the draw is repeated (the method of llama.cpp's own tools).
 */
final class LlamaSampler implements Sampler {
    /** Penalties look at this many of the answer's last tokens. */
    private static final int PENALTY_WINDOW = 4096;

    private static final long TOKEN_DATA_BYTES = Layouts.TOKEN_DATA.byteSize();

    private final LlamaEngine engine;
    private final Llama llama;
    private final LlamaContext context;
    private final SamplingOptions options;
    private final MemorySegment chain;
    private final Optional<Grammar> grammar;

    /**
     * Owned by the sampler that has a grammar: candidates of a whole vocabulary, and the struct
     * that points at them.
     */
    private record Grammar(
            MemorySegment sampler, Arena arena, MemorySegment candidates, MemorySegment array) {}

    LlamaSampler(LlamaEngine engine, LlamaContext context, SamplingOptions options) {
        this.engine = engine;
        this.llama = engine.llama();
        this.context = context;
        this.options = options;
        this.grammar = options.grammar().map(this::newGrammar);
        this.chain = newChain();
    }

    private MemorySegment newChain() {
        int vocabulary = engine.model().vocabularySize();
        var built = llama.samplerChain();
        if (!options.logitBias().isEmpty()) {
            llama.samplerAdd(built, logitBias(vocabulary));
        }
        if (options.repeatPenalty() != 1
                || options.frequencyPenalty() != 0
                || options.presencePenalty() != 0) {
            llama.samplerAdd(
                    built,
                    llama.samplerPenalties(
                            vocabulary,
                            PENALTY_WINDOW,
                            options.repeatPenalty(),
                            options.frequencyPenalty(),
                            options.presencePenalty()));
        }
        if (options.temperature() <= 0) {
            llama.samplerAdd(built, llama.samplerGreedy());
            return built;
        }
        if (options.topK() > 0) {
            llama.samplerAdd(built, llama.samplerTopK(options.topK()));
        }
        if (options.topP() < 1) {
            llama.samplerAdd(built, llama.samplerTopP(options.topP()));
        }
        if (options.minP() > 0) {
            llama.samplerAdd(built, llama.samplerMinP(options.minP()));
        }
        llama.samplerAdd(built, llama.samplerTemperature(options.temperature()));
        long seed = options.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong());
        // -1 would make the library draw a seed of its own.
        llama.samplerAdd(built, llama.samplerDist((int) seed == -1 ? 1 : (int) seed));
        return built;
    }

    private MemorySegment logitBias(int vocabulary) {
        try (var arena = Arena.ofConfined()) {
            var biases = arena.allocate(Layouts.LOGIT_BIAS, options.logitBias().size());
            long at = 0;
            for (var entry : options.logitBias().entrySet()) {
                if (entry.getKey() < 0 || entry.getKey() >= vocabulary) {
                    throw new EngineException(
                            "logit_bias names token %d, which is not one of 0 to %d"
                                    .formatted(entry.getKey(), vocabulary - 1));
                }
                biases.set(JAVA_INT, at, entry.getKey());
                biases.set(JAVA_FLOAT, at + 4, entry.getValue());
                at += Layouts.LOGIT_BIAS.byteSize();
            }
            return llama.samplerLogitBias(vocabulary, options.logitBias().size(), biases);
        }
    }

    private Grammar newGrammar(String text) {
        MemorySegment sampler;
        try (var confined = Arena.ofConfined()) {
            sampler =
                    llama.samplerGrammar(
                            engine.vocabOfTexts(),
                            confined.allocateFrom(text),
                            confined.allocateFrom("root"));
        }
        if (sampler.equals(MemorySegment.NULL)) {
            throw new EngineException(
                    "the engine refused the grammar: " + llama.libraries().complaints());
        }
        var arena = Arena.ofShared();
        var candidates = arena.allocate(Layouts.TOKEN_DATA, engine.model().vocabularySize());
        return new Grammar(sampler, arena, candidates, arena.allocate(Layouts.TOKEN_DATA_ARRAY));
    }

    @Override
    public Sampled sample(int index) {
        int token =
                grammar.isEmpty()
                        ? llama.sample(chain, context.handle(), index)
                        : sampleWithin(grammar.get(), index);
        if (!options.logprobs()) {
            return new Sampled(token, Float.NaN, List.of());
        }
        return withLogprobs(token, context.logits(index));
    }

    @Override
    public void accept(int token) {
        if (token < 0 || token >= engine.model().vocabularySize()) {
            throw new EngineException(
                    "token %d is not one of 0 to %d"
                            .formatted(token, engine.model().vocabularySize() - 1));
        }
        grammar.ifPresent(
                within -> {
                    // The library would abort the process.
                    if (!allows(within, token)) {
                        throw new EngineException(
                                "the answer's beginning does not follow the grammar");
                    }
                    llama.samplerAccept(within.sampler, token);
                });
        llama.samplerAccept(chain, token);
    }

    private int sampleWithin(Grammar within, int index) {
        var logits = context.logits(index);
        fill(within, logits);
        llama.samplerApply(chain, within.array);
        int token = selected(within, false);
        if (!allows(within, token)) {
            fill(within, logits);
            llama.samplerApply(within.sampler, within.array);
            llama.samplerApply(chain, within.array);
            token = selected(within, true);
        }
        llama.samplerAccept(within.sampler, token);
        llama.samplerAccept(chain, token);
        return token;
    }

    private void fill(Grammar within, MemorySegment logits) {
        int vocabulary = engine.model().vocabularySize();
        for (int token = 0; token < vocabulary; token++) {
            long at = token * TOKEN_DATA_BYTES;
            within.candidates.set(JAVA_INT, at, token);
            within.candidates.set(JAVA_FLOAT, at + 4, logits.getAtIndex(JAVA_FLOAT, token));
            within.candidates.set(JAVA_FLOAT, at + 8, 0f);
        }
        point(within.array, within.candidates, vocabulary);
    }

    private static void point(MemorySegment array, MemorySegment candidates, long size) {
        array.set(ADDRESS, 0, candidates);
        array.set(JAVA_LONG, 8, size);
        array.set(JAVA_LONG, 16, -1);
        array.set(JAVA_BOOLEAN, 24, false);
    }

    /**
     * Accepting a token that the grammar forbids would abort the process, so a draw among nothing
     * but forbidden tokens must stop here.
     */
    private static int selected(Grammar within, boolean filtered) {
        long selected = within.array.get(JAVA_LONG, 16);
        long size = within.array.get(JAVA_LONG, 8);
        if (selected < 0 || selected >= size) {
            throw new EngineException("no token was chosen");
        }
        var data = within.array.get(ADDRESS, 0).reinterpret(size * TOKEN_DATA_BYTES);
        if (filtered
                && data.get(JAVA_FLOAT, selected * TOKEN_DATA_BYTES + 4)
                        == Float.NEGATIVE_INFINITY) {
            throw new EngineException(
                    "no token of the model's vocabulary can continue the answer within the grammar");
        }
        return data.get(JAVA_INT, selected * TOKEN_DATA_BYTES);
    }

    private boolean allows(Grammar within, int token) {
        within.candidates.set(JAVA_INT, 0, token);
        within.candidates.set(JAVA_FLOAT, 4, 1f);
        point(within.array, within.candidates, 1);
        llama.samplerApply(within.sampler, within.array);
        return within.candidates.get(JAVA_FLOAT, 4) != Float.NEGATIVE_INFINITY;
    }

    @Override
    public Certainty certainty(int index) {
        int vocabulary = engine.model().vocabularySize();
        var logits = context.logits(index);
        double normaliser = normaliser(logits, vocabulary);
        double entropy = 0;
        for (int i = 0; i < vocabulary; i++) {
            double log = logits.getAtIndex(JAVA_FLOAT, i) - normaliser;
            double probability = Math.exp(log);
            // An impossible token's logarithm is infinite; it adds nothing.
            entropy -= probability > 0 ? probability * log : 0;
        }
        int[] best = best(logits, vocabulary, 2);
        double margin =
                best.length < 2
                        ? Double.POSITIVE_INFINITY
                        : logits.getAtIndex(JAVA_FLOAT, best[0])
                                - logits.getAtIndex(JAVA_FLOAT, best[1]);
        return new Certainty(margin, entropy);
    }

    /** What a logit is more than the logarithm of its token's probability. */
    private static double normaliser(MemorySegment logits, int vocabulary) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabulary; i++) {
            max = Math.max(max, logits.getAtIndex(JAVA_FLOAT, i));
        }
        double sum = 0;
        for (int i = 0; i < vocabulary; i++) {
            sum += Math.exp(logits.getAtIndex(JAVA_FLOAT, i) - max);
        }
        return max + Math.log(sum);
    }

    private Sampled withLogprobs(int token, MemorySegment logits) {
        int vocabulary = engine.model().vocabularySize();
        double normaliser = normaliser(logits, vocabulary);
        var top = new ArrayList<Sampled.Candidate>();
        for (int best : best(logits, vocabulary, options.topLogprobs())) {
            top.add(
                    new Sampled.Candidate(
                            best, (float) (logits.getAtIndex(JAVA_FLOAT, best) - normaliser)));
        }
        return new Sampled(
                token,
                (float) (logits.getAtIndex(JAVA_FLOAT, token) - normaliser),
                List.copyOf(top));
    }

    /** Token ids of the {@code count} largest logits, largest first. */
    private static int[] best(MemorySegment logits, int vocabulary, int count) {
        int[] best = new int[Math.min(count, vocabulary)];
        int held = 0;
        for (int token = 0; token < vocabulary && best.length > 0; token++) {
            float logit = logits.getAtIndex(JAVA_FLOAT, token);
            if (held == best.length && logit <= logits.getAtIndex(JAVA_FLOAT, best[held - 1])) {
                continue;
            }
            int at = held < best.length ? held++ : held - 1;
            while (at > 0 && logits.getAtIndex(JAVA_FLOAT, best[at - 1]) < logit) {
                best[at] = best[at - 1];
                at--;
            }
            best[at] = token;
        }
        return best;
    }

    @Override
    public void close() {
        llama.samplerFree(chain);
        grammar.ifPresent(
                owned -> {
                    llama.samplerFree(owned.sampler);
                    owned.arena.close();
                });
    }
}
