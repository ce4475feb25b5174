package dev.stator.cli;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.index.Tier;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.Gpu;
import dev.stator.sim.time.Link;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.SetupException;
import dev.stator.sim.time.Wire;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.world.Fleet;
import dev.stator.sim.world.Incident;
import dev.stator.sim.world.Sla;
import dev.stator.sim.world.Storage;
import dev.stator.sim.world.WorkerGroup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A file that describes a fleet to simulate; docs/simulator.md lists what can stand in it.
 *
 * @param description one line for people
 */
record FleetFile(Fleet fleet, RouterOptions options, Sla sla, String description) {
    private static final int MAX_RUNNING = 256;
    private static final int STEP_TOKENS = 2048;
    private static final Sla USUAL_SLA = new Sla(2_000, 50);

    /**
     * @throws Refusal if the file cannot be read or understood
     */
    static FleetFile read(Path path) {
        var file = YamlMapping.read("fleet", path);
        try {
            return read(file);
        } catch (SetupException | IllegalArgumentException e) {
            throw Refusal.misused("%s: %s".formatted(path, e.getMessage()));
        }
    }

    private static FleetFile read(YamlMapping file) {
        var catalog = Catalog.builtIn();
        var model = catalog.model(file.required("model", "name a model, e.g. qwen3-32b"));
        var gpu = gpu(file, catalog.gpu(file.required("gpu", "name a GPU, e.g. h100-sxm")));
        var precision = catalog.precision(file.text("precision").orElse("fp8"));
        int maxRunning = file.whole("max-running", 1, 4096, MAX_RUNNING);
        int stepTokens = file.whole("step-tokens", 16, 1 << 20, STEP_TOKENS);
        var groups = new ArrayList<WorkerGroup>();
        for (var role : WorkerRole.values()) {
            var name = role.name().toLowerCase(Locale.ROOT);
            file.nested(name)
                    .ifPresent(
                            group -> {
                                int gpus = group.whole("gpus", 1, gpu.perHost(), 1);
                                var shape = new WorkerShape(model, gpu, gpus, precision);
                                groups.add(
                                        new WorkerGroup(
                                                name.substring(0, 1),
                                                role,
                                                group.whole("count", 1, 4096, 1),
                                                gpus,
                                                shape.toString(),
                                                new Roofline(shape),
                                                group.whole("max-running", 1, 4096, maxRunning),
                                                group.whole(
                                                        "step-tokens", 16, 1 << 20, stepTokens)));
                                group.end();
                            });
        }
        if (groups.stream().noneMatch(group -> group.role().generates())) {
            throw file.refuse(
                    "both", "is missing: a fleet needs workers of 'both' or 'decode' to generate");
        }
        int gpus = groups.stream().mapToInt(group -> group.count() * group.gpus()).sum();
        var fleet =
                new Fleet(
                        groups,
                        file.whole("nodes", 1, 4096, Math.ceilDiv(gpus, gpu.perHost())),
                        storage(file, "host"),
                        storage(file, "disk"),
                        storage(file, "remote"),
                        file.whole("routers", 1, 64, 1),
                        span(file, "report-delay", Duration.ofMillis(1)),
                        span(file, "dispatch-delay", Duration.ofMillis(1)),
                        slowness(file),
                        incidents(file));
        var options = options(file);
        var sla = sla(file);
        file.end();
        return new FleetFile(fleet, options, sla, description(fleet));
    }

    private static Gpu gpu(YamlMapping file, Gpu usual) {
        var links = file.nested("links");
        var gpu = usual;
        for (var link : Link.values()) {
            var name = link.name().toLowerCase(Locale.ROOT).replace('_', '-');
            var rate = links.flatMap(mapping -> mapping.read(name, FleetFile::gigabytes));
            if (rate.isPresent()) {
                gpu = gpu.with(link, new Wire(rate.get(), 1, 0.1));
            }
        }
        links.ifPresent(YamlMapping::end);
        return gpu;
    }

    private static double gigabytes(String text) {
        if (!text.endsWith("/s")) {
            throw new IllegalArgumentException("write a rate such as 25GB/s");
        }
        return ByteSize.parse(text.substring(0, text.length() - 2)) / 1e9;
    }

