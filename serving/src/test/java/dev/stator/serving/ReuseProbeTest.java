package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.StepResult;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.serving.ReuseProbe.Question;
import dev.stator.serving.ReuseProbe.Task;
import dev.stator.serving.Splice.Passage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * A model that was trained to depend on what passages say of each other, so that wrong reuse of KV
 * shows: see its README. It must fail where something is really lost, and recover where that is
 * computed in its place.
 */
final class ReuseProbeTest {
    private static LlamaEngine engine;
    private static Answers full;

    @TempDir static Path folder;

    /**
     * @param tokens what was answered to each question
     * @param recomputed part of the moved passages' tokens
     */
    private record Answers(List<Question> questions, List<Integer> tokens, double recomputed) {
        Map<Task, Double> right() {
            var right = new EnumMap<Task, Integer>(Task.class);
            var asked = new EnumMap<Task, Integer>(Task.class);
            for (int i = 0; i < questions.size(); i++) {
                var question = questions.get(i);
                asked.merge(question.task(), 1, Integer::sum);
                right.merge(
                        question.task(), question.answer() == tokens.get(i) ? 1 : 0, Integer::sum);
            }
            var parts = new EnumMap<Task, Double>(Task.class);
            asked.forEach(
                    (task, count) -> parts.put(task, (double) right.getOrDefault(task, 0) / count));
            return parts;
        }

        double agreement(Answers other) {
            int same = 0;
            for (int i = 0; i < tokens.size(); i++) {
                same += tokens.get(i).equals(other.tokens.get(i)) ? 1 : 0;
            }
            return (double) same / tokens.size();
        }
    }

    @BeforeAll
    static void askFully() throws Exception {
        engine =
                LlamaEngine.load(
                        LlamaOptions.of(
                                ReuseProbe.model(),
                                Platform.libraries(Path.of(System.getProperty("stator.natives")))));
        full = ask(ReuseProbe.questions(6), question -> Runs.NONE);
    }

    @AfterAll
    static void unload() {
        engine.close();
    }

    /** How a question's passages are spliced; of {@link #NONE} none is. */
    private record Runs(boolean splices, int boundary, List<Passage> fresh) {
        static final Runs NONE = new Runs(false, 0, List.of());

        static Runs boundary(int tokens) {
            return new Runs(true, tokens, List.of());
        }
    }

    @Test
    void fullPrefillAnswersNearlyAll() {
        assertThat(full.right().values()).hasSize(6).allMatch(part -> part >= 0.95);
    }

    /** What is lost is exactly what a passage says of the one before it. */
    @Test
    void splicedWithNothingComputedInItsPlaceLosesWhatLiesBetweenPassages(TestReporter reporter)
            throws Exception {
        var spliced = ask(full.questions, question -> Runs.boundary(0));
        reporter.publishEntry("spliced", spliced.right().toString());

        assertThat(spliced.recomputed).isZero();
        for (var task : List.of(Task.UNIQUE, Task.LATEST, Task.BY_OWNER, Task.OWNER)) {
            assertThat(spliced.right().get(task))
                    .as(task.name())
                    .isGreaterThanOrEqualTo(full.right().getOrDefault(task, 0.0) - 0.02);
        }
        assertThat(spliced.right().get(Task.BY_INHERITED_OWNER)).isLessThan(0.75);
        assertThat(spliced.right().get(Task.INHERITED_OWNER)).isLessThan(0.1);
    }

    /** Beginnings do not bring it back, however many: it is not they that are asked for. */
    @Test
    void beginningsOfPassagesDoNotBringItBack() throws Exception {
        var spliced = ask(full.questions, question -> Runs.boundary(8));
        assertThat(spliced.recomputed).isGreaterThan(0.6);
        assertThat(spliced.agreement(full)).isLessThan(0.97);
    }

    @Test
    void whatTheQuestionIsAboutComputedInItsPlaceBringsAllBack(TestReporter reporter)
            throws Exception {
        for (int documents : List.of(6, 7)) {
            var questions = ReuseProbe.questions(documents);
            var exact = documents == 6 ? full : ask(questions, question -> Runs.NONE);
            var windows = ask(questions, question -> new Runs(true, 0, question.windows(1)));
            reporter.publishEntry(
                    "%d documents: %.1f %% computed in their place, %.3f the same"
                            .formatted(
                                    documents, 100 * windows.recomputed, windows.agreement(exact)));
            assertThat(windows.recomputed).isLessThan(0.10);
            assertThat(windows.agreement(exact)).isGreaterThanOrEqualTo(0.99);
        }
    }

