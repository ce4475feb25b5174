package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.WaitingOptions;
import dev.stator.routing.Mode;
import dev.stator.serving.ServiceClass;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ConfigurationTest {
    private static final Path FILE = Path.of("stator.yaml");

    private static Configuration merge(
            Map<Setting<?>, List<String>> flags, Map<String, String> environment, String yaml) {
        return Configuration.merge(
                flags, environment, Optional.of(ConfigurationFile.parse(FILE, yaml)));
    }

    @Test
    void nothingChosenGivesTheDefaults() {
        var configuration = merge(Map.of(), Map.of(), "");

        assertThat(configuration.get(Settings.PORT)).isEqualTo(8000);
        assertThat(configuration.get(Settings.MODE)).isEqualTo(Mode.AUTO);
        assertThat(configuration.get(Settings.DRAIN)).isEqualTo(Duration.ofSeconds(30));
        assertThat(configuration.get(Settings.MAX_BODY)).isEqualTo(32L << 20);
        assertThat(configuration.all(Settings.API_KEYS)).isEmpty();
        assertThat(configuration.find(Settings.MODEL)).isEmpty();
        assertThat(configuration.origin(Settings.PORT)).isEqualTo("default");
    }

    @Test
    void everyFixedDefaultIsValid() {
        for (var setting : Settings.ALL) {
            setting.fallback().ifPresent(text -> setting.reader().read(List.of(text)));
        }
    }

    @Test
    void namesOfSettingsAreUniqueInEveryForm() {
        var names = new HashSet<String>();
        for (var setting : Settings.ALL) {
            assertThat(setting.name()).matches("[a-z]+(-[a-z]+)*");
            assertThat(names.add(setting.variable())).as(setting.variable()).isTrue();
            assertThat(Settings.RESERVED_VARIABLES).doesNotContain(setting.variable());
        }
    }

    @Test
    void flagsGoBeforeTheEnvironmentAndThatBeforeTheFile() {
        var configuration =
                merge(
                        Map.of(Settings.PORT, List.of("1")),
                        Map.of("STATOR_PORT", "2", "STATOR_HOST", "127.0.0.2"),
                        "port: 3\nhost: 127.0.0.3\ncontext: 4096\n");

        assertThat(configuration.get(Settings.PORT)).isEqualTo(1);
        assertThat(configuration.origin(Settings.PORT)).isEqualTo("--port");
        assertThat(configuration.get(Settings.HOST)).isEqualTo("127.0.0.2");
        assertThat(configuration.origin(Settings.HOST)).isEqualTo("STATOR_HOST");
        assertThat(configuration.find(Settings.CONTEXT)).contains(4096);
        assertThat(configuration.origin(Settings.CONTEXT)).isEqualTo("stator.yaml line 3");
    }

    @Test
    void listsAreYamlListsOrCommas() {
        assertThat(merge(Map.of(), Map.of(), "api-key: [a, b]").all(Settings.API_KEYS))
                .containsExactly("a", "b");
        assertThat(
                        merge(Map.of(), Map.of("STATOR_API_KEY", "a, b"), "api-key: c")
                                .all(Settings.API_KEYS))
                .containsExactly("a", "b");
        assertThat(merge(Map.of(), Map.of(), "devices: []").all(Settings.DEVICES)).isEmpty();
    }

    @Test
    void anUnknownKeyIsRefusedWithItsLineAndTheNearestName() {
        assertThatThrownBy(() -> merge(Map.of(), Map.of(), "port: 1\n\nprefil-workers: 2\n"))
                .isInstanceOf(Refusal.class)
                .hasMessage(
                        "unknown key 'prefil-workers' in stator.yaml line 3: did you mean 'prefill-workers'?");
    }

    @Test
    void anUnknownVariableIsRefusedWithTheNearestName() {
        assertThatThrownBy(() -> merge(Map.of(), Map.of("STATOR_PROT", "1"), ""))
                .hasMessage(
                        "unknown environment variable STATOR_PROT: did you mean 'STATOR_PORT'?");
    }

    @Test
    void variablesOfTheScriptAndOfOthersAreLeftAlone() {
        merge(
                Map.of(),
                Map.of("STATOR_JAVA_OPTS", "-Xmx1g", "STATOR_DEBUG", "1", "STATORX", "y"),
                "");
    }

    @Test
    void anEmptyVariableCountsAsNotSet() {
        assertThat(merge(Map.of(), Map.of("STATOR_PORT", ""), "port: 3").get(Settings.PORT))
                .isEqualTo(3);
    }

    @Test
    void allProblemsAreToldAtOnce() {
        assertThatThrownBy(
                        () ->
                                merge(
                                        Map.of(Settings.MODE, List.of("agregated")),
                                        Map.of("STATOR_MAX_QUEUE", "-1"),
                                        "port: 70000\nkv-type: q4\nmodel:\n"))
                .isInstanceOfSatisfying(
                        Refusal.class,
                        refusal -> {
                            assertThat(refusal.exitCode()).isEqualTo(Refusal.MISUSED);
                            assertThat(refusal.getMessage().lines())
                                    .containsExactlyInAnyOrder(
                                            "'agregated' is no valid mode (--mode): write one of aggregated, auto, disaggregated: did you mean 'aggregated'?",
                                            "'-1' is no valid max-queue (STATOR_MAX_QUEUE): write a whole number from 0 to 1000000",
                                            "'70000' is no valid port (stator.yaml line 1): write a whole number from 0 to 65535",
                                            "'q4' is no valid kv-type (stator.yaml line 2): write one of bf16, f16, f32, q8_0",
                                            "model in stator.yaml line 3 has no value");
                        });
    }

    @Test
    void classesOfRequestsAreNamedWithTheirValues() {
        var configuration =
                merge(
                        Map.of(Settings.CLASS_QUEUES, List.of("flex=0")),
                        Map.of("STATOR_CLASS_WEIGHTS", "priority=8, FLEX=2"),
                        "tenant-by: safety-identifier\nttft-deadline-ms: 1500\n");

        assertThat(configuration.find(Settings.CLASS_QUEUES))
                .contains(Map.of(ServiceClass.FLEX, 0));
        assertThat(configuration.find(Settings.CLASS_WEIGHTS))
                .contains(Map.of(ServiceClass.PRIORITY, 8.0, ServiceClass.FLEX, 2.0));
        assertThat(configuration.get(Settings.TENANT_BY))
                .isEqualTo(WaitingOptions.TenantBy.SAFETY_IDENTIFIER);
        assertThat(configuration.get(Settings.TTFT_DEADLINE)).isEqualTo(Duration.ofMillis(1500));
        assertThat(merge(Map.of(), Map.of(), "").get(Settings.TTFT_DEADLINE))
                .isEqualTo(Duration.ZERO);
    }

    @Test
    void partsOfTheHostCacheAreSetForAllAndByKey() {
        var configuration =
                merge(
                        Map.of(Settings.TENANT_CACHE_BY_KEY, List.of("a=100", "b=5")),
                        Map.of("STATOR_TENANT_CACHE_PERCENT", "25"),
                        "");

        assertThat(configuration.get(Settings.TENANT_CACHE)).isEqualTo(25);
        assertThat(configuration.find(Settings.TENANT_CACHE_BY_KEY))
                .contains(Map.of("a", 100, "b", 5));
        assertThat(merge(Map.of(), Map.of(), "").get(Settings.TENANT_CACHE)).isEqualTo(100);
        assertThatThrownBy(
                        () ->
                                merge(
                                        Map.of(Settings.TENANT_CACHE_BY_KEY, List.of("a=101")),
                                        Map.of("STATOR_TENANT_CACHE_PERCENT", "all"),
                                        ""))
                .hasMessageContaining("write a whole number from 0 to 100");
    }

    @Test
    void wrongValuesOfClassesAreExplained() {
        assertThatThrownBy(
                        () ->
                                merge(
                                        Map.of(Settings.CLASS_QUEUES, List.of("batch=1")),
                                        Map.of("STATOR_CLASS_WEIGHTS", "priority=0"),
                                        "tenant-by: users\n"))
                .hasMessageContaining("write one of default, flex, priority")
                .hasMessageContaining("write a whole number from 1 to 1000000")
                .hasMessageContaining(
                        "write one of api-key, safety-identifier, user: did you mean 'user'?");
        assertThatThrownBy(
                        () -> merge(Map.of(Settings.CLASS_QUEUES, List.of("flex")), Map.of(), ""))
                .hasMessageContaining("write CLASS=N");
    }

    @Test
    void aFileThatIsNoFlatMappingIsRefused() {
        assertThatThrownBy(() -> merge(Map.of(), Map.of(), "- port\n- host\n"))
                .hasMessageContaining("write settings as 'name: value'");
        assertThatThrownBy(() -> merge(Map.of(), Map.of(), "model:\n  path: x\nport: 1\n"))
                .hasMessage(
                        "stator.yaml line 2: 'model' takes a value or a list of values, nothing nested");
        assertThatThrownBy(() -> merge(Map.of(), Map.of(), "port: 1\nport: 2\n"))
                .hasMessage("stator.yaml line 2: 'port' stands there twice, first in line 1");
        assertThatThrownBy(() -> merge(Map.of(), Map.of(), "port: [1, 2]\n"))
                .hasMessage("port takes one value, but 2 are given in stator.yaml line 1");
    }

    @Test
    void aSecretIsNeverShown() {
        var configuration = merge(Map.of(), Map.of(), "api-key: [s3cret, t0p]");

        assertThat(configuration.shown(Settings.API_KEYS)).isEqualTo("(2 given)");
    }
}
