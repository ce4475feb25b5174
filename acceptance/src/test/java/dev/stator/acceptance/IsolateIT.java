package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A server whose workers are processes of their own, of which some die. */
final class IsolateIT {
    private static final int STREAMS = 8;
    private static final Pattern WORKER =
            Pattern.compile("(\\S+) (?:has|goes on with) the engine's process (\\d+)");

    private StatorProcess server;
    private Http http;

    @BeforeEach
    void start() {
        server = StatorProcess.up("--isolate", "--prefill-workers", "1", "--decode-workers", "2");
        http = new Http(server.url());
    }

    @AfterEach
    void stop() {
        http.close();
        server.close();
    }

    /** The processes of its workers by the workers' names, as its log says. */
    private Map<String, ProcessHandle> workers() {
        var found = new TreeMap<String, ProcessHandle>();
        for (var line : server.err()) {
            var matcher = WORKER.matcher(line);
            if (matcher.find()) {
                ProcessHandle.of(Long.parseLong(matcher.group(2)))
                        .ifPresent(process -> found.put(matcher.group(1), process));
            }
        }
        return found;
    }

    private ProcessHandle worker(String name) {
        return Optional.ofNullable(workers().get(name)).orElseThrow();
    }

    private static void signal(ProcessHandle process, String name) throws Exception {
        var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
        assertThat(kill.waitFor()).isZero();
    }

    private void awaitWorkers() {
        Await.until(
                () ->
                        workers().size() == 3
                                && workers().values().stream().allMatch(ProcessHandle::isAlive),
                () -> server.err());
    }

    private List<WholeAnswer> streams() {
        var streams = new ArrayList<WholeAnswer>();
        for (int i = 0; i < STREAMS; i++) {
            streams.add(new WholeAnswer(http, "Question %d: Who?".formatted(i), 400));
        }
        return streams;
    }

    private static List<String> texts(List<WholeAnswer> streams) throws Exception {
        var texts = new ArrayList<String>();
        for (var stream : streams) {
            texts.add(stream.await());
        }
        return texts;
    }

    @Test
    void streamsDoNotNoticeThatAWorkersProcessIsKilled() throws Exception {
        assertThat(workers()).containsOnlyKeys("prefill-0", "decode-0", "decode-1");
        var expected = texts(streams());

        for (var name : List.of("decode-0", "decode-1", "prefill-0")) {
            var streams = streams();
            streams.forEach(stream -> stream.awaitEvents(50));
            worker(name).destroyForcibly();
            assertThat(texts(streams)).as("%s was killed", name).isEqualTo(expected);
            awaitWorkers();
        }
        Await.until(
                () -> Metrics.of(http).sum("stator_worker_losses_total") == 3, () -> server.err());
        assertThat(server.isAlive()).isTrue();
        Metrics.awaitIdle(http);
    }

    @Test
    void aWorkersProcessThatFreezesIsReplaced() throws Exception {
        var expected = texts(streams());
        var streams = streams();
        streams.forEach(stream -> stream.awaitEvents(50));
        var frozen = worker("decode-0");
        signal(frozen, "STOP");

        assertThat(texts(streams)).isEqualTo(expected);
        frozen.onExit().get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        awaitWorkers();
        Metrics.awaitIdle(http);
    }

    @Test
    void workersProcessesEndWithTheServerHoweverItEnds() throws Exception {
        var before = workers();
        server.kill();
        for (var process : before.values()) {
            process.onExit().get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    @Test
    void signalsOfATerminalReachTheServerAlone() throws Exception {
        var streams = streams();
        streams.forEach(stream -> stream.awaitEvents(10));
        var before = workers();
        for (var process : before.values()) {
            signal(process, "INT");
            signal(process, "TERM");
        }
        server.terminate();

        assertThat(texts(streams)).allSatisfy(text -> assertThat(text).isNotEmpty());
        assertThat(server.exitCode()).isZero();
        for (var process : before.values()) {
            process.onExit().get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }
}
