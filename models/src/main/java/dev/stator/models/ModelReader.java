package dev.stator.models;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;

/** Makes a {@link ModelReport} of a file. */
final class ModelReader {
    private static final String SPECIAL_PREFIX = "tokenizer.ggml.";
    private static final String SPECIAL_SUFFIX = "_token_id";

    private final GgufFile file;
    private final String architecture;
    private final List<GgufTensor> tensors = new ArrayList<>();
    private final List<String> missingParts = new ArrayList<>();
    private long bytes;

    ModelReader(Path path) {
        this.file = GgufFile.read(path);
        long parts = file.whole("split.count").orElse(1);
        if (parts > 1 && file.whole("split.no").orElse(0) != 0) {
            throw new ModelFileException(
                    "%s is part %d of %d of a split model; name the first part"
                            .formatted(path, file.whole("split.no").orElse(0) + 1, parts));
        }
        this.architecture =
                file.text("general.architecture")
                        .orElseThrow(
                                () ->
                                        new ModelFileException(
                                                "%s names no architecture (general.architecture), so it is no model"
                                                        .formatted(path)));
        this.bytes = file.fileBytes();
        tensors.addAll(file.tensors());
        if (parts > 1) {
            addParts();
        }
    }

    private void addParts() {
        var path = file.path();
        var split = SplitName.parse(String.valueOf(path.getFileName()));
        if (split.isEmpty()) {
            throw new ModelFileException(
                    "%s is the first part of a split model but is not named like one (…-00001-of-…); llama.cpp will not find the others"
                            .formatted(path));
        }
        for (int part = 2; part <= split.get().parts(); part++) {
            var name = split.get().name(part);
            var other = path.resolveSibling(name);
            if (Files.exists(other)) {
                var read = GgufFile.read(other);
                bytes += read.fileBytes();
                tensors.addAll(read.tensors());
            } else {
                missingParts.add(name);
            }
        }
    }

    ModelReport report() {
        long parameters = tensors.stream().mapToLong(GgufTensor::elements).sum();
        long weightBytes = tensors.stream().mapToLong(GgufTensor::bytes).sum();
        var bytesByType = bytesByType();
        int layers = layers();
        var attention = attention(layers);
        return new ModelReport(
                file.path().toString(),
                bytes,
                List.copyOf(missingParts),
                file.text("general.name"),
                architecture,
                parameters,
                file.whole("general.file_type").stream()
                        .mapToObj(FileType::named)
                        .flatMap(Optional::stream)
                        .findFirst()
                        .or(() -> bytesByType.keySet().stream().findFirst())
                        .orElse("none"),
                parameters == 0 ? 0 : 8.0 * weightBytes / parameters,
                bytesByType,
                positive("context_length"),
                layers,
                positive("embedding_length"),
                byLayer("feed_forward_length", layers),
                positive("expert_count"),
                attention,
                KvCost.of(file, attention, layers),
                rope(attention),
                vocabulary(),
                file.text("tokenizer.chat_template"));
    }

    private Map<String, Long> bytesByType() {
        var sums = new TreeMap<GgmlType, Long>();
        tensors.forEach(tensor -> sums.merge(tensor.type(), tensor.bytes(), Long::sum));
        var largestFirst = new LinkedHashMap<String, Long>();
        sums.entrySet().stream()
                .sorted(Map.Entry.<GgmlType, Long>comparingByValue().reversed())
                .forEach(entry -> largestFirst.put(entry.getKey().name(), entry.getValue()));
        return largestFirst;
    }

    private int layers() {
        long layers = file.whole(key("block_count")).orElse(0);
        if (layers < 0 || layers > KvCost.MAX_LAYERS) {
            throw new ModelFileException(
                    "%s claims %d layers, so it is damaged".formatted(file.path(), layers));
        }
        return (int) layers;
    }

