package dev.stator.bench;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.Sampled;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Explained;
import dev.stator.routing.queue.QueueState;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.Fabric;
import dev.stator.serving.FabricStats;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A fabric that computes nothing: each step gives every answer the same token. */
final class InstantFabric implements Fabric {
    private static final int CONTEXT = 1 << 30;
    private static final String TEXT = " token";
    static final GeneratedToken TOKEN =
            new GeneratedToken(new Sampled(' ', Float.NaN, List.of()), TEXT);

    /** ChatML, as many models have it. */
    private static final String TEMPLATE =
            "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content']"
                    + " + '<|im_end|>' + '\\n' }}{% endfor %}"
                    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private static final ModelInfo MODEL =
            new ModelInfo(
                    "instant",
                    "instant",
                    "instant",
                    0,
                    0,
                    CONTEXT,
                    256,
                    0,
                    Optional.empty(),
                    "00",
                    Optional.of(TEMPLATE),
                    true,
                    false);

    private final ConcurrentLinkedQueue<Stream> arrivals = new ConcurrentLinkedQueue<>();

    // Owned by the stepping thread.
    private final List<Stream> running = new ArrayList<>();

    private static final class Stream implements Admission.Admitted {
        final GenerationListener listener;
        final int promptTokens;
        int left;
        volatile boolean cancelled;

        Stream(GenerationRequest request, GenerationListener listener) {
            this.listener = listener;
            this.promptTokens = request.prompt().length;
            this.left = request.maxTokens();
        }

        @Override
        public void cancel() {
            cancelled = true;
        }

        /** Whether it has ended. */
        boolean step() {
            if (cancelled) {
                finish(FinishReason.CANCELLED);
                return true;
            }
            listener.onToken(TOKEN);
            if (--left == 0) {
                finish(FinishReason.LENGTH);
                return true;
            }
            return false;
        }

        private void finish(FinishReason reason) {
            listener.onFinish(
                    reason,
                    "",
                    new Account(
                            "aggregated",
                            "instant",
                            "instant",
                            Map.of("computed", promptTokens),
                            new int[0],
                            Map.of(),
                            Optional.empty()));
        }
    }

    /** One token for every answer. */
    void step() {
        for (var stream = arrivals.poll(); stream != null; stream = arrivals.poll()) {
            running.add(stream);
        }
        running.removeIf(Stream::step);
    }

    @Override
    public ModelInfo model() {
        return MODEL;
    }

    @Override
    public Tokenizer tokenizer() {
        return Bytes.TOKENIZER;
    }

    @Override
    public int contextTokens() {
        return CONTEXT;
    }

    @Override
    public Admission submit(GenerationRequest request, GenerationListener listener) {
        var stream = new Stream(request, listener);
        arrivals.add(stream);
        return stream;
    }

    @Override
    public List<float[]> embed(List<int[]> inputs) {
        throw new IllegalStateException("this model does not embed");
    }

    @Override
    public List<Explained> decisions(int count) {
        return List.of();
    }

    @Override
    public Optional<Explained> decision(long request) {
        return Optional.empty();
    }

    @Override
    public FabricStats stats() {
        return new FabricStats(
                new QueueState(List.of(), Map.of(), false),
                0,
                List.of(),
                Map.of(),
                0,
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of());
    }

    @Override
    public void drain() {}

    @Override
    public void close() {}

    /** A token a byte. */
    private enum Bytes implements Tokenizer {
        TOKENIZER;

        @Override
        public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int[] tokens = new int[bytes.length];
            for (int i = 0; i < bytes.length; i++) {
                tokens[i] = bytes[i] & 0xff;
            }
            return tokens;
        }

        @Override
        public byte[] bytes(int token, boolean special) {
            return new byte[] {(byte) token};
        }

        @Override
        public String decode(int[] tokens, boolean special) {
            byte[] bytes = new byte[tokens.length];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) tokens[i];
            }
            return new String(bytes, StandardCharsets.UTF_8);
        }

        @Override
        public boolean endsGeneration(int token) {
            return false;
        }

        @Override
        public List<Special> specials() {
            return List.of();
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.empty();
        }

        @Override
        public OptionalInt eos() {
            return OptionalInt.empty();
        }

        @Override
        public boolean addsBos() {
            return false;
        }

        @Override
        public int size() {
            return 256;
        }
    }
}
