package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MainTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... arguments) {
        return run(Map.of(), arguments);
    }

    private int run(Map<String, String> environment, String... arguments) {
        var console =
                new Console(
                        InputStream.nullInputStream(),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        environment);
        return Main.run(console, arguments);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void helpListsTheCommands() {
        assertThat(run("--help")).isZero();
        assertThat(out())
                .contains("up", "chat", "model", "config", "plan", "simulate", "--version");
    }

    @Test
    void helpOfUpShowsEverySettingWithItsDefault() {
        assertThat(run("up", "--help")).isZero();
        var page = out().replaceAll("\\s+", " ");
        for (var setting : Settings.UP) {
            assertThat(page).contains(setting.flag());
            assertThat(page.replace(" ", ""))
                    .contains("[" + setting.fallbackText().replace(" ", "") + "]");
        }
    }

    @Test
    void aToggleIsAskedForByItsFlagAlone() {
        assertThat(run("config", "--isolate", "--port", "0")).isZero();
        assertThat(out()).containsPattern("(?m)^isolate: +true");
        assertThat(run("config", "--isolate", "perhaps")).isEqualTo(2);
        assertThat(err()).contains("write true|false");
    }

    @Test
    void aRoleThatThereIsNotIsRefused() {
        assertThat(run("node", "--role", "all")).isEqualTo(2);
        assertThat(err()).contains("write one of both, decode, prefill");
    }

    @Test
    void helpOfTheClustersCommandsShowsTheirSettings() {
        assertThat(run("node", "--help")).isZero();
        assertThat(out())
                .contains("--join", "--node-port", "--host-cache", "--cluster-key-file", "--role")
                .doesNotContain("--api-key", "--migration-retries");
        assertThat(run("frontend", "--help")).isZero();
        assertThat(out())
                .contains("--api-key", "--migration-retries", "--node-timeout-ms", "--mode");
        assertThat(run("status", "--help")).isZero();
        assertThat(out()).contains("--json", "--url");
    }

    @Test
    void whatMakesNoClusterIsRefusedBeforeTheModelIsLoaded() {
        assertThat(run("node", "--cluster-address", "192.0.2.1")).isEqualTo(2);
        assertThat(err()).contains("cluster-key-file");
        assertThat(run("frontend", "--join", "nowhere")).isEqualTo(2);
        assertThat(err()).contains("'nowhere' is no member to join");
        assertThat(run("node", "--port", "1")).isEqualTo(2);
        assertThat(err()).contains("unknown flag --port");
    }

    @Test
    void anUnknownFlagIsRefusedWithTheNearest() {
        assertThat(run("up", "--prot", "1")).isEqualTo(2);
        assertThat(err()).startsWith("stator: unknown flag --prot: did you mean '--port'?\n");
    }

    @Test
    void anUnknownCommandIsRefusedWithTheNearest() {
        assertThat(run("caht")).isEqualTo(2);
        assertThat(err()).startsWith("stator: unknown command 'caht': did you mean 'chat'?\n");
    }

    @Test
    void noCommandShowsTheHelp() {
        assertThat(run()).isEqualTo(2);
        assertThat(err()).contains("up", "chat");
    }

    @Test
    void wrongValuesOfAllSourcesAreToldTogether() {
        assertThat(run(Map.of("STATOR_PORT", "x"), "up", "--mode", "y", "--kv-type", "z"))
                .isEqualTo(2);
        assertThat(err().lines()).hasSize(3).allMatch(line -> line.startsWith("stator: '"));
    }

    @Test
    void aConfigurationFileThatIsNotThereIsRefused() {
        assertThat(run("config", "--config", "/nowhere/x.yaml")).isEqualTo(2);
        assertThat(err())
                .isEqualTo(
                        "stator: cannot read the configuration file /nowhere/x.yaml (there is no such file)\n");
    }

    @Test
    void aConfigurationFileThatIsNotYamlIsRefusedWithItsLine(@TempDir Path folder)
            throws IOException {
        var file = Files.writeString(folder.resolve("x.yaml"), "port: 1\nhost: [a\n");

        assertThat(run("config", "--config", file.toString())).isEqualTo(2);
        assertThat(err()).startsWith("stator: " + file + " line ").contains("is not YAML");
        assertThat(err().lines()).hasSize(1);
    }

    @Test
    void configShowsValuesAndWhereTheyComeFrom(@TempDir Path folder) throws IOException {
        var file =
                Files.writeString(folder.resolve("x.yaml"), "host-cache: 1GiB\napi-key: s3cret\n");

        assertThat(
                        run(
                                Map.of("STATOR_CONTEXT", "512"),
                                "config",
                                "--config",
                                file.toString(),
                                "--port",
                                "0"))
                .isZero();
        assertThat(out())
                .containsPattern("(?m)^port: 0 +# --port$")
                .containsPattern("(?m)^context: 512 +# STATOR_CONTEXT$")
                .containsPattern("(?m)^host-cache: 1GiB +# .*x.yaml line 1$")
                .containsPattern("(?m)^max-queue: 256 +# default$")
                .doesNotContain("s3cret");
    }

    @Test
    void whatConfigShowsIsAConfiguration(@TempDir Path folder) throws IOException {
        assertThat(run("config", "--port", "17", "--devices", "A,B")).isZero();
        var file = Files.writeString(folder.resolve("x.yaml"), out());
        out.reset();

        assertThat(run("config", "--config", file.toString())).isZero();
        assertThat(out()).contains("port: 17 ").contains("devices: A,B ");
    }

    @Test
    void anUnknownShapeOrTypeIsRefused(@TempDir Path folder) {
        assertThat(run("model", "synth", "llama-9")).isEqualTo(1);
        assertThat(err()).contains("llama-9", "llama-3.2-1b").doesNotContain("\tat ");
    }

    @Test
    void verboseShowsWhereAFailureComesFrom() {
        assertThat(run("model", "synth", "llama-9", "--verbose")).isEqualTo(1);
        assertThat(err()).contains("\tat dev.stator.");
    }

    @Test
    void chatRefusesWhatIsNoAddress() {
        assertThat(run("chat", "--url", "localhost")).isEqualTo(2);
        assertThat(err()).contains("'localhost' is no address of a server");
    }

    private static final String[] PLAN = {
        "plan", "--isl", "3000", "--osl", "150", "--rate", "10", "--ttft", "500", "--itl", "30"
    };

    private static String[] plan(String... more) {
        return Stream.concat(Arrays.stream(PLAN), Arrays.stream(more)).toArray(String[]::new);
    }

    @Test
    void planPrintsAFleetThatKeepsTheLimits() {
        assertThat(run(plan("--model", "llama-3.3-70b", "--gpu", "h100-sxm"))).isZero();
        assertThat(out()).contains("Cheapest: ", "Alternative: ", "; simulated, up to ");
    }

    @Test
    void planByFormulasSimulatesNothing() {
        assertThat(run(plan("--model", "llama-3.3-70b", "--gpu", "h100-sxm", "--formulas")))
                .isZero();
        assertThat(out()).contains("Cheapest: ").doesNotContain("simulated");
    }

    @Test
    void planFailsWhereNothingKeepsTheLimits() {
        assertThat(run(plan("--model", "llama-3.3-70b", "--gpu", "h100-sxm", "--max-gpus", "2")))
                .isEqualTo(1);
        assertThat(out()).contains("No fleet of up to 2 GPUs", "What would help:");
    }

    @Test
    void planRefusesWhatItDoesNotKnowAndListsWhatItDoes() {
        assertThat(run(plan("--model", "llama-9", "--gpu", "h100-sxm"))).isEqualTo(2);
        assertThat(err()).startsWith("stator: no model 'llama-9' is known; known are llama-3.2-1b");
        assertThat(err().lines()).hasSize(1);
    }

    @Test
    void planRefusesAFigureThatMakesNoSense() {
        assertThat(
                        run(
                                plan(
                                        "--model",
                                        "llama-3.3-70b",
                                        "--gpu",
                                        "h100-sxm",
                                        "--prefix-hit",
                                        "1.4")))
                .isEqualTo(2);
        assertThat(err())
                .isEqualTo(
                        "stator: the part of prompts that is there already must be at least 0 and below 1, not 1.4\n");
    }

    @Test
    void cacheSaysThatThereIsNoServerAndWhatNoAddressIs() {
        assertThat(run("cache", "ls", "--url", "http://127.0.0.1:1")).isEqualTo(1);
        assertThat(err()).contains("there is no server at http://127.0.0.1:1");
        assertThat(run("cache", "drop", "0123", "--url", "nowhere")).isEqualTo(2);
        assertThat(err()).contains("'nowhere' is no address of a server");
        assertThat(run("cache")).isEqualTo(2);
    }

    @Test
    void aPrefixIsNamedByItsKeyAndNoFileIsWrittenOver(@TempDir Path folder) throws IOException {
        var key = "0123456789abcdef0123456789abcdef";
        assertThat(run("cache", "export", "0123", "x")).isEqualTo(2);
        assertThat(err()).contains("'0123' is no key of a prefix");
        var file = Files.writeString(folder.resolve("there"), "mine");
        assertThat(run("cache", "export", key, file.toString())).isEqualTo(1);
        assertThat(err()).contains("is there already");
        assertThat(file).hasContent("mine");
        var none = folder.resolve("none").toString();
        assertThat(run("cache", "import", none)).isEqualTo(1);
        assertThat(err()).contains("there is no file");
        assertThat(run("cache", "export", key, none, "--url", "http://127.0.0.1:1")).isEqualTo(1);
        assertThat(err()).contains("there is no server at http://127.0.0.1:1");
        assertThat(folder.resolve("none")).doesNotExist();
    }
}
