package dev.stator.bench;

import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import dev.stator.serving.Splice;
import dev.stator.serving.Splice.Passage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time to the first token of a prompt whose documents have all been seen, in another order, against
 * the same prompt when nobody had seen any of them; each time with a new question, which has to be
 * computed. From the submission to a node to its first token; without HTTP.
 */
@Command(
        name = "spliced-ttft",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "TTFT with known documents in a new order / cold: spliced with nothing and with 7 % computed in its place, and re-ordered; bars <= 1/20, 1/5, 1/35.")
final class SplicedTtftBench extends Bench {
    private static final int HEAD = 64;
    private static final int QUESTION = 32;
    private static final int ANSWER = 2;

    /** Part of a moved document that is computed in its place, where any is. */
    private static final double REFRESHED = 0.07;

    private static final Map<String, Bar> BARS =
            new TreeMap<>(
                    Map.of(
                            "spliced", Bar.atMost(1 / 20.0),
                            "spliced-7", Bar.atMost(1 / 5.0),
                            "exact-reorder", Bar.atMost(1 / 35.0)));

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--documents", description = "Default: ${DEFAULT-VALUE}.")
    private int documents = 8;

    @Option(names = "--length", description = "Tokens of each (default: ${DEFAULT-VALUE}).")
    private int length = 256;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 3;

    @Option(names = "--seed", description = "Of the orders (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Override
    public Integer call() {
        int context = HEAD + documents * length + QUESTION + Node.BLOCK_TOKENS;
        var report =
                report(
                        "spliced-ttft",
                        BARS.getOrDefault("spliced", Bar.atMost(0)),
                        "%s, %d documents of %d tokens, head %d, question %d, mode aggregated, rounds %d"
                                .formatted(
                                        model.describe(),
                                        documents,
                                        length,
                                        HEAD,
                                        QUESTION,
                                        rounds));
        var ratios = new LinkedHashMap<String, List<Double>>();
        var random = new Random(seed);
        try (var engine = model.load();
                var node =
                        Node.start(
                                engine,
                                Mode.AGGREGATED,
                                context,
                                2 * context,
                                8,
                                model.threads())) {
            var prompts = new Prompts(engine.model().vocabularySize(), System.nanoTime());
            for (int round = 1; round <= rounds; round++) {
                round(report, round, node, prompts, random, ratios);
            }
        }
        int status = 0;
        for (var bar : BARS.entrySet()) {
            var result = new Report(System.out, "spliced-ttft." + bar.getKey(), bar.getValue());
            result.ratio(
                    "spliced-ttft." + bar.getKey(),
                    Samples.of(ratios.getOrDefault(bar.getKey(), List.of())).median());
            status = Math.max(status, result.end());
        }
        return status;
    }

    private void round(
            Report report,
            int round,
            Node node,
            Prompts prompts,
            Random random,
            Map<String, List<Double>> ratios) {
        int[] head = prompts.next(HEAD);
        var set = IntStream.range(0, documents).mapToObj(_ -> prompts.next(length)).toList();
        int[] first = prompt(head, set, prompts);
        double cold = node.ask(first, ANSWER).awaitFirst().firstMillis();
        // The documents' own prompts are made by the first spliced request, which is not counted.
        node.ask(prompt(head, set, prompts), ANSWER, Optional.of(splice(0))).awaitEnd();
        var order = new ArrayList<>(set);
        Collections.shuffle(order, random);
        Collections.rotate(order, order.getFirst() == set.getFirst() ? 1 : 0);
        measure(
                report,
                round,
                node,
                "spliced",
                prompt(head, order, prompts),
                splice(0),
                cold,
                ratios);
        Collections.shuffle(order, random);
        measure(
                report,
                round,
                node,
                "spliced-7",
                prompt(head, order, prompts),
                splice((int) (REFRESHED * length)),
                cold,
                ratios);
        var same = node.ask(prompt(head, set, prompts), ANSWER);
        note(report, round, "exact-reorder", same, cold, ratios);
    }

    private static int[] prompt(int[] head, List<int[]> documents, Prompts prompts) {
        var parts = new ArrayList<int[]>();
        parts.add(head);
        parts.addAll(documents);
        parts.add(prompts.next(QUESTION));
        return Prompts.joined(parts.toArray(int[][]::new));
    }

    /**
     * @param refreshed tokens in the midst of each document to compute in their place
     */
    private Splice splice(int refreshed) {
        var passages = new ArrayList<Passage>();
        var fresh = new ArrayList<Passage>();
        for (int i = 0; i < documents; i++) {
            int from = HEAD + i * length;
            passages.add(new Passage(from, from + length));
            if (refreshed > 0) {
                fresh.add(new Passage(from + length / 2, from + length / 2 + refreshed));
            }
        }
        return new Splice(HEAD, passages, 0, fresh);
    }

    private void measure(
            Report report,
            int round,
            Node node,
            String name,
            int[] prompt,
            Splice splice,
            double cold,
            Map<String, List<Double>> ratios) {
        note(report, round, name, node.ask(prompt, ANSWER, Optional.of(splice)), cold, ratios);
    }

    private static void note(
            Report report,
            int round,
            String name,
            Answer answer,
            double cold,
            Map<String, List<Double>> ratios) {
        Account account = answer.awaitEnd();
        double ratio = answer.firstMillis() / cold;
        ratios.computeIfAbsent(name, _ -> new ArrayList<>()).add(ratio);
        report.line(
                "round %d: %-13s cold %.0f ms, known %.1f ms, 1/%.0f; computed %d, spliced %d, stages %s",
                round,
                name,
                cold,
                answer.firstMillis(),
                1 / ratio,
                account.promptTokensBySource().getOrDefault("computed", 0),
                account.splicedTokens(),
                Stages.of(account));
    }
}
