package dev.stator.sim.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** How close the time models come to measurements that others have published. */
final class CalibrationTest {
    private static final int LARGEST_BATCH = 2048;
    private static final double GIB = 1024.0 * 1024 * 1024;

    private static List<Group> groups = List.of();

    private enum Use {
        FIT,
        CHECK
    }

    private enum Kind {
        SATURATED,
        BATCH,
        FIRST,
        BETWEEN,
        RUN,
        CAPACITY
    }

    private record Worker(
            String model, String gpu, int gpus, String precision, Optional<Double> memoryShare) {
        Roofline timed() {
            var catalog = Catalog.builtIn();
            return new Roofline(
                    new WorkerShape(
                            catalog.model(model),
                            catalog.gpu(gpu),
                            gpus,
                            catalog.precision(precision),
                            memoryShare.orElse(WorkerShape.USUAL_MEMORY_SHARE)));
        }
    }

    private record Group(
            String source, Use use, double bound, Kind kind, Worker worker, List<double[]> rows) {
        /** Predicted over measured, less 1. */
        List<Double> errors() {
            var model = worker.timed();
            return rows.stream()
                    .map(row -> predicted(model, row) / row[row.length - 1] - 1)
                    .toList();
        }

        private double predicted(Roofline model, double[] row) {
            return switch (kind) {
                case SATURATED -> {
                    var load = new Workload((int) row[0], (int) row[1], 0);
                    yield SteadyState.full(model, load, LARGEST_BATCH).requestsPerSecond() * row[1];
                }
                case BATCH -> 1e3 * row[0] * row[2] / runMillis(model, row);
                case RUN -> runMillis(model, row);
                case FIRST -> model.stepMillis(StepWork.prefill(0, (int) row[0]));
                case BETWEEN ->
                        SteadyState.of(
                                        model,
                                        new Workload((int) row[1], (int) row[2], 0),
                                        (int) row[0])
                                .stepMillis();
                case CAPACITY -> model.kvTokens() * model.kvBytesPerToken() / GIB;
            };
        }

        /** One prompt step for all, then a step for each further token. */
        private static double runMillis(Roofline model, double[] row) {
            int batch = (int) row[0];
            var load = new Workload((int) row[1], (int) row[2], 0);
            var prompts =
                    new StepWork(
                            batch * load.promptTokens(),
                            batch * StepWork.attended(0, load.promptTokens()),
                            0,
                            0);
            var token = StepWork.decode(batch, Math.round(batch * load.meanContext()));
            return model.stepMillis(prompts) + (load.answerTokens() - 1) * model.stepMillis(token);
        }
    }

    @BeforeAll
    static void readMeasurements() throws IOException {
        var mapper =
                YAMLMapper.builder()
                        .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
                        .build();
        try (var file = CalibrationTest.class.getResourceAsStream("calibration.yaml")) {
            groups =
                    mapper.readValue(
                            Objects.requireNonNull(file), new TypeReference<List<Group>>() {});
        }
    }

    @TestFactory
    List<DynamicTest> eachMeasurementIsMetWithinItsBound() {
        return groups.stream()
                .map(
                        group ->
                                DynamicTest.dynamicTest(
                                        "%s, %s, %s"
                                                .formatted(
                                                        group.worker(), group.kind(), group.use()),
                                        () -> {
                                            print(group);
                                            assertThat(group.errors())
                                                    .allMatch(e -> Math.abs(e) <= group.bound());
                                        }))
                .toList();
    }

    @Test
    void figuresThatWereNotFittedAreMetAsWell() {
        var fit = absoluteErrors(Use.FIT);
        var check = absoluteErrors(Use.CHECK);
        System.out.printf(
                "fitted: %d rows, median error %.1f %%, 90th percentile %.1f %%; checked: %d rows, median %.1f %%, 90th percentile %.1f %%%n",
                fit.size(),
                100 * at(fit, 0.5),
                100 * at(fit, 0.9),
                check.size(),
                100 * at(check, 0.5),
                100 * at(check, 0.9));
        assertThat(at(fit, 0.5)).isLessThan(0.07);
        assertThat(at(fit, 0.9)).isLessThan(0.19);
        assertThat(at(check, 0.5)).isLessThan(0.08);
        assertThat(at(check, 0.9)).isLessThan(0.3);
    }

    private static List<Double> absoluteErrors(Use use) {
        var errors = new ArrayList<Double>();
        groups.stream()
                .filter(group -> group.use() == use)
                .forEach(group -> group.errors().forEach(error -> errors.add(Math.abs(error))));
        return errors.stream().sorted().toList();
    }

    private static double at(List<Double> sorted, double quantile) {
        return sorted.get((int) (quantile * (sorted.size() - 1)));
    }

    private static void print(Group group) {
        var errors = new StringBuilder();
        group.errors().forEach(error -> errors.append(" %+.0f%%".formatted(100 * error)));
        System.out.printf(
                "%-16s %d x %-13s %-6s %-9s %-5s%s%n",
                group.worker().model(),
                group.worker().gpus(),
                group.worker().gpu(),
                group.worker().precision(),
                group.kind(),
                group.use(),
                errors);
    }
}
