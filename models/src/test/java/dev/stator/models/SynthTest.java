package dev.stator.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SynthTest {
    private static final Path DEMO = Path.of(System.getProperty("stator.demo"), "model.gguf");

    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource({
        "smollm2-135m, 134515008",
        "smollm2-360m, 361821120",
        "smollm2-1.7b, 1711376384",
        "qwen2.5-0.5b, 494032768",
        "qwen2.5-1.5b, 1543714304",
        "qwen2.5-7b, 7615616512",
        "qwen3-0.6b, 596049920",
        "tinyllama-1.1b, 1100048384",
        "llama-3.2-1b, 1235814400",
        "llama-3.2-3b, 3212749824",
        "llama-3.1-8b, 8030261248",
        "mistral-7b, 7248023552"
    })
    void shapesHaveTheParametersOfTheRealModels(String name, long parameters) {
        var tensors = SynthTensors.of(Shape.named(name), WeightType.Q8_0);

        // Llama 3's RoPE factors are no parameters.
        assertThat(
                        tensors.stream()
                                .filter(tensor -> !tensor.name().equals("rope_freqs.weight"))
                                .mapToLong(
                                        tensor ->
                                                (long) tensor.columns()
                                                        * Math.max(1, tensor.rows()))
                                .sum())
                .isEqualTo(parameters);
    }

    @Test
    void theSameSeedGivesTheSameFile() throws IOException {
        var one = write("one.gguf", WeightType.Q4_0, 7);
        var same = write("same.gguf", WeightType.Q4_0, 7);
        var other = write("other.gguf", WeightType.Q4_0, 8);

        assertThat(Files.mismatch(one, same)).isEqualTo(-1);
        assertThat(Files.mismatch(one, other)).isNotNegative();
    }

    @ParameterizedTest
    @CsvSource({"Q4_0, Q6_K", "Q8_0, Q8_0", "F16, F16"})
    void storesMatricesAsAskedAndTheOutputAsTheQuantiserDoes(WeightType type, GgmlType output) {
        var file = GgufFile.read(write("m.gguf", type, 1));

        // The rows of tiny have 128 elements, too few for Q6_K.
        assertThat(file.tensor("token_embd.weight").orElseThrow().type())
                .isEqualTo(output == GgmlType.Q6_K ? GgmlType.Q8_0 : output);
        assertThat(type.output(2048)).isEqualTo(output);
        assertThat(file.tensor("blk.1.ffn_down.weight").orElseThrow().type())
                .isEqualTo(type.matrix);
        assertThat(file.tensor("blk.0.attn_norm.weight").orElseThrow().type())
                .isEqualTo(GgmlType.F32);
    }

    @ParameterizedTest
    @CsvSource({"Q4_0, 0.004", "Q8_0, 0.002", "Q6_K, 0.002", "F16, 0.002", "F32, 0.002"})
    void weightsHaveMeanZeroAndTheDeviationAskedFor(GgmlType type, double tolerance) {
        float deviation = 0.03f;
        var buffer = ByteBuffer.allocate(4 << 18).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        long blocks = new RandomWeights(3, type, deviation).fill(buffer, Long.MAX_VALUE);
        double[] values = Dequantised.values(type, buffer.flip(), blocks);
        double sum = 0;
        double squares = 0;
        for (double value : values) {
            sum += value;
            squares += value * value;
        }

        assertThat(sum / values.length).isBetween(-tolerance * 0.1, tolerance * 0.1);
        assertThat(Math.sqrt(squares / values.length))
                .isBetween(deviation * 0.98, deviation * 1.02);
    }

    @Test
    void stretchesLlama3Frequencies() {
        float[] factors =
                Shape.named("llama-3.2-1b").ropeScaling().orElseThrow().factors(500_000, 64);

        assertThat(factors).hasSize(32).startsWith(1, 1).endsWith(32, 32);
        assertThat(factors).isSorted();
    }

    @Test
    void copiesTheTokenizerOfAnotherFile() {
        var target = folder.resolve("with-tokenizer.gguf");
        Synth.write(
                new SynthOptions(
                        Shape.named("tiny"), WeightType.Q8_0, target, Optional.of(DEMO), 1),
                Progress.NONE);

        var file = GgufFile.read(target);
        var demo = GgufFile.read(DEMO);
        assertThat(file.array("tokenizer.ggml.tokens").orElseThrow().count()).isEqualTo(1536);
        assertThat(file.whole("llama.vocab_size")).hasValue(1536);
        assertThat(file.tensor("token_embd.weight").orElseThrow().dimensions())
                .containsExactly(128L, 1536L);
        assertThat(file.text("tokenizer.chat_template"))
                .isEqualTo(demo.text("tokenizer.chat_template"));
        var some = new TreeSet<>(java.util.List.of(0L, 300L, 1535L));
        assertThat(file.texts("tokenizer.ggml.tokens", some))
                .isEqualTo(demo.texts("tokenizer.ggml.tokens", some));
    }

    @Test
    void addsAChatTemplateWhereTheTokenizerHasNone() throws IOException {
        var bare = folder.resolve("bare.gguf");
        Files.write(
                bare,
                GgufBytes.model()
                        .key("tokenizer.ggml.model", "llama")
                        .list("tokenizer.ggml.tokens", GgufType.STRING, 1, GgufBytes.text("a"))
                        .bytes());
        assertThat(SynthTokenizer.copied(bare).metadata()).containsKey("tokenizer.chat_template");
    }

    @Test
    void refusesAFileWithoutTokenizer() throws IOException {
        var bare = Files.write(folder.resolve("bare.gguf"), GgufBytes.model().key("a", 1).bytes());
        var target = folder.resolve("m.gguf");
        var options =
                new SynthOptions(
                        Shape.named("tiny"), WeightType.Q8_0, target, Optional.of(bare), 1);

        assertThatThrownBy(() -> Synth.write(options, Progress.NONE))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("holds no tokenizer");
        assertThat(target).doesNotExist();
    }

    @Test
    void placeholderTokensAreAllDifferent() {
        for (var name : Shape.names()) {
            int size = Shape.named(name).vocabulary();
            var vocabulary = new PlaceholderVocabulary(size);
            var seen = new java.util.HashSet<String>();
            for (int token = 0; token < size; token++) {
                assertThat(seen.add(vocabulary.token(token))).as("token %d", token).isTrue();
            }
        }
    }

    @Test
    void reportsItsProgress() {
        var bytes = new ArrayList<Long>();
        var totals = new ArrayList<Long>();
        var target = folder.resolve("m.gguf");
        Synth.write(
                new SynthOptions(Shape.named("tiny"), WeightType.F16, target, Optional.empty(), 1),
                (file, at, total, _) -> {
                    assertThat(file).isEqualTo("m.gguf");
                    bytes.add(at);
                    totals.add(total.orElseThrow());
                });

        assertThat(bytes).isSorted().last().isEqualTo(target.toFile().length());
        assertThat(totals).containsOnly(target.toFile().length());
    }

    @Test
    void aFullDiskLeavesNothing() throws IOException {
        var target = folder.resolve("m.gguf");
        var options =
                new SynthOptions(Shape.named("tiny"), WeightType.F16, target, Optional.empty(), 1);

        assertThatThrownBy(() -> Synth.write(options, Progress.NONE, FullDisk::open))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("the disk is full")
                .hasMessageContaining("m.gguf");
        try (var files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void refusesTargetsThatCannotBe() throws IOException {
        var file = Files.createFile(folder.resolve("file"));
        var below =
                new SynthOptions(
                        Shape.named("tiny"),
                        WeightType.F16,
                        file.resolve("m.gguf"),
                        Optional.empty(),
                        1);
        assertThatThrownBy(() -> Synth.write(below, Progress.NONE))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("cannot write");
        var itself =
                new SynthOptions(Shape.named("tiny"), WeightType.F16, folder, Optional.empty(), 1);
        assertThatThrownBy(() -> Synth.write(itself, Progress.NONE))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("is a folder");
    }

    @Test
    void unknownNamesListTheKnownOnes() {
        assertThatThrownBy(() -> Shape.named("llama-9"))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("tiny, smollm2-135m");
        assertThatThrownBy(() -> WeightType.named("q5"))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("Q4_0, Q8_0, F16");
        assertThat(WeightType.named("q4_0")).isEqualTo(WeightType.Q4_0);
    }

    private Path write(String name, WeightType type, long seed) {
        var target = folder.resolve(name);
        Synth.write(
                new SynthOptions(Shape.named("tiny"), type, target, Optional.empty(), seed),
                Progress.NONE);
        return target;
    }

    /** A disk with 100 kB of room. */
    private record FullDisk(FileChannel file) implements WritableByteChannel {
        static WritableByteChannel open(Path file) throws IOException {
            return new FullDisk(FileChannel.open(file, StandardOpenOption.WRITE));
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            if (file.size() + source.remaining() > 100_000) {
                throw new IOException("No space left on device");
            }
            return file.write(source);
        }

        @Override
        public boolean isOpen() {
            return file.isOpen();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
