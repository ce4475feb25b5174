package dev.stator.engine.process;

import dev.stator.engine.ContextOptions;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The engine's records as values of frames: what one method puts, the other takes. */
final class Messages {
    private Messages() {}

    static void put(Frame frame, LlamaOptions options) {
        frame.put(options.model().toString())
                .put(options.libraries().toString())
                .put(options.gpuLayers())
                .put(options.kvType())
                .put(options.devices().size());
        options.devices().forEach(frame::put);
    }

    static LlamaOptions takeLlamaOptions(Frame frame) {
        var model = Path.of(frame.takeString());
        var libraries = Path.of(frame.takeString());
        int gpuLayers = frame.takeInt();
        var kvType = frame.takeString();
        var devices = new ArrayList<String>();
        for (int left = frame.takeInt(); left > 0; left--) {
            devices.add(frame.takeString());
        }
        return new LlamaOptions(model, libraries, gpuLayers, devices, kvType);
    }

    static void put(Frame frame, ModelInfo model) {
        frame.put(model.name())
                .put(model.architecture())
                .put(model.description())
                .put(model.parameters())
                .put(model.bytes())
                .put(model.contextTokens())
                .put(model.vocabularySize())
                .put(model.embeddingLength())
                .put(model.fingerprint())
                .put(model.chatTemplate())
                .put(model.generates())
                .put(model.embeds())
                .put(model.kv().isPresent());
        model.kv().ifPresent(kv -> put(frame, kv));
    }

    static ModelInfo takeModelInfo(Frame frame) {
        return new ModelInfo(
                        frame.takeString(),
                        frame.takeString(),
                        frame.takeString(),
                        frame.takeLong(),
                        frame.takeLong(),
                        frame.takeInt(),
                        frame.takeInt(),
                        frame.takeInt(),
                        Optional.empty(),
                        frame.takeString(),
                        frame.takeOptional(),
                        frame.takeBoolean(),
                        frame.takeBoolean())
                .withKv(frame.takeBoolean() ? Optional.of(takeKvShape(frame)) : Optional.empty());
    }

    private static void put(Frame frame, KvShape shape) {
        frame.put(shape.type()).put(shape.layers().size());
        shape.layers().forEach(layer -> frame.put(layer.keyBytes()).put(layer.valueBytes()));
    }

    private static KvShape takeKvShape(Frame frame) {
        var type = frame.takeString();
        var layers = new ArrayList<KvShape.Layer>();
        for (int left = frame.takeInt(); left > 0; left--) {
            layers.add(new KvShape.Layer(frame.takeInt(), frame.takeInt()));
        }
        return new KvShape(type, layers);
    }

    static void put(Frame frame, ContextOptions options) {
        frame.put(options.cells())
                .put(options.sequences())
                .put(options.stepTokens())
                .put(options.threads());
    }

    static ContextOptions takeContextOptions(Frame frame) {
        return new ContextOptions(
                frame.takeInt(), frame.takeInt(), frame.takeInt(), frame.takeInt());
    }

    static void put(Frame frame, SamplingOptions options) {
        frame.put(options.temperature())
                .put(options.topP())
                .put(options.topK())
                .put(options.minP())
                .put(options.frequencyPenalty())
                .put(options.presencePenalty())
                .put(options.repeatPenalty())
                .put(options.seed().isPresent())
                .put(options.seed().orElse(0))
                .put(options.logprobs())
                .put(options.topLogprobs())
                .put(options.grammar())
                .put(options.logitBias().size());
        options.logitBias().forEach((token, bias) -> frame.put(token).put(bias));
    }

    static SamplingOptions takeSamplingOptions(Frame frame) {
        float temperature = frame.takeFloat();
        float topP = frame.takeFloat();
        int topK = frame.takeInt();
        float minP = frame.takeFloat();
        float frequencyPenalty = frame.takeFloat();
        float presencePenalty = frame.takeFloat();
        float repeatPenalty = frame.takeFloat();
        boolean seeded = frame.takeBoolean();
        long seed = frame.takeLong();
        boolean logprobs = frame.takeBoolean();
        int topLogprobs = frame.takeInt();
        var grammar = frame.takeOptional();
        var biases = new HashMap<Integer, Float>();
        for (int left = frame.takeInt(); left > 0; left--) {
            biases.put(frame.takeInt(), frame.takeFloat());
        }
        return new SamplingOptions(
                temperature,
                topP,
                topK,
                minP,
                frequencyPenalty,
                presencePenalty,
                repeatPenalty,
                biases,
                seeded ? OptionalLong.of(seed) : OptionalLong.empty(),
                logprobs,
                topLogprobs,
                grammar);
    }

    static void put(Frame frame, Sampled sampled) {
        frame.put(sampled.token()).put(sampled.logprob()).put(sampled.top().size());
        sampled.top().forEach(each -> frame.put(each.token()).put(each.logprob()));
    }

    static Sampled takeSampled(Frame frame) {
        int token = frame.takeInt();
        float logprob = frame.takeFloat();
        var top = new ArrayList<Sampled.Candidate>();
        for (int left = frame.takeInt(); left > 0; left--) {
            top.add(new Sampled.Candidate(frame.takeInt(), frame.takeFloat()));
        }
        return new Sampled(token, logprob, List.copyOf(top));
    }
}
