package dev.stator.sim.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class CatalogTest {
    private static final Catalog CATALOG = Catalog.builtIn();

    private static Iterable<String> models() {
        return CATALOG.models();
    }

    private static Iterable<String> gpus() {
        return CATALOG.gpus();
    }

    @ParameterizedTest
    @MethodSource("models")
    void aShapeHasAsManyParametersAsItsAuthorsSay(String name) {
        var shape = CATALOG.model(name);
        var published = CATALOG.published(name);

        assertThat(shape.parameters() / 1e9 / published.total()).isCloseTo(1, within(0.01));
        published
                .active()
                .ifPresent(
                        active ->
                                assertThat(shape.activeParameters() / 1e9 / active)
                                        .isCloseTo(1, within(0.09)));
    }

    @ParameterizedTest
    @MethodSource("gpus")
    void everyFigureOfAGpuSaysWhereItComesFrom(String name) {
        var sources = CATALOG.gpu(name).sources();

        assertThat(sources)
                .containsOnlyKeys(
                        "per-host",
                        "teraflops",
                        "memory",
                        "memory-rate",
                        "workspace",
                        "links.DEVICE_TO_DEVICE",
                        "links.NETWORK",
                        "links.HOST",
                        "links.DISK",
                        "links.REMOTE",
                        "efficiency.dense",
                        "efficiency.experts",
                        "efficiency.attention",
                        "efficiency.weights",
                        "efficiency.kv",
                        "efficiency.all-reduce",
                        "efficiency.all-reduce-micros",
                        "efficiency.layer-micros",
                        "efficiency.step-millis");
        assertThat(sources.values())
                .allMatch(
                        source ->
                                source.contains("data sheet")
                                        || source.contains("nvidia-smi")
                                        || source.contains("architecture brief")
                                        || source.contains("fitted")
                                        || source.contains("assumed"));
    }

    @ParameterizedTest
    @MethodSource("gpus")
    void aGpuReachesLessThanItsDataSheetSays(String name) {
        var gpu = CATALOG.gpu(name);

        for (var format : gpu.teraflops().keySet()) {
            assertThat(gpu.efficiency().dense(format)).isGreaterThan(0).isLessThan(1);
            assertThat(gpu.efficiency().experts(format)).isGreaterThan(0).isLessThan(1);
        }
        for (var link : Link.values()) {
            assertThat(gpu.wire(link).bytesPerSecond()).isPositive();
        }
    }

    @Test
    void whatIsNotKnownIsRefusedWithWhatIs() {
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> CATALOG.model("llama-9"))
                .withMessageStartingWith("no model 'llama-9' is known; known are llama-3.2-1b, ");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> CATALOG.gpu("h1000"))
                .withMessageContaining("h100-sxm");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> CATALOG.precision("fp3"))
                .withMessageContaining("fp16, fp8, ");
    }
}