    private static Storage storage(YamlMapping file, String name) {
        return file.read(name, ByteSize::parse).map(Storage::of).orElse(Storage.NONE);
    }

    private static Duration span(YamlMapping file, String name, Duration otherwise) {
        return file.read(name, Span::parse).orElse(otherwise);
    }

    private static Map<String, Double> slowness(YamlMapping file) {
        var factors = new HashMap<String, Double>();
        file.nested("slow")
                .ifPresent(
                        slow ->
                                slow.names()
                                        .forEach(
                                                worker ->
                                                        factors.put(
                                                                worker,
                                                                slow.number(worker, 0.01, 1))));
        return factors;
    }

    private static List<Incident> incidents(YamlMapping file) {
        return file.nestedList("incidents").stream().map(FleetFile::incident).toList();
    }

    private static Incident incident(YamlMapping mapping) {
        var worker = mapping.required("worker", "name a worker, e.g. b0");
        var at = Span.parse(mapping.required("at", "say when, e.g. 60s"));
        var what = mapping.required("what", "stall, death or return");
        var length = mapping.read("length", Span::parse);
        mapping.end();
        return switch (what) {
            case "stall" ->
                    new Incident.Stall(
                            worker,
                            at,
                            length.orElseThrow(
                                    () -> mapping.refuse("length", "is missing, e.g. 10s")));
            case "death" -> new Incident.Death(worker, at);
            case "return" -> new Incident.Return(worker, at);
            default -> throw mapping.refuse("what", "must be stall, death or return");
        };
    }

    private static RouterOptions options(YamlMapping file) {
        var router = file.nested("router");
        var mode =
                router.flatMap(mapping -> mapping.read("mode", text -> choice(Mode.class, text)))
                        .orElse(Mode.AUTO);
        var options = RouterOptions.of(Policy.PREDICTED, mode);
        if (router.isEmpty()) {
            return options;
        }
        var mapping = router.get();
        var peers = EnumSet.noneOf(Tier.class);
        peers.addAll(mapping.list("peers", text -> choice(Tier.class, text)));
        options =
                options.withPeerTiers(peers)
                        .withHarmWeight(mapping.number("harm-weight", 0, options.harmWeight()))
                        .withBindMillis(
                                mapping.read("bind", Span::millis).orElse(options.bindMillis()));
        mapping.end();
        return options;
    }

    private static <E extends Enum<E>> E choice(Class<E> type, String text) {
        for (var value : type.getEnumConstants()) {
            if (value.name().toLowerCase(Locale.ROOT).equals(text)) {
                return value;
            }
        }
        var names = new ArrayList<String>();
        for (var value : type.getEnumConstants()) {
            names.add(value.name().toLowerCase(Locale.ROOT));
        }
        throw new IllegalArgumentException("use one of " + String.join(", ", names));
    }

    private static Sla sla(YamlMapping file) {
        Optional<YamlMapping> limits = file.nested("sla");
        var sla =
                new Sla(
                        limits.flatMap(mapping -> mapping.read("ttft", Span::millis))
                                .orElse(USUAL_SLA.firstTokenMillis()),
                        limits.flatMap(mapping -> mapping.read("itl", Span::millis))
                                .orElse(USUAL_SLA.gapMillis()));
        limits.ifPresent(YamlMapping::end);
        return sla;
    }

    private static String description(Fleet fleet) {
        var parts = new ArrayList<String>();
        for (var group : fleet.groups()) {
            parts.add(
                    "%d %s workers of %s"
                            .formatted(
                                    group.count(),
                                    group.role().name().toLowerCase(Locale.ROOT),
                                    group.kind()));
        }
        parts.add("%d nodes".formatted(fleet.nodes()));
        tier(parts, "host", fleet.host(), " a node");
        tier(parts, "disk", fleet.disk(), " a node");
        tier(parts, "remote", fleet.remote(), "");
        parts.add("%d router%s".formatted(fleet.routers(), fleet.routers() == 1 ? "" : "s"));
        return String.join(", ", parts);
    }

    private static void tier(List<String> parts, String name, Storage storage, String per) {
        if (storage.bytes() > 0) {
            parts.add("%s %s%s".formatted(name, ByteSize.format(storage.bytes()), per));
        }
    }
}
