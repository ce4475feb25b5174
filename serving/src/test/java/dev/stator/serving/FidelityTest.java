package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Reuse changes no answer: the demonstration model's whole held-out set, three turns a
 * conversation, served by separate prefill and decode workers with everything reused that can be,
 * against the same prompts with nothing reused.
 *
 * <p>llama.cpp's logits depend a little on how a prompt is cut into steps, with or without reuse.
 * Where that flips a token, the two candidates must have been as good as equal, and cutting the
 * prompt differently, without any reuse, must move them by as much.
 */
final class FidelityTest {
    private static final int MIB = 1 << 20;
    private static final int ANSWER_TOKENS = 48;

    /**
     * What cutting alone is known to move a logit by is around 1e-3; a real error moves it by far
     * more.
     */
    private static final double NEAR_TIE = 0.02;

    @TempDir Path folder;
    private final AtomicInteger salts = new AtomicInteger();

    private record Asked(int[] prompt, EvalSet.Turn turn, Collected reused) {}

    @Test
    void greedyAnswersWithReuseEqualThoseWithoutAndAreAsAccurateAsTheModelIs(TestReporter reporter)
            throws Exception {
        try (var engine = DemoNode.engine()) {
            var asked = answerAllWithReuse(engine);
            assertAccuracy(asked);
            // A third of them, from all three turns: without reuse they take their time.
            var compared =
                    IntStream.range(0, asked.size())
                            .filter(i -> i % 3 == 0)
                            .mapToObj(asked::get)
                            .toList();
            var flips = new ArrayList<Asked>();
            try (var node = node(engine, Mode.AGGREGATED, 0, 512, 0)) {
                for (var one : compared) {
                    if (!withoutReuse(node, one.prompt, ANSWER_TOKENS)
                            .tokens
                            .equals(one.reused.tokens)) {
                        flips.add(one);
                    }
                }
            }
            assertThat(flips.size())
                    .as("answers that differ of %d", compared.size())
                    .isLessThanOrEqualTo(compared.size() / 100);
            reporter.publishEntry(
                    "answers that differ of " + compared.size(), String.valueOf(flips.size()));
            for (var flip : flips) {
                assertFlipIsTheCuttingAlone(engine, flip);
            }
        }
    }

    private List<Asked> answerAllWithReuse(LlamaEngine engine) throws Exception {
        var conversations = EvalSet.read(DemoNode.DEMO.resolve("eval.jsonl"));
        assertThat(conversations).hasSizeGreaterThanOrEqualTo(200);
        var dialogues =
                conversations.stream()
                        .map(c -> new EvalSet.Dialogue(engine.tokenizer(), c))
                        .toList();
        var all = new ArrayList<Asked>();
        int cached = 0;
        try (var node = node(engine, Mode.DISAGGREGATED, 1, 512, 512L * MIB)) {
            for (int turn = 0; turn < 3; turn++) {
                var asked = new ArrayList<Asked>();
                for (int i = 0; i < dialogues.size(); i++) {
                    var question = conversations.get(i).turns().get(turn);
                    int[] prompt = dialogues.get(i).ask(question);
                    asked.add(new Asked(prompt, question, start(node, prompt, ANSWER_TOKENS, "")));
                }
                for (int i = 0; i < asked.size(); i++) {
                    var account = asked.get(i).reused.await().account();
                    assertThat(
                                    account.promptTokensBySource().values().stream()
                                            .mapToInt(n -> n)
                                            .sum())
                            .isEqualTo(asked.get(i).prompt.length);
                    cached += account.cachedTokens();
                    dialogues.get(i).answered(asked.get(i).reused.tokens);
                }
                all.addAll(asked);
            }
        }
        int prompts = all.stream().mapToInt(one -> one.prompt.length).sum();
        assertThat(cached).as("cached of %d prompt tokens", prompts).isGreaterThan(prompts / 2);
        return all;
    }

