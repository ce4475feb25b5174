package dev.stator.engine.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.Engine;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.EngineLostException;
import dev.stator.engine.Pause;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.SharedMemory;
import dev.stator.engine.StepResult;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The engine in another process does what it does in this one, and may die. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ProcessEngineTest {
    private static final ContextOptions SMALL = new ContextOptions(1024, 4, 512, 2);
    private static final int BLOCK = 32;
    private static final int TOKENS = 300;
    private static final long SHARED_BYTES = 4 << 20;

    private final Arena arena = Arena.ofShared();
    private LlamaEngine here;
    private ProcessEngine there;
    private SharedMemory shared;

    @BeforeAll
    void load(@TempDir Path folder) throws IOException {
        here = LlamaEngine.load(model());
        there = ProcessEngine.load(options(Duration.ofSeconds(5)));
        var file = folder.resolve("shared");
        try (var channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            var mapping = channel.map(FileChannel.MapMode.READ_WRITE, 0, SHARED_BYTES, arena);
            shared = new SharedMemory(file, mapping);
        }
        there.share(shared);
    }

    @AfterAll
    void close() {
        there.close();
        here.close();
        arena.close();
    }

    static LlamaOptions model() {
        return LlamaOptions.of(
                Path.of(System.getProperty("stator.demo"), "model.gguf"),
                Platform.libraries(Path.of(System.getProperty("stator.natives"))));
    }

    static ProcessOptions options(Duration silence) {
        var command = new ArrayList<>(JavaCommand.running(WorkerProcess.class));
        // One test crashes it.
        command.add(1, "-XX:ErrorFile=/dev/null");
        return new ProcessOptions(model(), command, silence);
    }

    @Test
    void describesTheSameModel() {
        assertThat(there.model()).isEqualTo(here.model());
        assertThat(there.tokenizer().encode("Old Heron Cafe", true, true))
                .isEqualTo(here.tokenizer().encode("Old Heron Cafe", true, true));
        assertThat(there.immovable()).isEqualTo(here.immovable());
    }

    @Test
    void aModelThatCannotBeLoadedIsToldInTheLibrarysWords(@TempDir Path folder) {
        var absent =
                ProcessOptions.of(
                        LlamaOptions.of(folder.resolve("absent.gguf"), model().libraries()),
                        JavaCommand.running(WorkerProcess.class));
        assertThatThrownBy(() -> ProcessEngine.load(absent))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("no readable model");
    }

    @Test
    void aProcessThatDoesNotStartIsToldWithItsExitCode() {
        var broken = ProcessOptions.of(model(), List.of("false"));
        assertThatThrownBy(() -> ProcessEngine.load(broken))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("exit code 1");
    }

    @Test
    void rowsAreTheSameBitForBitWhicheverWayTheyTravel() {
        int[] prompt = new Random(7).ints(TOKENS, 0, 1500).toArray();
        try (var local = here.open(SMALL);
                var remote = there.open(SMALL)) {
            step(local, 0, 0, prompt);
            step(remote, 0, 0, prompt);
            var expected = export(local, 0, ownSegments());
            assertSame(expected, export(remote, 0, ownSegments()));
            var inShared = export(remote, 0, sharedSegments());
            assertSame(expected, inShared);
            for (var sources : List.of(expected, inShared)) {
                assertThat(remote.importRows(1, 0, sources, held(), TOKENS))
                        .isEqualTo(StepResult.DONE);
                assertSame(expected, export(remote, 1, ownSegments()));
                remote.truncate(1, 0);
            }
            remote.importRows(1, 0, inShared, held(), TOKENS);
            remote.copy(1, 2, 64);
            local.copy(0, 2, 64);
            assertThat(greedy(remote, 2, 64, 5)).isEqualTo(greedy(local, 2, 64, 5));
            assertThat(greedy(remote, 1, TOKENS, 40)).isEqualTo(greedy(local, 0, TOKENS, 40));
        }
    }

    @Test
    void movedRowsAreTheSameBitForBit() {
        int[] prompt = new Random(8).ints(BLOCK, 0, 1500).toArray();
        try (var local = here.open(SMALL);
                var remote = there.open(SMALL)) {
            step(local, 0, 0, prompt);
            var block = arena.allocate((long) BLOCK * bytesPerToken());
            local.exportRows(0, 0, BLOCK, BLOCK, List.of(block));
            var moved = new ArrayList<byte[]>();
            for (var context : List.of(local, remote)) {
                step(context, 1, 0, Arrays.copyOf(prompt, 7));
                context.importRows(
                        1, 7, List.of(block), new int[] {BLOCK}, 0, BLOCK, new int[] {7});
                var target = arena.allocate((long) BLOCK * bytesPerToken());
                context.exportRows(1, 7, BLOCK, BLOCK, List.of(target));
                moved.add(target.toArray(ValueLayout.JAVA_BYTE));
            }
            assertThat(moved.get(1)).isEqualTo(moved.get(0));
        }
    }

    @Test
    void samplesTheSameWithinAStepAndAfterIt() {
        int[] prompt = new Random(9).ints(40, 0, 1500).toArray();
        var biased =
                new SamplingOptions(
                        0.9f,
                        0.95f,
                        40,
                        0.01f,
                        0.1f,
                        0.2f,
                        1.1f,
                        Map.of(5, -3f),
                        OptionalLong.of(42),
                        true,
                        4,
                        Optional.of("root ::= [a-z ]+"));
        for (var sampling : List.of(SamplingOptions.GREEDY, biased)) {
            var expected = sampled(here, sampling, prompt, false);
            assertThat(sampled(there, sampling, prompt, false)).isEqualTo(expected);
            assertThat(sampled(there, sampling, prompt, true)).isEqualTo(expected);
        }
    }

    @Test
    void whatOneSamplerCannotChooseFailsWhereItIsAskedFor() {
        var impossible =
                new SamplingOptions(
                        0,
                        1,
                        0,
                        0,
                        0,
                        0,
                        1,
                        IntStream.range(0, here.model().vocabularySize())
                                .boxed()
                                .collect(
                                        Collectors.toMap(
                                                token -> token, _ -> Float.NEGATIVE_INFINITY)),
                        OptionalLong.empty(),
                        false,
                        0,
                        Optional.of("root ::= [a-z]+"));
        try (var context = there.open(SMALL);
                var failing = context.sampler(impossible);
                var greedy = context.sampler(SamplingOptions.GREEDY)) {
            var batch = new Batch();
            batch.willSample(batch.add(1, 0, 0, true), failing);
            batch.willSample(batch.add(1, 0, 1, true), greedy);
            assertThat(context.step(batch)).isEqualTo(StepResult.DONE);
            assertThatThrownBy(() -> failing.sample(0)).isInstanceOf(EngineException.class);
            assertThat(greedy.sample(1).token()).isNotNegative();
        }
    }

    @Test
    void refusesWhatTheEngineRefusesAndGoesOn() {
        try (var context = there.open(new ContextOptions(256, 2, 64, 1));
                var sampler = context.sampler(SamplingOptions.GREEDY)) {
            var batch = new Batch();
            batch.add(1536, 0, 0, true);
            assertThatThrownBy(() -> context.step(batch))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("token 1536");
            assertThatThrownBy(() -> context.truncate(2, 0)).hasMessageContaining("sequence 2");
            assertThatThrownBy(() -> sampler.accept(-1)).hasMessageContaining("token -1");
            var wrong = arena.allocate(100);
            assertThatThrownBy(() -> context.importRows(0, 0, List.of(wrong), new int[] {32}, 32))
                    .hasMessageContaining("takes");
            for (int from = 0; from < 256; from += 64) {
                step(context, 0, from, new int[64]);
            }
            assertThat(step(context, 1, 0, new int[64])).isEqualTo(StepResult.NO_ROOM);
            context.truncate(0, 0);
            assertThat(step(context, 1, 0, new int[64])).isEqualTo(StepResult.DONE);
            assertThat(sampler.certainty(63).entropy()).isPositive();
            assertThat(sampler.sample(63).token()).isNotNegative();
        }
    }

    @Test
    void aStepPausesWhereTheNodeWantsIt() {
        var pauses = new AtomicInteger();
        var possible = new AtomicBoolean();
        var stepping = Thread.currentThread();
        var pause =
                new Pause() {
                    @Override
                    public boolean possible() {
                        return possible.get();
                    }

                    @Override
                    public void point() {
                        assertThat(Thread.currentThread()).isSameAs(stepping);
                        pauses.incrementAndGet();
                    }
                };
        int[] prompt = new Random(3).ints(TOKENS, 0, 1500).toArray();
        try (var local = here.open(SMALL);
                var remote = there.open(SMALL, pause)) {
            step(local, 0, 0, prompt);
            var expected = export(local, 0, ownSegments());
            step(remote, 0, 0, prompt);
            assertThat(pauses.get()).isZero();
            remote.truncate(0, 0);
            possible.set(true);
            // It is asked now and then only: the first step may end before it is.
            step(remote, 0, 0, prompt);
            remote.truncate(0, 0);
            step(remote, 0, 0, prompt);
            assertThat(pauses.get()).isPositive();
            assertSame(expected, export(remote, 0, ownSegments()));
        }
    }

    @Test
    void aKilledProcessIsLostAndAnotherBeginsAnew() throws Exception {
        try (var context = there.open(SMALL);
                var other = there.open(SMALL)) {
            var sampler = context.sampler(SamplingOptions.GREEDY);
            step(context, 0, 0, new int[] {1, 2, 3});
            step(other, 0, 0, new int[] {1, 2, 3});
            kill(context, "KILL");
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    step(context, 1, 0, new int[] {1});
                                    context.truncate(1, 0);
                                }
                            })
                    .isInstanceOf(EngineLostException.class)
                    .hasMessageContaining("signal 9");
            assertThat(context.isLost()).isTrue();
            assertThatThrownBy(() -> sampler.sample(0)).isInstanceOf(EngineLostException.class);
            context.truncate(0, 0);
            sampler.close();
            long before = context.process().orElseThrow();
            context.reopen();
            assertThat(context.isLost()).isFalse();
            assertThat(context.process()).isNotEqualTo(OptionalLong.of(before));
            step(context, 0, 0, new int[] {1, 2, 3});
            assertThat(greedy(context, 0, 3, 8)).isEqualTo(greedy(other, 0, 3, 8));
        }
    }

    @Test
    void aCrashOfTheLibraryIsOneToo() throws Exception {
        try (var context = there.open(SMALL)) {
            kill(context, "SEGV");
            assertThatThrownBy(() -> stepForEver(context))
                    .isInstanceOf(EngineLostException.class)
                    .hasMessageContaining("ended (exit code");
        }
    }

    @Test
    void aFrozenProcessIsKilledAndASlowOneIsNot() throws Exception {
        try (var engine = ProcessEngine.load(options(Duration.ofSeconds(1)));
                var context = engine.open(SMALL)) {
            step(context, 0, 0, new int[] {1, 2, 3});
            kill(context, "STOP");
            TimeUnit.MILLISECONDS.sleep(300);
            kill(context, "CONT");
            step(context, 0, 3, new int[] {4});
            kill(context, "STOP");
            assertThatThrownBy(() -> stepForEver(context))
                    .isInstanceOf(EngineLostException.class)
                    .hasMessageContaining("no sign of life");
            context.reopen();
            assertThat(step(context, 0, 0, new int[] {1})).isEqualTo(StepResult.DONE);
        }
    }

    @Test
    void processesEndWithTheNodeHoweverThatEnds() throws Exception {
        var command = new ArrayList<>(JavaCommand.running(NodeProcess.class));
        // Maven does not set these by flags.
        for (var property : List.of("stator.demo", "stator.natives")) {
            command.add(1, "-D%s=%s".formatted(property, System.getProperty(property)));
        }
        var node =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        var pids = new ArrayList<ProcessHandle>();
        try (var lines = node.inputReader()) {
            for (var pid : lines.readLine().split(" ")) {
                pids.add(ProcessHandle.of(Long.parseLong(pid)).orElseThrow());
            }
        }
        assertThat(pids).hasSize(2);
        node.destroyForcibly();
        for (var pid : pids) {
            pid.onExit().get(20, TimeUnit.SECONDS);
        }
    }

    static void kill(EngineContext context, String signal) throws Exception {
        var pid = Long.toString(context.process().orElseThrow());
        assertThat(new ProcessBuilder("kill", "-" + signal, pid).start().waitFor()).isZero();
    }

    private static void stepForEver(EngineContext context) {
        while (true) {
            context.truncate(3, 0);
            step(context, 3, 0, new int[] {1});
        }
    }

    private static StepResult step(EngineContext context, int sequence, int from, int[] tokens) {
        var batch = new Batch();
        for (int i = 0; i < tokens.length; i++) {
            batch.add(tokens[i], from + i, sequence, i == tokens.length - 1);
        }
        return context.step(batch);
    }

    private static List<Integer> greedy(
            EngineContext context, int sequence, int position, int count) {
        var chosen = new ArrayList<Integer>();
        int token = 1;
        try (var sampler = context.sampler(SamplingOptions.GREEDY)) {
            for (int i = 0; i < count; i++) {
                step(context, sequence, position + i, new int[] {token});
                token = sampler.sample(0).token();
                chosen.add(token);
            }
        }
        return chosen;
    }

    private static List<Sampled> sampled(
            Engine engine, SamplingOptions sampling, int[] prompt, boolean withinStep) {
        var chosen = new ArrayList<Sampled>();
        try (var context = engine.open(SMALL);
                var sampler = context.sampler(sampling)) {
            step(context, 0, 0, prompt);
            int token = sampler.sample(prompt.length - 1).token();
            for (int i = 0; i < 12; i++) {
                var batch = new Batch();
                int index = batch.add(token, prompt.length + i, 0, true);
                if (withinStep) {
                    batch.willSample(index, sampler);
                }
                context.step(batch);
                chosen.add(sampler.sample(index));
                token = chosen.getLast().token();
            }
        }
        return chosen;
    }

    private int bytesPerToken() {
        return here.model().kv().orElseThrow().bytesPerToken();
    }

    private static int[] held() {
        int[] held = new int[Math.ceilDiv(TOKENS, BLOCK)];
        Arrays.setAll(held, i -> Math.min(BLOCK, TOKENS - i * BLOCK));
        return held;
    }

    private List<MemorySegment> ownSegments() {
        return Arrays.stream(held())
                .mapToObj(tokens -> arena.allocate((long) tokens * bytesPerToken()))
                .toList();
    }

    /** With gaps between them, as slots have. */
    private List<MemorySegment> sharedSegments() {
        var segments = new ArrayList<MemorySegment>();
        long at = 4096;
        for (int tokens : held()) {
            long bytes = (long) tokens * bytesPerToken();
            segments.add(shared.mapping().asSlice(at, bytes));
            at += bytes + 512;
        }
        return segments;
    }

    private static List<MemorySegment> export(
            EngineContext context, int sequence, List<MemorySegment> targets) {
        context.exportRows(sequence, 0, TOKENS, BLOCK, targets);
        return targets;
    }

    private static void assertSame(List<MemorySegment> expected, List<MemorySegment> actual) {
        for (int i = 0; i < expected.size(); i++) {
            assertThat(expected.get(i).mismatch(actual.get(i))).as("block %d", i).isEqualTo(-1);
        }
    }
}
