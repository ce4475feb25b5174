package dev.stator.sim.claims;

import dev.stator.sim.plan.Fleet;
import dev.stator.sim.plan.Goal;
import dev.stator.sim.plan.Percentile;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.time.Workload;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** What {@code claims.yaml} beside it says of each claim. */
record ClaimsFile(Splitting splitting, OneAndOne oneAndOne, Routing routing) {
    private static final String NAME = "claims.yaml";

    /**
     * @param hit part of each prompt whose KV lies in the host tier
     */
    record Load(int prompt, int answer, double hit) {
        Workload workload() {
            return new Workload(prompt, answer, hit);
        }

        @Override
        public String toString() {
            return hit == 0
                    ? "%,d / %,d".formatted(prompt, answer)
                    : "%,d, %.0f %% held / %,d".formatted(prompt, 100 * hit, answer);
        }
    }

    /** Names of the catalog. */
    interface Setting {
        String model();

        String gpu();

        String precision();

        /** One request a second, at which nothing is judged: the rate is what is sought. */
        default Goal goal(Load load, double ttftMillis, double userSpeed) {
            var catalog = Catalog.builtIn();
            return new Goal(
                    catalog.model(model()),
                    catalog.gpu(gpu()),
                    catalog.precision(precision()),
                    load.workload(),
                    1,
                    ttftMillis,
                    1e3 / userSpeed,
                    Percentile.P90,
                    Goal.MOST_GPUS);
        }
    }

    record Untuned(int gpus, int stepTokens) {}

    record Splitting(
            String statement,
            String source,
            String model,
            String gpu,
            String precision,
            List<Integer> nodes,
            List<Double> userSpeeds,
            List<Double> otherSpeeds,
            double ttftMillis,
            Load claimed,
            List<Load> others,
            Untuned untuned,
            List<String> assumptions)
            implements Setting {}

    /** A fleet of prefill and decode workers. */
    record Workers(int prefillWorkers, int prefillGpus, int decodeWorkers, int decodeGpus) {
        Fleet of(Goal goal) {
            return new Fleet.Split(
                    shape(goal, prefillGpus),
                    prefillWorkers,
                    shape(goal, decodeGpus),
                    decodeWorkers);
        }

        private static WorkerShape shape(Goal goal, int gpus) {
            return new WorkerShape(goal.model(), goal.gpu(), gpus, goal.precision());
        }
    }

    record OneAndOne(
            String statement,
            String source,
            String model,
            String gpu,
            String precision,
            List<Double> userSpeeds,
            double ttftMillis,
            List<Load> loads,
            Workers proposed,
            Workers recipe,
            List<String> assumptions)
            implements Setting {}

    record Sessions(
            int groups,
            int systemTokens,
            double turns,
            double turnTokens,
            double answerTokens,
            double thinkSeconds,
            int maxTokens) {}

    /**
     * @param rates requests per second
     * @param requests of each run
     */
    record Routing(
            String statement,
            String source,
            String model,
            String gpu,
            String precision,
            int workers,
            int blockTokens,
            int maxRunning,
            int stepTokens,
            double ttftMillis,
            double itlMillis,
            List<Double> rates,
            long requests,
            int seeds,
            Sessions sessions,
            List<String> assumptions)
            implements Setting {}

    static ClaimsFile read() {
        var mapper =
                YAMLMapper.builder()
                        .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
                        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                        .build();
        try (var data = ClaimsFile.class.getResourceAsStream(NAME)) {
            if (data == null) {
                throw new IOException("it is not there");
            }
            return mapper.readValue(data, ClaimsFile.class);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + NAME, e);
        }
    }
}
