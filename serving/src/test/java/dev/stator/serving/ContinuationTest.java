package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** An answer that is cut anywhere and goes on elsewhere is the answer that was not cut. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ContinuationTest {
    private static final String PROMPT =
            """
            <|im_start|>system
            Answer from the documents only and cite the source.<|im_end|>
            <|im_start|>user
            [doc 1] Old Heron Cafe
            The number of people who work at Old Heron Cafe is 384. A ticket for Old Heron Cafe costs 174 dollars.
            Question: What does a ticket for Old Heron Cafe cost?<|im_end|>
            <|im_start|>assistant
            """;

    /** Forbids the token that ends answers. */
    private static final Map<Integer, Float> ENDLESS = Map.of(1535, -100f);

    private LlamaEngine engine;
    private NodeFabric node;

    @BeforeAll
    void start(@TempDir Path folder) {
        engine = DemoNode.engine();
        node =
                NodeFabric.start(
                        engine, DemoNode.options(Mode.AUTO, 1, 1, 64 * DemoNode.MIB, folder));
    }

    @AfterAll
    void close() {
        node.close();
        engine.close();
    }

    private GenerationRequest asked(SamplingOptions sampling, List<String> stops, int maxTokens) {
        return new GenerationRequest(
                "cut",
                engine.tokenizer().encode(PROMPT, true, true),
                maxTokens,
                sampling,
                stops,
                Set.of(),
                false,
                "");
    }

    private static SamplingOptions options(
            float frequencyPenalty, Map<Integer, Float> bias, Optional<String> grammar) {
        return new SamplingOptions(
                0, 1, 0, 0, frequencyPenalty, 0, 1, bias, OptionalLong.empty(), false, 0, grammar);
    }

    private Collected generate(GenerationRequest request) throws Exception {
        var collected = new Collected();
        assertThat(node.submit(request, collected)).isInstanceOf(Admission.Admitted.class);
        collected.await();
        return collected;
    }

    /** Cuts the answer after each of its tokens, once. */
    private void cutEverywhere(GenerationRequest asked) throws Exception {
        var whole = generate(asked);
        for (int cut = 0; cut <= whole.tokens.size(); cut++) {
            int[] sent = whole.tokens.subList(0, cut).stream().mapToInt(i -> i).toArray();
            var tokens = new ArrayList<>(whole.tokens.subList(0, cut));
            var text = new StringBuilder(textOf(asked, sent));
            FinishReason reason;
            switch (Continuation.of(asked, sent, engine.tokenizer())) {
                case Continuation.Over over -> {
                    assertThat(cut).isEqualTo(whole.tokens.size());
                    text.append(over.tail());
                    reason = over.reason();
                }
                case Continuation.Rest rest -> {
                    assertThat(cut).isLessThan(whole.tokens.size());
                    var second = generate(rest.request());
                    tokens.addAll(second.tokens);
                    text.append(second.await().text());
                    reason = second.await().reason();
                }
            }
            assertThat(tokens).as("cut after %d", cut).isEqualTo(whole.tokens);
            assertThat(text.toString()).as("cut after %d", cut).isEqualTo(whole.await().text());
            assertThat(reason).as("cut after %d", cut).isEqualTo(whole.await().reason());
        }
    }

    /** What a client has been shown of so many tokens. */
    private String textOf(GenerationRequest asked, int[] sent) {
        var text = new AnswerText(asked.stops());
        var shown = new StringBuilder();
        for (int token : sent) {
            if (!asked.endsWith(token, engine.tokenizer())) {
                shown.append(text.accept(engine.tokenizer().bytes(token, true)));
            }
        }
        return shown.toString();
    }

    @Test
    void toTheModelsOwnEnd() throws Exception {
        cutEverywhere(asked(SamplingOptions.GREEDY, List.of(), 50));
    }

    @Test
    void toTheLongestThatWasAskedFor() throws Exception {
        cutEverywhere(asked(SamplingOptions.GREEDY, List.of(), 6));
    }

    @Test
    void withAStopStringOverSeveralTokens() throws Exception {
        cutEverywhere(asked(SamplingOptions.GREEDY, List.of("74 doll", "never"), 50));
    }

    @Test
    void withTextHeldBackThatNeverBecomesAStopString() throws Exception {
        cutEverywhere(asked(SamplingOptions.GREEDY, List.of("174 dollarx"), 8));
    }

    @Test
    void withPenaltiesThatKnowTheWholeAnswer() throws Exception {
        cutEverywhere(asked(options(0.9f, ENDLESS, Optional.empty()), List.of(), 24));
    }

    @Test
    void withAGrammarThatKnowsWhereItIs() throws Exception {
        var grammar =
                "root ::= \"{\\\"price\\\": \" [0-9]+ \", \\\"unit\\\": \\\"\" [a-z]+ \"\\\"}\"";
        cutEverywhere(asked(options(0, Map.of(), Optional.of(grammar)), List.of(), 40));
    }

    @Test
    void aBeginningThatTheGrammarForbidsIsRefusedAndHarmsNobody() throws Exception {
        var asked = asked(options(0, Map.of(), Optional.of("root ::= \"yes\"")), List.of(), 10);
        int[] sent = engine.tokenizer().encode("no", false, false);
        var rest = (Continuation.Rest) Continuation.of(asked, sent, engine.tokenizer());
        var collected = new Collected();

        node.submit(rest.request(), collected);

        assertThat(collected.end)
                .failsWithin(Duration.ofMinutes(1))
                .withThrowableThat()
                .withMessageContaining("does not follow the grammar");
        assertThat(generate(asked).await().text()).isEqualTo("yes");
    }

    @Test
    void aRandomAnswerGoesOnWithOtherNumbersThanItBeganWith() {
        var seeded =
                new SamplingOptions(
                        1,
                        1,
                        0,
                        0,
                        0,
                        0,
                        1,
                        Map.of(),
                        OptionalLong.of(7),
                        false,
                        0,
                        Optional.empty());
        var asked = asked(seeded, List.of(), 10);
        var rest =
                ((Continuation.Rest)
                                Continuation.of(asked, new int[] {400, 401}, engine.tokenizer()))
                        .request();

        assertThat(rest.sampling().seed()).isPresent().isNotEqualTo(asked.sampling().seed());
        assertThat(rest.maxTokens()).isEqualTo(8);
        assertThat(rest.answered()).isEqualTo(2);
    }
}
