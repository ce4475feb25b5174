package dev.stator.sim.time;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The models, GPUs and precisions that have time models; the data lies in YAML files beside it. */
public final class Catalog {
    private static final Catalog BUILT_IN = read();

    private final Map<String, ModelEntry> models;
    private final Map<String, Gpu> gpus;
    private final Map<String, Precision> precisions;

    private Catalog(
            Map<String, ModelEntry> models,
            Map<String, Gpu> gpus,
            Map<String, Precision> precisions) {
        this.models = models;
        this.gpus = gpus;
        this.precisions = precisions;
    }

    public static Catalog builtIn() {
        return BUILT_IN;
    }

    /**
     * @throws SetupException if it is not known
     */
    public ModelShape model(String name) {
        return known(models, "model", name).shape();
    }

    /**
     * @throws SetupException if it is not known
     */
    public Gpu gpu(String name) {
        return known(gpus, "GPU", name);
    }

    /**
     * @throws SetupException if it is not known
     */
    public Precision precision(String name) {
        return known(precisions, "precision", name);
    }

    public List<String> models() {
        return List.copyOf(models.keySet());
    }

    public List<String> gpus() {
        return List.copyOf(gpus.keySet());
    }

    public List<String> precisions() {
        return List.copyOf(precisions.keySet());
    }

    /** What the model's authors say of its size. */
    Published published(String model) {
        return known(models, "model", model).published();
    }

    private static <T> T known(Map<String, T> entries, String what, String name) {
        var entry = entries.get(name);
        if (entry == null) {
            throw new SetupException(
                    "no %s '%s' is known; known are %s"
                            .formatted(what, name, String.join(", ", entries.keySet())));
        }
        return entry;
    }

    /** In billions of parameters; without {@code active} it is the same as {@code total}. */
    record Published(double total, Optional<Double> active) {}

    /** A model as the file writes it: what is left out is zero. */
    record ModelEntry(
            String name,
            String source,
            Published published,
            int layers,
            int hidden,
            int vocabulary,
            Optional<Boolean> tied,
            Optional<Attention.Grouped> grouped,
            Optional<Attention.Latent> latent,
            Optional<Integer> feedForward,
            Optional<Integer> denseLayers,
            Optional<Integer> windowLayers,
            Optional<Integer> window,
            Optional<ExpertsEntry> experts) {
        ModelShape shape() {
            Attention attention =
                    latent.<Attention>map(Function.identity())
                            .or(() -> grouped)
                            .orElseThrow(
                                    () -> new SetupException(name + " says nothing of attention"));
            return new ModelShape(
                    name,
                    layers,
                    hidden,
                    vocabulary,
                    tied.orElse(false),
                    attention,
                    feedForward.orElse(0),
                    denseLayers.orElse(experts.isPresent() ? 0 : layers),
                    windowLayers.orElse(0),
                    window.orElse(0),
                    experts.map(ExpertsEntry::experts));
        }
    }

    record ExpertsEntry(int count, int active, int width, Optional<Integer> sharedWidth) {
        Experts experts() {
            return new Experts(count, active, width, sharedWidth.orElse(0));
        }
    }

    record PrecisionEntry(
            String name,
            String source,
            double weights,
            double experts,
            double kv,
            Format arithmetic) {
        Precision precision() {
            return new Precision(name, weights, experts, kv, arithmetic, source);
        }
    }

    record WireEntry(double rate, double efficiency, double latencyMillis) {
        Wire wire() {
            return new Wire(rate, efficiency, latencyMillis);
        }
    }

    record GpuEntry(
            String name,
            int perHost,
            Map<Format, Double> teraflops,
            double memory,
            double memoryRate,
            double workspace,
            Map<Link, WireEntry> links,
            Efficiency efficiency,
            Map<String, String> sources) {
        Gpu gpu() {
            var wires = new LinkedHashMap<Link, Wire>();
            links.forEach((link, entry) -> wires.put(link, entry.wire()));
            return new Gpu(
                    name,
                    perHost,
                    teraflops,
                    memory,
                    memoryRate,
                    workspace,
                    wires,
                    efficiency,
                    sources);
        }
    }

    private static Catalog read() {
        return new Catalog(
                read(
                        "models.yaml",
                        new TypeReference<>() {},
                        ModelEntry::name,
                        Function.identity()),
                read("gpus.yaml", new TypeReference<>() {}, GpuEntry::name, GpuEntry::gpu),
                read(
                        "precisions.yaml",
                        new TypeReference<>() {},
                        PrecisionEntry::name,
                        PrecisionEntry::precision));
    }

    private static <E, T> Map<String, T> read(
            String file,
            TypeReference<List<E>> type,
            Function<E, String> name,
            Function<E, T> made) {
        var mapper =
                YAMLMapper.builder()
                        .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
                        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                        .build();
        try (var data = open(file)) {
            var entries = new LinkedHashMap<String, T>();
            for (var entry : mapper.readValue(data, type)) {
                entries.put(name.apply(entry), made.apply(entry));
            }
            return entries;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    private static InputStream open(String file) throws IOException {
        var data = Catalog.class.getResourceAsStream(file);
        if (data == null) {
            throw new IOException("it is not there");
        }
        return data;
    }
}