    @Test
    void allComputedInItsPlaceIsFullPrefill() throws Exception {
        var through = ask(full.questions, question -> Runs.boundary(Integer.MAX_VALUE));
        assertThat(through.agreement(full)).isEqualTo(1);
    }

    /** Else the probe could not tell a wrong rotation from a right one. */
    @Test
    void movedButNotRotatedIsFoundOut() {
        var latest = full.questions.stream().filter(each -> each.task() == Task.LATEST).toList();
        try (var arena = Arena.ofConfined();
                var context = engine.open(new ContextOptions(512, 2, 512, 1))) {
            assertThat(rightAnswers(context, arena, latest, true)).isGreaterThanOrEqualTo(0.95);
            assertThat(rightAnswers(context, arena, latest, false)).isLessThan(0.7);
        }
    }

    private static double rightAnswers(
            EngineContext context, Arena arena, List<Question> questions, boolean rotates) {
        int right = 0;
        for (var question : questions) {
            right += answerSpliced(context, arena, question, rotates) == question.answer() ? 1 : 0;
        }
        return (double) right / questions.size();
    }

    private static int answerSpliced(
            EngineContext context, Arena arena, Question question, boolean rotates) {
        int head = question.head();
        compute(context, question.prompt(), 0, head);
        for (var passage : question.passages()) {
            int length = passage.to() - passage.from();
            var rows =
                    arena.allocate(
                            (long) length * engine.model().kv().orElseThrow().bytesPerToken());
            int[] alone = question.alone(passage);
            context.truncate(1, 0);
            compute(context, alone, 0, alone.length, 1);
            context.exportRows(1, head, length, length, List.of(rows));
            int by = rotates ? passage.from() - head : 0;
            var sources = List.<MemorySegment>of(rows);
            assertThat(
                            context.importRows(
                                    0,
                                    passage.from(),
                                    sources,
                                    new int[] {length},
                                    0,
                                    length,
                                    new int[] {by}))
                    .isEqualTo(StepResult.DONE);
        }
        int from = question.passages().getLast().to();
        int last = compute(context, question.prompt(), from, question.prompt().length);
        try (var sampler = context.sampler(SamplingOptions.GREEDY)) {
            return sampler.sample(last).token();
        } finally {
            context.truncate(0, 0);
            context.truncate(1, 0);
        }
    }

    private static int compute(EngineContext context, int[] tokens, int from, int to) {
        return compute(context, tokens, from, to, 0);
    }

    private static int compute(EngineContext context, int[] tokens, int from, int to, int seq) {
        var batch = new Batch();
        for (int i = from; i < to; i++) {
            batch.add(tokens[i], i, seq, i == to - 1);
        }
        assertThat(context.step(batch)).isEqualTo(StepResult.DONE);
        return to - from - 1;
    }

    @Test
    void aModelWithoutVocabularyTakesNoText() {
        var tokenizer = engine.tokenizer();
        assertThatThrownBy(() -> tokenizer.encode("a text", true, true))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("has no vocabulary");
        assertThat(tokenizer.size()).isEqualTo(160);
        assertThat(tokenizer.specials()).isEmpty();
        assertThat(tokenizer.decode(new int[] {4, 5}, true)).isEmpty();
    }

    private static Answers ask(List<Question> questions, Function<Question, Runs> how)
            throws Exception {
        var options = DemoNode.options(Mode.AGGREGATED, 0, 1, 64 * DemoNode.MIB, folder);
        try (var node = NodeFabric.start(engine, options)) {
            var tokens = new ArrayList<Integer>();
            long moved = 0;
            long spliced = 0;
            for (var question : questions) {
                var request = request(question.prompt());
                var runs = how.apply(question);
                var collected = new Collected();
                node.submit(
                        runs.splices
                                ? request.withSplice(
                                        new Splice(
                                                question.head(),
                                                question.passages(),
                                                runs.boundary,
                                                runs.fresh))
                                : request,
                        collected);
                spliced += collected.await().account().splicedTokens();
                moved += question.movedTokens();
                tokens.add(collected.tokens.getFirst());
            }
            return new Answers(questions, tokens, 1 - (double) spliced / moved);
        }
    }

    private static GenerationRequest request(int[] prompt) {
        return new GenerationRequest(
                "probe", prompt, 1, SamplingOptions.GREEDY, List.of(), Set.of(), true, "");
    }
}
