package dev.stator.bench;

import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.Prompt;
import dev.stator.api.chat.ToolChoice;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import dev.stator.bench.DocumentQuestions.Turn;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import dev.stator.serving.Guard;
import dev.stator.serving.Splice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * What reuse does to answers: conversations about documents, answered from exact prompts and in
 * each other way. Each way's answers are its own history.
 */
@Command(
        name = "reuse-quality",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Right answers of a model about documents, by mode of reuse, number of documents and turn, with intervals; right answers / those from exact prompts, bar >= 0.99 for the way that is asked for with --way.")
final class ReuseQualityBench extends Bench {
    private static final int CONTEXT = 2048;
    private static final int ANSWER_TOKENS = 32;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--data", description = "Default: demo/eval.jsonl.")
    private Optional<Path> data = Optional.empty();

    @Option(names = "--conversations", description = "Default: ${DEFAULT-VALUE}.")
    private int conversations = 300;

    @Option(
            names = "--way",
            paramLabel = "BOUNDARY,BUDGET",
            description = "The way that has the bar (default: ${DEFAULT-VALUE}).")
    private String way = "32,0.25";

    @Option(
            names = "--guard",
            paramLabel = "MARGIN,ENTROPY",
            description = "Also ask with this guard, in the way of --way.")
    private Optional<String> guard = Optional.empty();

    @Option(names = "--seed", description = "Of other orders (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    /**
     * @param shuffles ask with the documents in another order
     */
    private record Way(
            String name,
            boolean splices,
            boolean shuffles,
            int boundary,
            double budget,
            Optional<Guard> guard) {
        static Way spliced(int boundary, double budget) {
            return new Way(
                    "spliced, boundary %d, windows %.0f %%".formatted(boundary, 100 * budget),
                    true,
                    false,
                    boundary,
                    budget,
                    Optional.empty());
        }

        static Way exact(String name, boolean shuffles) {
            return new Way(name, false, shuffles, 0, 0, Optional.empty());
        }

        Way guarded(Guard by) {
            return new Way(
                    name.replace("spliced", "spliced-guarded"),
                    true,
                    false,
                    boundary,
                    budget,
                    Optional.of(by));
        }
    }

    private record Answered(String text, List<Integer> tokens, Account account, long moved) {}

    private record Cell(int documents, int turn) implements Comparable<Cell> {
        @Override
        public int compareTo(Cell other) {
            return Comparator.comparingInt(Cell::documents)
                    .thenComparingInt(Cell::turn)
                    .compare(this, other);
        }
    }

    @Override
    public Integer call() {
        var file = data.orElseGet(() -> root().resolve("demo/eval.jsonl"));
        var asked = DocumentQuestions.read(file, conversations);
        var bar = Bar.atLeast(0.99);
        var report =
                report(
                        "reuse-quality",
                        bar,
                        "%s, %d conversations of %s"
                                .formatted(
                                        model.describe(),
                                        asked.conversations().size(),
                                        file.getFileName()));
        try (var engine = model.load();
                var node =
                        Node.start(
                                engine,
                                Mode.AGGREGATED,
                                CONTEXT,
                                2 * CONTEXT,
                                8,
                                model.threads())) {
            var chat = ChatModel.of(engine.model(), engine.tokenizer());
            var exact = answers(engine, node, chat, asked, Way.exact("exact", false));
            report.line(
                    "| mode | documents | turn | asked | right, %% (95 %% interval) | same as exact, %% | computed in place, %% | in doubt, %% |");
            report.line("|---|---|---|---|---|---|---|---|");
            double exactRight = 0;
            double chosenRight = 0;
            for (var each : ways()) {
                var answers =
                        each.name.equals("exact")
                                ? exact
                                : answers(engine, node, chat, asked, each);
                var all = print(report, each, asked, exact, answers);
                exactRight = each.name.equals("exact") ? all.right() : exactRight;
                chosenRight = each.equals(chosen()) ? all.right() : chosenRight;
            }
            report.ratio("reuse-quality", chosenRight / exactRight);
        }
        return report.end();
    }

    private Way chosen() {
        double[] numbers = numbers(way);
        return Way.spliced((int) numbers[0], numbers[1]);
    }

    private static double[] numbers(String text) {
        var parts = text.split(",");
        if (parts.length != 2) {
            throw new BenchException("'%s' is not two numbers with a comma".formatted(text));
        }
        return new double[] {Double.parseDouble(parts[0]), Double.parseDouble(parts[1])};
    }

    private List<Way> ways() {
        var ways = new ArrayList<Way>();
        ways.add(Way.exact("exact", false));
        ways.add(Way.exact("exact, another order", true));
        for (double budget : new double[] {0, 0.05, 0.10, 0.15, 0.25}) {
            ways.add(Way.spliced(0, budget));
        }
        for (int boundary : new int[] {16, 32}) {
            ways.add(Way.spliced(boundary, 0));
            ways.add(Way.spliced(boundary, 0.25));
        }
        if (!ways.contains(chosen())) {
            ways.add(chosen());
        }
        guard.map(ReuseQualityBench::numbers)
                .map(its -> chosen().guarded(new Guard(its[0], its[1])))
                .ifPresent(ways::add);
        return ways;
    }

    private static Tally print(
            Report report,
            Way way,
            DocumentQuestions asked,
            List<List<Answered>> exact,
            List<List<Answered>> answers) {
        var all = new Tally();
        var cells = new TreeMap<Cell, Tally>();
        for (int i = 0; i < answers.size(); i++) {
            var conversation = asked.conversations().get(i);
            for (int turn = 0; turn < answers.get(i).size(); turn++) {
                var cell = new Cell(conversation.documents().size(), turn + 1);
                for (var tally : List.of(all, cells.computeIfAbsent(cell, _ -> new Tally()))) {
                    add(
                            tally,
                            conversation.turns().get(turn),
                            answers.get(i).get(turn),
                            exact.get(i).get(turn));
                }
            }
        }
        report.line("| %s | all | all | %s", way.name, all.row());
        cells.forEach(
                (cell, tally) ->
                        report.line(
                                "| %s | %d | %d | %s",
                                way.name, cell.documents, cell.turn, tally.row()));
        return all;
    }

    private static void add(Tally tally, Turn turn, Answered answer, Answered exact) {
        tally.add(
                turn.isRight(answer.text),
                answer.tokens.equals(exact.tokens),
                answer.account.guarded().filter(its -> !its.passed()).isPresent(),
                answer.moved,
                answer.account.splicedTokens());
    }

    private List<List<Answered>> answers(
            LlamaEngine engine, Node node, ChatModel chat, DocumentQuestions asked, Way by) {
        var random = new Random(seed);
        var all = new ArrayList<List<Answered>>();
        for (var conversation : asked.conversations()) {
            var documents = new ArrayList<Document>(conversation.documents());
            if (by.shuffles) {
                Collections.shuffle(documents, random);
            }
            all.add(conversation(engine, node, chat, conversation, documents, by));
        }
        return all;
    }

    private static List<Answered> conversation(
            LlamaEngine engine,
            Node node,
            ChatModel chat,
            DocumentQuestions.Conversation conversation,
            List<Document> documents,
            Way by) {
        var mode = by.splices ? ReuseMode.SPLICED : ReuseMode.EXACT;
        var set = Documents.of(documents, mode, false);
        var messages = new ArrayList<Map<String, Object>>();
        messages.add(Map.of("role", "system", "content", conversation.system()));
        var answers = new ArrayList<Answered>();
        for (var turn : conversation.turns()) {
            messages.add(Map.of("role", "user", "content", turn.question()));
            var said =
                    new Conversation(
                            List.copyOf(messages),
                            List.of(),
                            new ToolChoice.Auto(),
                            true,
                            false,
                            Map.of(),
                            set);
            var prompt = chat.prompt(said, "");
            var answer = answer(engine, node, chat, said, prompt, by);
            answers.add(answer);
            messages.add(Map.of("role", "assistant", "content", answer.text));
        }
        return answers;
    }

    private static Answered answer(
            LlamaEngine engine,
            Node node,
            ChatModel chat,
            Conversation said,
            Prompt prompt,
            Way by) {
        Optional<Splice> splice =
                by.splices ? chat.splice(said, prompt, by.boundary, by.budget) : Optional.empty();
        splice = by.guard.isPresent() ? splice.map(its -> its.guarded(by.guard.get())) : splice;
        var answer = node.answer(prompt.tokens(), ANSWER_TOKENS, splice);
        var account = answer.awaitEnd();
        var tokens = new ArrayList<Integer>();
        for (int token : answer.tokens()) {
            if (!engine.tokenizer().endsGeneration(token)) {
                tokens.add(token);
            }
        }
        var text =
                engine.tokenizer()
                        .decode(tokens.stream().mapToInt(Integer::intValue).toArray(), false);
        long moved =
                prompt.passages().stream().skip(1).mapToLong(each -> each.to() - each.from()).sum();
        return new Answered(text, tokens, account, moved);
    }
}
