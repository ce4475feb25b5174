package dev.stator.bench;

import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.ToolChoice;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.codec.PayloadCoder;
import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.Engine;
import dev.stator.engine.EngineContext;
import dev.stator.engine.KvShape;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.StepResult;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What rounding KV to 8 bits a number does to answers: conversations about documents, in which all
 * that stands before the last question is read back from blocks, as it was computed and as the
 * lossy codec leaves it. Everything else, and how it is cut into steps, is the same.
 */
@Command(
        name = "kv-codec",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Right answers from KV through the codec q8_0 / those from KV as it was computed, bar >= 0.99; answers that are the same, divergence of the first token, size, speed / memcpy.")
final class KvCodecBench extends Bench {
    private static final int CONTEXT = 2048;
    private static final int STEP_TOKENS = 512;
    private static final int ANSWER_TOKENS = 32;

    /** The most that a sampler tells of. */
    private static final int CANDIDATES = 20;

    private static final int COMPUTED = 0;
    private static final int READ = 1;

    @Option(names = "--model", description = "A GGUF file (default: demo/model.gguf).")
    private Optional<Path> model = Optional.empty();

    @Option(names = "--data", description = "Default: demo/eval.jsonl.")
    private Optional<Path> data = Optional.empty();

    @Option(names = "--conversations", description = "Default: ${DEFAULT-VALUE}.")
    private int conversations = 300;

    @Option(names = "--threads", description = "Default: all cores.")
    private int threads = Runtime.getRuntime().availableProcessors();

    /**
     * @param first the likeliest first tokens
     */
    private record Answered(List<Integer> tokens, List<Sampled.Candidate> first, String text) {}

    @Override
    public Integer call() {
        var file = model.orElseGet(() -> root().resolve("demo/model.gguf"));
        var questions = data.orElseGet(() -> root().resolve("demo/eval.jsonl"));
        var asked = DocumentQuestions.read(questions, 1, conversations);
        var report =
                report(
                        "kv-codec",
                        Bar.atLeast(0.99),
                        "model %s, KV f16, blocks of %d tokens, %d conversations of %s, threads %d"
                                .formatted(
                                        file.getFileName(),
                                        Node.BLOCK_TOKENS,
                                        asked.conversations().size(),
                                        questions.getFileName(),
                                        threads));
        var libraries = new ModelOptions().libraries();
        try (var engine = LlamaEngine.load(LlamaOptions.of(file.toAbsolutePath(), libraries));
                var context =
                        engine.open(new ContextOptions(2 * CONTEXT, 2, STEP_TOKENS, threads))) {
            var trial = new Trial(engine, context);
            asked.conversations().forEach(trial::converse);
            trial.tell(report);
        }
        speed(report);
        return report.end();
    }

    /** The conversations, one after the other. */
    private static final class Trial {
        private final Engine engine;
        private final EngineContext context;
        private final ChatModel chat;
        private final KvShape kv;
        private final PayloadCodec codec = new PayloadCodec.Q8(Short.BYTES);
        private final PayloadCoder coder = new PayloadCoder();
        private final Tally exact = new Tally();
        private final Tally rounded = new Tally();
        private final List<Double> divergences = new ArrayList<>();
        private long payloadBytes;
        private long encodedBytes;

        /** What the sequence {@link #COMPUTED} holds. */
        private int[] computed = {};

        Trial(Engine engine, EngineContext context) {
            this.engine = engine;
            this.context = context;
            this.chat = ChatModel.of(engine.model(), engine.tokenizer());
            this.kv =
                    engine.model()
                            .kv()
                            .filter(shape -> shape.type().equals("f16"))
                            .orElseThrow(() -> new BenchException("the model has no KV of f16"));
        }

        void converse(DocumentQuestions.Conversation conversation) {
            var set =
                    Documents.of(
                            new ArrayList<Document>(conversation.documents()),
                            ReuseMode.EXACT,
                            false);
            var messages = new ArrayList<Map<String, Object>>();
            messages.add(Map.of("role", "system", "content", conversation.system()));
            for (var turn : conversation.turns()) {
                int[] other = prompt(messages, set, "?");
                int[] prompt = prompt(messages, set, turn.question());
                int shared = Math.max(0, Arrays.mismatch(prompt, other));
                int known = shared / Node.BLOCK_TOKENS * Node.BLOCK_TOKENS;
                var answer = ask(turn, prompt, known);
                // The history is that of exact answers, so that both ways have the same prompts.
                messages.add(Map.of("role", "user", "content", turn.question()));
                messages.add(Map.of("role", "assistant", "content", answer));
            }
        }

        private int[] prompt(List<Map<String, Object>> before, Documents set, String question) {
            var messages = new ArrayList<>(before);
            messages.add(Map.of("role", "user", "content", question));
            return chat.prompt(
                            new Conversation(
                                    List.copyOf(messages),
                                    List.of(),
                                    new ToolChoice.Auto(),
                                    true,
                                    false,
                                    Map.of(),
                                    set),
                            "")
                    .tokens();
        }

        private String ask(DocumentQuestions.Turn turn, int[] prompt, int known) {
            try (var arena = Arena.ofConfined()) {
                var blocks = blocks(arena, prompt, known);
                var before = answer(blocks, prompt, known);
                for (var rows : blocks) {
                    round(rows);
                }
                var after = answer(blocks, prompt, known);
                exact.add(turn.isRight(before.text), true, false, 0, 0);
                rounded.add(
                        turn.isRight(after.text), after.tokens.equals(before.tokens), false, 0, 0);
                divergences.add(divergence(before.first, after.first));
                return before.text;
            }
        }

        /** Computes what stands before the question, and reads it out. */
        private List<MemorySegment> blocks(Arena arena, int[] prompt, int known) {
            int common = Arrays.mismatch(prompt, computed);
            int from = common < 0 ? prompt.length : Math.min(common, known);
            context.truncate(COMPUTED, from);
            for (int at = from; at < known; at += STEP_TOKENS) {
                var batch = new Batch();
                for (int i = at; i < Math.min(at + STEP_TOKENS, known); i++) {
                    batch.add(prompt[i], i, COMPUTED, false);
                }
                require(context.step(batch));
            }
            computed = Arrays.copyOf(prompt, known);
            var blocks = new ArrayList<MemorySegment>();
            for (int at = 0; at < known; at += Node.BLOCK_TOKENS) {
                blocks.add(arena.allocate((long) Node.BLOCK_TOKENS * kv.bytesPerToken(), 64));
            }
            context.exportRows(COMPUTED, 0, known, Node.BLOCK_TOKENS, blocks);
            return blocks;
        }

        /** As another node would have them from a store. */
        private void round(MemorySegment rows) {
            var encoded = coder.encode(codec, rows);
            byte[] bytes = encoded.bytes().toArray(ValueLayout.JAVA_BYTE);
            int size = Math.toIntExact(rows.byteSize());
            if (!encoded.codec().equals(codec)
                    || !coder.decode(codec, bytes, 0, bytes.length, size)) {
                throw new BenchException("KV cannot be rounded");
            }
            byte[] before = rows.toArray(ValueLayout.JAVA_BYTE);
            coder.copyTo(rows);
            if (rows.mismatch(MemorySegment.ofArray(before)) < 0) {
                throw new BenchException("rounding has changed nothing");
            }
            payloadBytes += size;
            encodedBytes += bytes.length;
        }

        private Answered answer(List<MemorySegment> blocks, int[] prompt, int known) {
            context.truncate(READ, 0);
            int[] held = new int[blocks.size()];
            Arrays.fill(held, Node.BLOCK_TOKENS);
            require(context.importRows(READ, 0, blocks, held, known));
            var batch = new Batch();
            int last = 0;
            for (int i = known; i < prompt.length; i++) {
                last = batch.add(prompt[i], i, READ, i == prompt.length - 1);
            }
            var tokens = new ArrayList<Integer>();
            List<Sampled.Candidate> first = List.of();
            try (var sampler = context.sampler(greedy())) {
                while (true) {
                    require(context.step(batch));
                    var chosen = sampler.sample(last);
                    first = first.isEmpty() ? chosen.top() : first;
                    if (engine.tokenizer().endsGeneration(chosen.token())) {
                        break;
                    }
                    tokens.add(chosen.token());
                    if (tokens.size() == ANSWER_TOKENS) {
                        break;
                    }
                    batch.clear();
                    last = batch.add(chosen.token(), prompt.length + tokens.size() - 1, READ, true);
                }
            }
            int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
            return new Answered(tokens, first, engine.tokenizer().decode(ids, false));
        }

        private static void require(StepResult result) {
            if (result != StepResult.DONE) {
                throw new BenchException("a conversation is longer than the context");
            }
        }

        private static SamplingOptions greedy() {
            return new SamplingOptions(
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    1,
                    Map.of(),
                    OptionalLong.empty(),
                    true,
                    CANDIDATES,
                    Optional.empty());
        }

        /**
         * Kullback-Leibler, in nats, over the tokens that both tell of and all others together,
         * which is no more than over all tokens.
         */
        private static double divergence(List<Sampled.Candidate> from, List<Sampled.Candidate> to) {
            var other =
                    to.stream()
                            .collect(
                                    Collectors.toMap(
                                            Sampled.Candidate::token, c -> (double) c.logprob()));
            double sum = 0;
            double rest = 1;
            double otherRest = 1;
            for (var candidate : from) {
                var logprob = Optional.ofNullable(other.get(candidate.token()));
                if (logprob.isPresent()) {
                    double p = Math.exp(candidate.logprob());
                    sum += p * (candidate.logprob() - logprob.get());
                    rest -= p;
                    otherRest -= Math.exp(logprob.get());
                }
            }
            return rest > 0 && otherRest > 0 ? sum + rest * Math.log(rest / otherRest) : sum;
        }

        void tell(Report report) {
            report.line(
                    "| KV before the question | asked | right, %% (95 %% interval) | same answer, %% |");
            report.line("|---|---|---|---|");
            report.line("| as computed | %d | %s | |", exact.asked(), exact.rightWithInterval());
            report.line(
                    "| through q8_0 | %d | %s | %.1f |",
                    rounded.asked(), rounded.rightWithInterval(), 100 * rounded.same());
            var all = Samples.of(divergences);
            report.line(
                    "first token, Kullback-Leibler divergence in nats: mean %.1e, median %.1e, 99 of 100 below %.1e, most %.1e",
                    divergences.stream().mapToDouble(d -> d).average().orElse(0),
                    all.median(),
                    all.quantile(0.99),
                    all.max());
            report.extra("kv-codec.size", encodedBytes / (double) payloadBytes);
            report.extra("kv-codec.same", rounded.same());
            report.ratio("kv-codec.right", rounded.right() / exact.right());
        }
    }

    private static final int SPEED_ROUNDS = 40;
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int BLOCKS = 64;

    /** What a block takes on its way out and in, beside copying it. */
    private static void speed(Report report) {
        var coder = new PayloadCoder();
        var codec = new PayloadCodec.Q8(Short.BYTES);
        double bytes = (double) BLOCKS * BLOCK_BYTES;
        var copies = new ArrayList<Double>();
        var encodes = new ArrayList<Double>();
        var decodes = new ArrayList<Double>();
        try (var arena = Arena.ofConfined()) {
            var rows = arena.allocate(BLOCKS * (long) BLOCK_BYTES, 4096);
            var random = new Random(1);
            for (long i = 0; i < rows.byteSize() / 2; i++) {
                rows.setAtIndex(
                        ValueLayout.JAVA_SHORT,
                        i,
                        Float.floatToFloat16((float) random.nextGaussian()));
            }
            var target = arena.allocate(BLOCK_BYTES, 4096);
            byte[] encoded =
                    coder.encode(codec, rows.asSlice(0, BLOCK_BYTES))
                            .bytes()
                            .toArray(ValueLayout.JAVA_BYTE);
            for (int round = 0; round < SPEED_ROUNDS; round++) {
                long start = System.nanoTime();
                for (int i = 0; i < BLOCKS; i++) {
                    MemorySegment.copy(rows, (long) i * BLOCK_BYTES, target, 0, BLOCK_BYTES);
                }
                long copied = System.nanoTime();
                for (int i = 0; i < BLOCKS; i++) {
                    coder.encode(codec, rows.asSlice((long) i * BLOCK_BYTES, BLOCK_BYTES));
                }
                long written = System.nanoTime();
                for (int i = 0; i < BLOCKS; i++) {
                    coder.decode(codec, encoded, 0, encoded.length, BLOCK_BYTES);
                    coder.copyTo(rows.asSlice((long) i * BLOCK_BYTES, BLOCK_BYTES));
                }
                long read = System.nanoTime();
                // The first half is for the compiler.
                if (round >= SPEED_ROUNDS / 2) {
                    copies.add(bytes / (copied - start));
                    encodes.add(bytes / (written - copied));
                    decodes.add(bytes / (read - written));
                }
            }
        }
        double copy = Samples.of(copies).median();
        double encode = Samples.of(encodes).median();
        double decode = Samples.of(decodes).median();
        report.line(
                "memcpy %.2f, encode %.2f, decode and copy %.2f GB/s of f16", copy, encode, decode);
        report.extra("kv-codec.encode", encode / copy);
        report.extra("kv-codec.decode", decode / copy);
    }
}
