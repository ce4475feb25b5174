package dev.stator.sim.time;

import java.util.EnumMap;
import java.util.Map;

/**
 * A kind of GPU and its usual host.
 *
 * @param perHost GPUs in one host
 * @param teraflops peak dense operations, in units of 10^12 per second, by format
 * @param memoryGigabytes device memory in units of 10^9 bytes
 * @param memoryGigabytesPerSecond peak bandwidth of the device memory
 * @param workspaceGigabytes memory that an engine needs besides weights and KV
 * @param sources where each value comes from, by its name
 */
public record Gpu(
        String name,
        int perHost,
        Map<Format, Double> teraflops,
        double memoryGigabytes,
        double memoryGigabytesPerSecond,
        double workspaceGigabytes,
        Map<Link, Wire> links,
        Efficiency efficiency,
        Map<String, String> sources) {
    /** Never used: all links are there. */
    private static final Wire NONE = new Wire(0, 0, 0);

    public Gpu {
        teraflops = Map.copyOf(teraflops);
        links = Map.copyOf(links);
        sources = Map.copyOf(sources);
        for (var link : Link.values()) {
            if (!links.containsKey(link)) {
                throw new SetupException("GPU '%s' says nothing about %s".formatted(name, link));
            }
        }
    }

    /** The same GPU in a host with another link. */
    public Gpu with(Link link, Wire wire) {
        var changed = new EnumMap<Link, Wire>(links);
        changed.put(link, wire);
        return new Gpu(
                name,
                perHost,
                teraflops,
                memoryGigabytes,
                memoryGigabytesPerSecond,
                workspaceGigabytes,
                changed,
                efficiency,
                sources);
    }

    Wire wire(Link link) {
        return links.getOrDefault(link, NONE);
    }

    /** Whether its tensor cores know a format. */
    public boolean multiplies(Format format) {
        return teraflops.containsKey(format);
    }

    double operationsPerSecond(Format format) {
        return teraflops.getOrDefault(format, 0.0) * 1e12;
    }

    double memoryBytesPerSecond() {
        return memoryGigabytesPerSecond * 1e9;
    }
}