    /** The figures of demo/README.md, within half a point. */
    private static void assertAccuracy(List<Asked> asked) throws Exception {
        int answerable = 0;
        int answered = 0;
        int unanswerable = 0;
        int refused = 0;
        for (var one : asked) {
            boolean right = one.turn.isRight(one.reused.await().text());
            if (one.turn.answerable()) {
                answerable++;
                answered += right ? 1 : 0;
            } else {
                unanswerable++;
                refused += right ? 1 : 0;
            }
        }
        assertThat(answerable).isEqualTo(814);
        assertThat(answered / (double) answerable).isBetween(0.966, 0.976);
        assertThat(unanswerable).isEqualTo(86);
        assertThat(refused / (double) unanswerable).isBetween(0.65, 0.70);
    }

    private void assertFlipIsTheCuttingAlone(LlamaEngine engine, Asked flip) throws Exception {
        int[] upToFlip;
        int other;
        try (var node = node(engine, Mode.AGGREGATED, 0, 512, 0)) {
            var plain = withoutReuse(node, flip.prompt, ANSWER_TOKENS).tokens;
            int at = firstDifference(plain, flip.reused.tokens);
            other = flip.reused.tokens.get(at);
            upToFlip = concat(flip.prompt, plain.subList(0, at));
        }
        double least = Double.MAX_VALUE;
        double most = -Double.MAX_VALUE;
        int best = -1;
        for (int step : new int[] {512, 256, 96, 64, 40, 32}) {
            try (var node = node(engine, Mode.AGGREGATED, 0, step, 0)) {
                var top = withoutReuse(node, upToFlip, 1).sampled.getFirst().top();
                best = best < 0 ? top.getFirst().token() : best;
                double lead = logprob(top, best) - logprob(top, other);
                least = Math.min(least, lead);
                most = Math.max(most, lead);
            }
        }
        assertThat(least).as("lead of token %d over %d", best, other).isLessThan(NEAR_TIE);
        assertThat(least)
                .as("lead against what cutting moves")
                .isLessThanOrEqualTo(8 * (most - least));
    }

    private static double logprob(List<Sampled.Candidate> top, int token) {
        return top.stream()
                .filter(c -> c.token() == token)
                .mapToDouble(Sampled.Candidate::logprob)
                .findFirst()
                .orElseThrow();
    }

    /** A salt of its own keeps a request from sharing anything. */
    private Collected withoutReuse(NodeFabric node, int[] prompt, int maxTokens) throws Exception {
        var collected = start(node, prompt, maxTokens, "alone " + salts.incrementAndGet());
        assertThat(collected.await().account().cachedTokens()).isZero();
        return collected;
    }

    private static Collected start(NodeFabric node, int[] prompt, int maxTokens, String salt) {
        var greedyWithLogprobs =
                new SamplingOptions(
                        0,
                        1,
                        0,
                        0,
                        0,
                        0,
                        1,
                        Map.of(),
                        OptionalLong.empty(),
                        true,
                        5,
                        Optional.empty());
        var collected = new Collected();
        var request =
                new GenerationRequest(
                        "fidelity",
                        prompt,
                        maxTokens,
                        greedyWithLogprobs,
                        List.of(),
                        Set.of(),
                        false,
                        salt);
        assertThat(node.submit(request, collected)).isInstanceOf(Admission.Admitted.class);
        return collected;
    }

    private NodeFabric node(
            LlamaEngine engine, Mode mode, int prefillWorkers, int stepTokens, long hostBytes) {
        return NodeFabric.start(
                engine,
                new NodeOptions(
                        mode,
                        prefillWorkers,
                        1,
                        2048,
                        4096,
                        8192,
                        16,
                        32,
                        stepTokens,
                        1,
                        15,
                        hostBytes,
                        folder,
                        1000));
    }

    private static int firstDifference(List<Integer> a, List<Integer> b) {
        int at = 0;
        while (a.get(at).equals(b.get(at))) {
            at++;
        }
        return at;
    }

    private static int[] concat(int[] head, List<Integer> tail) {
        int[] all = Arrays.copyOf(head, head.length + tail.size());
        for (int i = 0; i < tail.size(); i++) {
            all[head.length + i] = tail.get(i);
        }
        return all;
    }
}
