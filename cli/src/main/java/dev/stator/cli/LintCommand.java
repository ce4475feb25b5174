package dev.stator.cli;

import dev.stator.api.LoggedRequest;
import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.ChatModel;
import dev.stator.api.lint.Finding;
import dev.stator.api.lint.Outcome;
import dev.stator.api.lint.RequestLint;
import dev.stator.api.lint.TemplateLint;
import dev.stator.engine.llama.LlamaEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** Shows what in a pipeline's prompts destroys reuse. */
@Command(
        name = "lint",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Show what in a pipeline's prompts destroys reuse, and what a change would save. Needs no server.",
            "Requests go through the keys of real blocks, with a cache that keeps everything, as they are",
            "and changed. Exit status: 0 nothing was found, 1 something was."
        },
        footer = {
            "",
            "A line of REQUESTS.jsonl is the body of a request to /v1/chat/completions, /v1/completions or",
            "/v1/messages, in the order in which they were sent; OpenAI's batch files will do. Anything else is",
            "taken for a Jinja template, of prompts or of a model's chats. Further flags are those of 'stator up':",
            "--model says whose tokens and chat template count."
        })
final class LintCommand implements Callable<Integer> {
    private static final int FOUND = 1;
    private static final int WIDTH = 96;

    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Parameters(paramLabel = "TEMPLATE|REQUESTS.jsonl", description = "what to look at")
    private Path file = Path.of("");

    @Option(names = "--json", description = "for programs")
    private boolean json;

    @Option(
            names = "--requests",
            paramLabel = "N",
            description = "how many at most [${DEFAULT-VALUE}]",
            defaultValue = "2000")
    private int most;

    LintCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var text = read();
        return isRequests(text) ? requests(text) : template(text);
    }

    private String read() {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw Refusal.failed("cannot read %s: %s".formatted(file, Reason.of(e)));
        }
    }

    /** A template begins with a brace and a percent sign or another brace, if with any. */
    private boolean isRequests(String text) {
        var begin = text.stripLeading();
        return String.valueOf(file.getFileName()).matches(".*\\.(jsonl|json|ndjson)")
                || begin.startsWith("{")
                        && !begin.startsWith("{%")
                        && !begin.startsWith("{{")
                        && !begin.startsWith("{#");
    }

    private int template(String text) {
        List<Finding> findings;
        try {
            findings = TemplateLint.of(text);
        } catch (IllegalArgumentException e) {
            throw Refusal.failed("%s is no template: %s".formatted(file, e.getMessage()));
        }
        if (json) {
            print(Map.of("template", file.toString(), "findings", findings));
        } else {
            console.out()
                    .println(
                            findings.isEmpty()
                                    ? "%s: nothing that changes stands before what requests share"
                                            .formatted(file)
                                    : "%s: %d found".formatted(file, findings.size()));
            findings.forEach(this::print);
        }
        return findings.isEmpty() ? 0 : FOUND;
    }

    private int requests(String text) {
        var configuration = ServerFlags.configuration(spec, console.environment());
        var model = ModelSource.of(configuration, Distribution.current(), console);
        RequestLint.Report report;
        try (var engine = Server.load(configuration, model, new Patience(console))) {
            var chat = ChatModel.of(engine.model(), engine.tokenizer());
            report = RequestLint.of(requests(text, engine), chat, engine.tokenizer());
        } catch (ChatException | IllegalArgumentException e) {
            throw Refusal.failed("%s: %s".formatted(file, e.getMessage()));
        }
        if (json) {
            print(asJson(report, model.name()));
        } else {
            print(report, model.name());
        }
        return report.findings().isEmpty() ? 0 : FOUND;
    }

    private List<LoggedRequest> requests(String text, LlamaEngine engine) {
        var requests = new ArrayList<LoggedRequest>();
        int number = 0;
        for (var line : text.split("\\R")) {
            number++;
            if (!line.isBlank() && requests.size() < most) {
                try {
                    requests.addAll(
                            LoggedRequest.read(number, line, engine.model().vocabularySize()));
                } catch (IllegalArgumentException e) {
                    throw Refusal.failed("%s, line %d: %s".formatted(file, number, e.getMessage()));
                }
            }
        }
        if (requests.isEmpty()) {
            throw Refusal.failed("%s holds no request".formatted(file));
        }
        return requests;
    }

    private void print(Object value) {
        console.out()
                .println(
                        JsonMapper.shared()
                                .writerWithDefaultPrettyPrinter()
                                .writeValueAsString(value));
    }

    private static Map<String, Object> asJson(RequestLint.Report report, String model) {
        var object = new LinkedHashMap<String, Object>();
        object.put("model", model);
        object.put("requests", report.requests());
        object.put("as_sent", asJson(report.asSent()));
        object.put("together", asJson(report.together()));
        object.put("findings", report.findings());
        return object;
    }

    private static Map<String, Object> asJson(Outcome outcome) {
        var object = new LinkedHashMap<String, Object>();
        object.put("prompt_tokens", outcome.tokens());
        object.put("computed_tokens", outcome.computed());
        object.put("served", Math.round(outcome.served() * 10_000) / 10_000.0);
        return object;
    }

    private void print(RequestLint.Report report, String model) {
        var out = console.out();
        out.printf(
                Locale.ROOT,
                "%s: %d requests, %,d prompt tokens of %s; %.1f %% of them served from the cache%n",
                file,
                report.requests(),
                report.asSent().tokens(),
                model,
                100 * report.asSent().served());
        if (report.findings().isEmpty()) {
            out.println("nothing was found that a change would save");
            return;
        }
        report.findings().forEach(finding -> print(finding, report.asSent()));
        if (report.together().computed() < report.asSent().computed()) {
            out.printf(
                    Locale.ROOT,
                    "%nwith all of these that keep answers exact: %,d tokens computed instead of %,d, %.1f %% served%n",
                    report.together().computed(),
                    report.asSent().computed(),
                    100 * report.together().served());
        }
    }

    private void print(Finding finding, Outcome asSent) {
        console.out()
                .printf(
                        Locale.ROOT,
                        "%n%s: saves %,d of %,d computed tokens%s; found in %d requests%n",
                        finding.name(),
                        finding.saved(),
                        asSent.computed(),
                        finding.savedWithOthers() > 0
                                ? String.format(
                                        Locale.ROOT,
                                        ", %,d once the others are done",
                                        finding.savedWithOthers())
                                : "",
                        finding.requests());
        words(finding);
    }

    private void print(Finding finding) {
        console.out().printf("%n%s%n", finding.name());
        words(finding);
    }

    private void words(Finding finding) {
        paragraph("", finding.problem());
        finding.examples().forEach(example -> console.out().println("    " + example));
        paragraph("-> ", finding.advice());
    }

    /** Wrapped, as terminals are narrow. */
    private void paragraph(String mark, String text) {
        var line = new StringBuilder("    " + mark);
        for (var word : text.split(" ")) {
            if (line.length() + word.length() > WIDTH) {
                console.out().println(line.toString().stripTrailing());
                line.setLength(0);
                line.append("    ").append(" ".repeat(mark.length()));
            }
            line.append(word).append(' ');
        }
        console.out().println(line.toString().stripTrailing());
    }
}
