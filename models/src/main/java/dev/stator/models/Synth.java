package dev.stator.models;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Writes models of random weights that have the true shape of well-known ones: as slow and as large
 * as those, hence fit for benchmarks, but their answers are word salad. Weights are scaled so that
 * activations and logits stay of order one.
 */
public final class Synth {
    /** Opens the file that is written; a test's may fill up. */
    interface Opener {
        WritableByteChannel open(Path file) throws IOException;
    }

    private final SynthOptions options;
    private final Progress progress;

    private Synth(SynthOptions options, Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /**
     * Writes the model beside its target and moves it there when it is whole; a file of that name
     * is replaced. Memory use is a few megabytes for any shape.
     *
     * @throws ModelFileException if the tokenizer does not serve or the disk fails or is full;
     *     nothing is left behind then
     */
    public static void write(SynthOptions options, Progress progress) {
        write(options, progress, file -> FileChannel.open(file, StandardOpenOption.WRITE));
    }

    static void write(SynthOptions options, Progress progress, Opener opener) {
        new Synth(options, progress).write(opener);
    }

    private void write(Opener opener) {
        var tokenizer = options.tokenizer().map(SynthTokenizer::copied);
        var shape =
                tokenizer
                        .map(copied -> options.shape().withVocabulary(copied.tokens()))
                        .orElse(options.shape());
        var metadata = metadata(shape);
        metadata.putAll(
                tokenizer
                        .orElseGet(() -> SynthTokenizer.placeholder(shape.vocabulary()))
                        .metadata());
        var tensors = SynthTensors.of(shape, options.type());
        long bytes = tensors.stream().mapToLong(SynthTensors.Tensor::bytes).sum();

        var target = options.target().toAbsolutePath();
        var file = Disk.beside(target, bytes);
        try {
            try (var channel = opener.open(file)) {
                write(new GgufWriter(channel), metadata, tensors);
            }
            Disk.publish(file, target);
        } catch (IOException e) {
            throw Disk.failure("write", target, e);
        } finally {
            Disk.deleteQuietly(file);
        }
    }

    private void write(
            GgufWriter out,
            Map<String, GgufWriter.Value> metadata,
            List<SynthTensors.Tensor> tensors)
            throws IOException {
        out.putInt(GgufWriter.MAGIC);
        out.putInt(GgufWriter.VERSION);
        out.putLong(tensors.size());
        out.putLong(metadata.size());
        for (var entry : metadata.entrySet()) {
            out.putText(entry.getKey());
            entry.getValue().write(out);
        }
        long offset = 0;
        for (var tensor : tensors) {
            out.putText(tensor.name());
            out.putInt(tensor.rows() == 0 ? 1 : 2);
            out.putLong(tensor.columns());
            if (tensor.rows() != 0) {
                out.putLong(tensor.rows());
            }
            out.putInt(tensor.type().number);
            out.putLong(offset);
            offset =
                    Math.ceilDiv(offset + tensor.bytes(), GgufWriter.ALIGNMENT)
                            * GgufWriter.ALIGNMENT;
        }
        out.align();
        writeWeights(out, tensors, out.position() + offset);
        out.flush();
    }

    private void writeWeights(GgufWriter out, List<SynthTensors.Tensor> tensors, long total)
            throws IOException {
        var name = String.valueOf(options.target().getFileName());
        var meter = new ProgressMeter(progress, name, 0, OptionalLong.of(total));
        for (int i = 0; i < tensors.size(); i++) {
            var tensor = tensors.get(i);
            switch (tensor.fill()) {
                case SynthTensors.Fill.Ones _ -> {
                    for (int j = 0; j < tensor.columns(); j++) {
                        out.putInt(Float.floatToRawIntBits(1));
                    }
                }
                case SynthTensors.Fill.Values(var values) -> {
                    for (float value : values) {
                        out.putInt(Float.floatToRawIntBits(value));
                    }
                }
                case SynthTensors.Fill.Random(var deviation) ->
                        writeRandom(
                                out,
                                tensor,
                                new RandomWeights(
                                        options.seed() * 0x632be59bd9b4e019L + i,
                                        tensor.type(),
                                        deviation),
                                meter);
            }
            out.align();
        }
        meter.end(out.position());
    }

    private static void writeRandom(
            GgufWriter out, SynthTensors.Tensor tensor, RandomWeights weights, ProgressMeter meter)
            throws IOException {
        long blocks = tensor.bytes() / tensor.type().blockBytes;
        while (blocks > 0) {
            blocks -= weights.fill(out.room(tensor.type().blockBytes), blocks);
            meter.at(out.position());
        }
    }

    private Map<String, GgufWriter.Value> metadata(Shape shape) {
        var architecture = shape.architecture();
        var metadata = new LinkedHashMap<String, GgufWriter.Value>();
        metadata.put("general.architecture", GgufWriter.text(architecture));
        metadata.put("general.type", GgufWriter.text("model"));
        metadata.put("general.name", GgufWriter.text(shape.name() + " of random weights"));
        metadata.put(
                "general.description",
                GgufWriter.text(
                        "The shape of %s filled with random weights, seed %d, for benchmarks"
                                .formatted(shape.name(), options.seed())));
        metadata.put("general.file_type", GgufWriter.u32(options.type().fileType));
        metadata.put("general.quantization_version", GgufWriter.u32(2));
        var numbers = new LinkedHashMap<String, GgufWriter.Value>();
        numbers.put("context_length", GgufWriter.u32(shape.contextTokens()));
        numbers.put("embedding_length", GgufWriter.u32(shape.embedding()));
        numbers.put("block_count", GgufWriter.u32(shape.layers()));
        numbers.put("feed_forward_length", GgufWriter.u32(shape.feedForward()));
        numbers.put("attention.head_count", GgufWriter.u32(shape.heads()));
        numbers.put("attention.head_count_kv", GgufWriter.u32(shape.kvHeads()));
        numbers.put("attention.key_length", GgufWriter.u32(shape.headLength()));
        numbers.put("attention.value_length", GgufWriter.u32(shape.headLength()));
        numbers.put("attention.layer_norm_rms_epsilon", GgufWriter.f32(shape.rmsEpsilon()));
        numbers.put("rope.dimension_count", GgufWriter.u32(shape.headLength()));
        numbers.put("rope.freq_base", GgufWriter.f32(shape.ropeBase()));
        numbers.put("vocab_size", GgufWriter.u32(shape.vocabulary()));
        numbers.forEach((key, value) -> metadata.put(architecture + "." + key, value));
        return metadata;
    }
}