    private ModelReport.Attention attention(int layers) {
        var heads = byLayer("attention.head_count", layers);
        var kvHeads = byLayer("attention.head_count_kv", layers);
        long width = file.whole(key("embedding_length")).orElse(0);
        long most = heads.stream().mapToLong(Long::longValue).findFirst().orElse(0);
        var byDivision =
                most > 0 && width > 0 ? OptionalLong.of(width / most) : OptionalLong.empty();
        return new ModelReport.Attention(
                heads,
                kvHeads.isEmpty() ? heads : kvHeads,
                orElse(positive("attention.key_length"), byDivision),
                orElse(positive("attention.value_length"), byDivision),
                KvCost.slidingWindow(file, architecture));
    }

    private static OptionalLong orElse(OptionalLong first, OptionalLong second) {
        return first.isPresent() ? first : second;
    }

    private ModelReport.Rope rope(ModelReport.Attention attention) {
        var factor = file.real(key("rope.scaling.factor"));
        return new ModelReport.Rope(
                orElse(positive("rope.dimension_count"), attention.keyLength()),
                file.real(key("rope.freq_base")),
                file.text(key("rope.scaling.type")),
                factor.isPresent() ? factor : file.real(key("rope.scale_linear")),
                positive("rope.scaling.original_context_length"),
                tensors.stream()
                        .anyMatch(
                                tensor ->
                                        tensor.name().startsWith("rope_f")
                                                || tensor.name().contains(".rope_f")));
    }

    private ModelReport.Vocabulary vocabulary() {
        var tokens = file.array("tokenizer.ggml.tokens");
        return new ModelReport.Vocabulary(
                tokens.map(GgufValue.Array::count)
                        .orElseGet(() -> file.whole(key("vocab_size")).orElse(0)),
                file.text("tokenizer.ggml.model"),
                file.text("tokenizer.ggml.pre"),
                specials(tokens.isPresent()),
                file.flag("tokenizer.ggml.add_bos_token"));
    }

    private Map<String, ModelReport.Special> specials(boolean withTexts) {
        var ids = new LinkedHashMap<String, Long>();
        file.metadata()
                .forEach(
                        (key, value) -> {
                            if (key.startsWith(SPECIAL_PREFIX)
                                    && key.endsWith(SPECIAL_SUFFIX)
                                    && value instanceof GgufValue.Whole(_, var id)) {
                                ids.put(
                                        key.substring(
                                                SPECIAL_PREFIX.length(),
                                                key.length() - SPECIAL_SUFFIX.length()),
                                        id);
                            }
                        });
        var texts =
                withTexts
                        ? file.texts("tokenizer.ggml.tokens", new TreeSet<>(ids.values()))
                        : Map.<Long, String>of();
        var specials = new LinkedHashMap<String, ModelReport.Special>();
        ids.forEach(
                (role, id) ->
                        specials.put(
                                role,
                                new ModelReport.Special(id, Optional.ofNullable(texts.get(id)))));
        return specials;
    }

    /** A number, or one for each layer; empty if the file says nothing of it. */
    private List<Long> byLayer(String suffix, int layers) {
        var key = key(suffix);
        if (file.array(key).isEmpty()) {
            return positive(suffix).stream().boxed().toList();
        }
        var values = file.wholes(key, KvCost.MAX_LAYERS);
        if (values.size() < layers || values.stream().anyMatch(value -> value < 0)) {
            throw new ModelFileException(
                    "%s has an impossible %s for %d layers: %s, so it is damaged"
                            .formatted(file.path(), key, layers, values));
        }
        var used = values.subList(0, layers);
        return used.stream().distinct().count() == 1 ? List.of(used.getFirst()) : used;
    }

    private OptionalLong positive(String suffix) {
        var value = file.whole(key(suffix));
        return value.orElse(0) > 0 ? value : OptionalLong.empty();
    }

    private String key(String suffix) {
        return architecture + "." + suffix;
    }
}
