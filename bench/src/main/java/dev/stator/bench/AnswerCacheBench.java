package dev.stator.bench;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.answers.AnswerCache.Found;
import dev.stator.api.answers.AnswerCache.Verdict;
import dev.stator.api.answers.AnswerMode;
import dev.stator.api.answers.Digest;
import dev.stator.api.answers.KeptAnswer;
import dev.stator.api.answers.Question;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import dev.stator.bench.QuestionPairs.Pair;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Which kept answers are given to which questions: by the answer cache, and by how alike the
 * questions look, at several thresholds. No model answers: the data's answers are the truth, and a
 * question that asks something else has another answer.
 */
@Command(
        name = "answer-cache",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Wrong answers that the answer cache lets through its gates, upper end of the 95 %% interval / 2 %%, bar <= 1; beside it thresholds of similarity.")
final class AnswerCacheBench extends Bench {
    private static final double MOST_ERRORS = 0.02;
    private static final String ANOTHER = "Something else.";

    @Option(names = "--data", description = "Default: demo/eval.jsonl.")
    private Optional<Path> data = Optional.empty();

    @Option(names = "--conversations", description = "Default: ${DEFAULT-VALUE}.")
    private int conversations = 300;

    @Option(names = "--seed", description = "Default: ${DEFAULT-VALUE}.")
    private long seed = 1;

    /** A way to decide whether a pair's second question gets the first one's answer. */
    private record Judge(String name, Predicate<Pair> gives) {}

    @Override
    public Integer call() {
        var file = data.orElseGet(() -> root().resolve("demo/eval.jsonl"));
        var pairs = QuestionPairs.of(DocumentQuestions.read(file, 1, conversations), seed);
        var report =
                report(
                        "answer-cache",
                        Bar.atMost(1),
                        "%,d pairs of questions of %s, seed %d"
                                .formatted(pairs.size(), file.getFileName(), seed));
        var judges = judges(pairs);
        kinds(report, pairs, judges);
        Share gated = totals(report, pairs, judges);
        stream(report, pairs);
        lookups(report, pairs);
        report.ratio("answer-cache.wrong", gated.upper() / MOST_ERRORS);
        return report.end();
    }

    private static List<Judge> judges(List<Pair> pairs) {
        var likeness = new QuestionLikeness(pairs.stream().map(Pair::question).distinct().toList());
        var judges = new ArrayList<Judge>();
        judges.add(new Judge("exact", AnswerCacheBench::exactly));
        judges.add(new Judge("similar", AnswerCacheBench::passes));
        judges.add(
                new Judge(
                        "looser gates",
                        pair ->
                                pair.laterDocuments().equals(pair.conversation().documents())
                                        && likeness.pass(
                                                pair.question(),
                                                pair.later(),
                                                pair.laterDocuments(),
                                                0.6)));
        for (double least : new double[] {0.7, 0.8, 0.9, 0.95, 0.99}) {
            judges.add(
                    new Judge(
                            "cosine %.2f".formatted(least),
                            pair -> likeness.cosine(pair.question(), pair.later()) >= least));
        }
        return judges;
    }

    private static AnswerCache cache() {
        return new AnswerCache(
                64 << 20, Duration.ofHours(1), MOST_ERRORS, System::nanoTime, new Random(1));
    }

    /** As a request of that system prompt and these documents would be looked for. */
    private static Question question(Pair pair, String text, List<Document> documents) {
        var fixed = new ArrayList<String>();
        fixed.add(pair.conversation().system());
        documents.forEach(
                its -> fixed.addAll(List.of(its.id().orElse(""), its.title(), its.text())));
        return new Question(
                "",
                "",
                Digest.of(fixed),
                Documents.of(documents, ReuseMode.EXACT, false),
                text,
                true,
                AnswerMode.SIMILAR);
    }

    private static AnswerCache filled(Pair pair) {
        var cache = cache();
        var first = question(pair, pair.question(), pair.conversation().documents());
        if (cache.find(first, Integer.MAX_VALUE) instanceof Found.Miss(var ticket)) {
            cache.keep(ticket, kept(pair.answer()));
        }
        return cache;
    }

    private static KeptAnswer kept(String answer) {
        return new KeptAnswer(answer, Optional.empty(), 1);
    }

    private static boolean exactly(Pair pair) {
        var later = question(pair, pair.later(), pair.laterDocuments());
        return filled(pair).find(later, Integer.MAX_VALUE) instanceof Found.Hit;
    }

    /** Whether the answer is given, or would be if the tenant's record were good. */
    private static boolean passes(Pair pair) {
        var cache = filled(pair);
        return switch (cache.find(
                question(pair, pair.later(), pair.laterDocuments()), Integer.MAX_VALUE)) {
            case Found.Hit _ -> true;
            case Found.Miss(var ticket) -> cache.keep(ticket, kept(ANOTHER)) != Verdict.NONE;
        };
    }

    /** Part of so many, with Wilson's interval of 95 %. */
    private record Share(long of, long all) {
        private static final double DEVIATIONS = 1.96;

        private double end(double sign) {
            double z = DEVIATIONS * DEVIATIONS / all;
            double p = (double) of / all;
            double half = DEVIATIONS * Math.sqrt(p * (1 - p) / all + z / (4 * all));
            return all == 0 ? 0 : (p + z / 2 + sign * half) / (1 + z);
        }

        double upper() {
            return end(1);
        }

        @Override
        public String toString() {
            return "%.1f (%.1f to %.1f)"
                    .formatted(all == 0 ? 0 : 100.0 * of / all, 100 * end(-1), 100 * end(1));
        }
    }

    private static Share share(List<Pair> pairs, Judge judge) {
        return new Share(pairs.stream().filter(judge.gives).count(), pairs.size());
    }

    private static void kinds(Report report, List<Pair> pairs, List<Judge> judges) {
        var kinds = new LinkedHashMap<String, List<Pair>>();
        pairs.stream()
                .sorted(Comparator.comparing(Pair::same).reversed())
                .forEach(it -> kinds.computeIfAbsent(it.kind(), _ -> new ArrayList<>()).add(it));
        report.line("answers given, %% of pairs");
        report.line("| the later question | asks the same | pairs | %s |", names(judges));
        report.line("|---|---|---|%s", "---|".repeat(judges.size()));
        kinds.forEach(
                (kind, its) ->
                        report.line(
                                "| %s | %s | %d | %s |",
                                kind,
                                its.getFirst().same() ? "yes" : "no",
                                its.size(),
                                String.join(
                                        " | ",
                                        judges.stream()
                                                .map(judge -> share(its, judge))
                                                .map(it -> "%.1f".formatted(100.0 * it.of / it.all))
                                                .toList())));
    }

    private static String names(List<Judge> judges) {
        return String.join(" | ", judges.stream().map(Judge::name).toList());
    }

    private static Share totals(Report report, List<Pair> pairs, List<Judge> judges) {
        var same = pairs.stream().filter(Pair::same).toList();
        var words = same.stream().filter(it -> !exactly(it)).toList();
        var others = pairs.stream().filter(it -> !it.same()).toList();
        report.line(
                "| given by | to the same question in other words, %% (%d) | wrongly, to another question, %% (%d) | wrong of all given, %% |",
                words.size(), others.size());
        report.line("|---|---|---|---|");
        Share gated = new Share(0, 0);
        for (var judge : judges) {
            var right = share(words, judge);
            var wrong = share(others, judge);
            report.line(
                    "| %s | %s | %s | %s |",
                    judge.name, right, wrong, new Share(wrong.of, wrong.of + right.of));
            gated = judge.name.equals("similar") ? wrong : gated;
        }
        return gated;
    }

    /** All pairs in one stream through one cache, as one tenant's requests, with its bound. */
    private void stream(Report report, List<Pair> pairs) {
        var cache = cache();
        var truths = truths(pairs);
        var mixed = new ArrayList<>(pairs);
        Collections.shuffle(mixed, new Random(seed));
        int asked = 0;
        int first = -1;
        int served = 0;
        int wrong = 0;
        for (var pair : mixed) {
            var documents = pair.conversation().documents();
            var question = pair.question();
            answer(cache, pair, question, documents, truths.answer(pair, question, documents));
            var truth = truths.answer(pair, pair.later(), pair.laterDocuments());
            var given = answer(cache, pair, pair.later(), pair.laterDocuments(), truth);
            asked += 2;
            if (given.isPresent()) {
                first = first < 0 ? asked : first;
                served++;
                wrong += given.get().equals(truth) ? 0 : 1;
            }
        }
        var stats = cache.stats();
        report.line(
                "one tenant's stream of %d requests: %d given exactly; %d verified (%d wrong), then from request %d on %d given to other words, of which wrong: %s %%",
                asked,
                stats.hits(AnswerMode.EXACT),
                stats.right() + stats.wrong(),
                stats.wrong(),
                first,
                served,
                new Share(wrong, served));
    }

    /** What it costs a request that nothing is kept for, and one whose kept answer is looked at. */
    private static void lookups(Report report, List<Pair> pairs) {
        var thread = ManagementFactory.getThreadMXBean();
        var empty = cache();
        for (var kind : List.of("another attribute", "courtesy")) {
            var micros = new ArrayList<Double>();
            for (var pair : pairs) {
                if (pair.kind().equals(kind)) {
                    var cache = kind.equals("courtesy") ? filled(pair) : empty;
                    var later = question(pair, pair.later(), pair.laterDocuments());
                    long start = thread.getCurrentThreadCpuTime();
                    cache.find(later, Integer.MAX_VALUE);
                    micros.add((thread.getCurrentThreadCpuTime() - start) / 1e3);
                }
            }
            report.line(
                    "a look-up, %s: %.0f microseconds of the thread, median of %d",
                    kind.equals("courtesy") ? "answer to other words found" : "nothing found",
                    Samples.of(micros).median(),
                    micros.size());
        }
    }

    private record Asked(List<Document> documents, String system, String text) {}

    /** What is right: the data's answer where they have one, else another for each question. */
    private record Truths(Map<Asked, String> known) {
        String answer(Pair pair, String text, List<Document> documents) {
            // Other words for the question about another version of its document.
            var asked = pair.kind().startsWith("another version") ? pair.question() : text;
            return known.getOrDefault(
                    new Asked(documents, pair.conversation().system(), text),
                    ANOTHER + " " + asked);
        }
    }

    private static Truths truths(List<Pair> pairs) {
        var known = new HashMap<Asked, String>();
        for (var pair : pairs) {
            var documents = pair.conversation().documents();
            var system = pair.conversation().system();
            if (pair.same()) {
                known.put(new Asked(documents, system, pair.question()), pair.answer());
                known.put(new Asked(documents, system, pair.later()), pair.answer());
            }
        }
        return new Truths(known);
    }

    /** The answer given to other words; empty if it was computed, or given to the same ones. */
    private static Optional<String> answer(
            AnswerCache cache, Pair pair, String text, List<Document> documents, String truth) {
        return switch (cache.find(question(pair, text, documents), Integer.MAX_VALUE)) {
            case Found.Hit hit ->
                    hit.by() == AnswerMode.SIMILAR
                            ? Optional.of(hit.answer().text())
                            : Optional.empty();
            case Found.Miss(var ticket) -> {
                cache.keep(ticket, kept(truth));
                yield Optional.empty();
            }
        };
    }
}
