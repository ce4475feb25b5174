package dev.stator.acceptance;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** One scrape of {@code /metrics}: samples by name and labels as written. */
record Metrics(Map<String, Double> samples) {
    static Metrics of(Http http) {
        var response = http.get("/metrics");
        if (response.statusCode() != 200) {
            throw new AssertionError("/metrics answers " + response.statusCode());
        }
        var samples = new LinkedHashMap<String, Double>();
        response.body()
                .lines()
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .forEach(
                        line -> {
                            int space = line.lastIndexOf(' ');
                            samples.put(
                                    line.substring(0, space),
                                    Double.valueOf(line.substring(space + 1)));
                        });
        return new Metrics(samples);
    }

    /** The sum of a metric over all its labels. There must be such a metric. */
    double sum(String name) {
        var found =
                samples.entrySet().stream()
                        .filter(sample -> sample.getKey().split("\\{", 2)[0].equals(name))
                        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        if (found.isEmpty()) {
            throw new AssertionError("no metric %s among %s".formatted(name, samples.keySet()));
        }
        return found.values().stream().mapToDouble(value -> value).sum();
    }

    /** Requests in the server, waiting or in work, on any worker. */
    double inWork() {
        return sum("stator_num_requests_running")
                + sum("stator_num_requests_waiting")
                + sum("stator_worker_running")
                + sum("stator_worker_waiting");
    }

    /** What only requests in work may hold. */
    double held() {
        return sum("stator_host_cache_blocks_pinned")
                + sum("stator_host_cache_blocks_claimed")
                + sum("stator_host_cache_leases")
                + sum("stator_worker_cells_used");
    }

    static void awaitIdle(Http http) {
        Await.until(
                () -> {
                    var now = of(http);
                    return now.inWork() + now.held() == 0;
                },
                () -> of(http));
    }
}
