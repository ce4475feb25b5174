package dev.stator.cli;

import dev.stator.engine.Engine;
import dev.stator.engine.EngineLostException;
import dev.stator.serving.NodeFabric;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures what reuse does to a model's answers. */
@Command(name = "eval", description = "Measure what reuse does to a model's answers.")
final class EvalCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private EvalCommand() {}

    static CommandLine commandLine(Console console) {
        return new CommandLine(new EvalCommand())
                .addSubcommand(
                        ServerFlags.addTo(
                                CommandSpec.forAnnotatedObject(new Reuse(console)), Settings.UP));
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Refusal.MISUSED;
    }

    /** Writes the card without which a server does not splice. */
    @Command(
            name = "reuse",
            sortOptions = false,
            abbreviateSynopsis = true,
            description = {
                "Ask questions about documents, from exact prompts and from spliced ones, and write a card that",
                "says which splicing changes few enough answers: at least 97 % the same, at most one point of the",
                "right ones lost. A server finds the card beside the model and then allows \"reuse\": \"spliced\", or",
                "\"spliced-guarded\", which answers exactly where the model is less sure of its first token than the card asks."
            },
            footer = {
                "",
                "A line of the data: {\"system\": …, \"documents\": [{\"title\": …, \"text\": …}, …],",
                "\"turns\": [{\"question\": …, \"expected\": …}]}. Only first turns are asked, and only where there are",
                "two documents or more; \"system\" and \"expected\" may be left out. Further flags are those of 'stator up'."
            })
    private static final class Reuse implements Callable<Integer> {
        private final Console console;

        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Option(
                names = "--data",
                paramLabel = "FILE",
                required = true,
                description = "questions about documents, JSONL")
        private Path data = Path.of("");

        @Option(
                names = "--questions",
                paramLabel = "N",
                description = "how many at most [${DEFAULT-VALUE}]",
                defaultValue = "200")
        private int questions;

        @Option(
                names = "--all",
                description = "measure all settings, not only up to the first that is good enough")
        private boolean all;

        @Option(
                names = "--out",
                paramLabel = "FILE",
                description = "where to write the card [MODEL.reuse.json beside the model]")
        private Optional<Path> out = Optional.empty();

        Reuse(Console console) {
            this.console = console;
        }

        /** Fails if the model is not to be spliced. */
        @Override
        public Integer call() {
            var asked = ReuseQuestions.read(data, questions);
            var configuration = ServerFlags.configuration(spec, console.environment());
            var model = ModelSource.of(configuration, Distribution.current(), console);
            var card =
                    Server.withNode(
                            configuration,
                            model,
                            console,
                            (engine, node) -> measure(engine, node, model, asked));
            var file = out.orElseGet(() -> ReuseCard.beside(model.file()));
            card.write(file);
            print(card, file);
            return card.chosen().or(card::chosenGuarded).isPresent() ? 0 : Refusal.FAILED;
        }

        private ReuseCard measure(
                Engine engine, NodeFabric node, ModelSource model, ReuseQuestions asked) {
            unspliceable(node)
                    .ifPresent(
                            why -> {
                                throw Refusal.failed(
                                        "%s cannot be spliced: %s".formatted(model.name(), why));
                            });
            return new ReuseTrial(engine, node, console).card(model.name(), asked, all);
        }

        /** Finding out may be the end of the engine's process. */
        private static Optional<String> unspliceable(NodeFabric node) {
            try {
                return node.unspliceable();
            } catch (EngineLostException e) {
                return Optional.of(
                        "the engine did not survive being asked (" + e.getMessage() + ")");
            }
        }

        private void print(ReuseCard card, Path file) {
            var lines = console.out();
            lines.printf(
                    Locale.ROOT,
                    "%d questions of %s; exact prompts: %s right%n",
                    card.questions(),
                    card.data(),
                    percent(card.exactRight()));
            lines.println(
                    "                                                             | WITH A GUARD");
            lines.println(
                    "BOUNDARY  WINDOWS  RECOMPUTED  SAME ANSWER  RIGHT   KL OF 1ST | DOUBTED  SAME     RIGHT");
            for (var each : card.settings()) {
                lines.printf(
                        Locale.ROOT,
                        "%8d  %5.0f %%  %8.1f %%  %9.1f %%  %-7s  %8.4f | %s%s%n",
                        each.boundary(),
                        100 * each.budget(),
                        100 * each.recomputed(),
                        100 * each.agreement(),
                        percent(each.right()),
                        each.firstTokenKl(),
                        each.guarded().map(Reuse::line).orElse("too often in doubt"),
                        mark(card, each));
            }
            lines.printf("%s: %s%n", file, card.verdict());
        }

        private static String line(ReuseCard.Guarded guarded) {
            return String.format(
                    Locale.ROOT,
                    "%5.1f %%  %5.1f %%  %s",
                    100 * guarded.doubted(),
                    100 * guarded.agreement(),
                    percent(guarded.right()));
        }

        private static String mark(ReuseCard card, ReuseCard.Measured each) {
            boolean plain = card.chosen().filter(each::equals).isPresent();
            boolean guarded = card.chosenGuarded().filter(each::equals).isPresent();
            return (plain ? "  <- spliced" : "") + (guarded ? "  <- spliced-guarded" : "");
        }

        private static String percent(Optional<Double> part) {
            return part.map(p -> String.format(Locale.ROOT, "%.1f %%", 100 * p)).orElse("-");
        }
    }
}
