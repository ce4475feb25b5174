package dev.stator.api.lint;

import dev.stator.jinja.Template;
import dev.stator.jinja.TemplateException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Looks for what destroys reuse in a Jinja template: of a pipeline's prompts, by what it writes in
 * which order; of a model's chats, by how small conversations come out of it as well.
 */
public final class TemplateLint {
    private static final String CLOCK = "strftime_now";

    /** Variables that hold what prompts share. */
    private static final Set<String> SHARED =
            Set.of(
                    "documents",
                    "docs",
                    "document",
                    "passages",
                    "context",
                    "contexts",
                    "chunks",
                    "sources",
                    "results",
                    "retrieved",
                    "messages",
                    "history",
                    "examples",
                    "few_shots");

    /** Variables that are the same for all requests. */
    private static final Set<String> STABLE =
            Set.of(
                    "bos_token",
                    "eos_token",
                    "tools",
                    "system",
                    "system_prompt",
                    "system_message",
                    "instructions",
                    "add_generation_prompt",
                    "loop",
                    "raise_exception",
                    "namespace",
                    "range",
                    "dict",
                    "lipsum",
                    "cycler",
                    "joiner",
                    "builtin_tools",
                    "custom_tools",
                    "available_tools",
                    "functions",
                    "add_tokens",
                    "additional_special_tokens",
                    "knowledge_cutoff",
                    "reasoning_effort",
                    "enable_thinking",
                    "tools_in_user_message",
                    "model_identity");

    private static final String THOUGHT = "<think>\nzebra thought\n</think>\n\n";

    private final Template template;
    private final List<Finding> findings = new ArrayList<>();

    private TemplateLint(Template template) {
        this.template = template;
    }

    /**
     * @return in the order of the template
     * @throws IllegalArgumentException if it is no template; says where
     */
    public static List<Finding> of(String source) {
        try {
            var lint = new TemplateLint(Template.parse(source));
            lint.order();
            lint.chats();
            return List.copyOf(lint.findings);
        } catch (TemplateException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** What changes with every request must not be written before what requests share. */
    private void order() {
        var outputs = template.outputs();
        for (int i = 0; i < outputs.size(); i++) {
            var output = outputs.get(i);
            var behind =
                    outputs.subList(i + 1, outputs.size()).stream()
                            .filter(each -> each.variables().stream().anyMatch(SHARED::contains))
                            .findFirst();
            if (behind.isPresent()) {
                before(output, behind.get());
            }
        }
    }

    private void before(Template.Output output, Template.Output behind) {
        var shared = behind.variables().stream().filter(SHARED::contains).sorted().findFirst();
        if (output.variables().contains(CLOCK)) {
            add(
                    "clock",
                    "the time is written before the %s (line %d): they are computed again whenever it changes"
                            .formatted(shared.orElse("text"), behind.line()),
                    "write it behind them, or no more exactly than a day",
                    output.line(),
                    CLOCK);
        }
        for (var name : output.variables().stream().sorted().toList()) {
            if (!name.equals(CLOCK) && !SHARED.contains(name) && !STABLE.contains(name)) {
                add(
                        "variable-before-" + shared.orElse("text"),
                        "`%s` is written before the %s (line %d): they are computed again whenever it changes"
                                .formatted(name, shared.orElse("text"), behind.line()),
                        "write what changes with every request behind what requests share",
                        output.line(),
                        "{{ … " + name + " … }}");
            }
        }
    }

    private void add(String name, String problem, String advice, int line, String example) {
        var finding = Finding.of(name, problem, advice, "line %d: %s".formatted(line, example));
        if (!findings.contains(finding)) {
            findings.add(finding);
        }
    }

    /** A chat template must only ever add to what it has written. */
    private void chats() {
        var system = message("system", "zebra instructions");
        var asked = message("user", "zebra question");
        var answered = message("assistant", "zebra answer");
        var further = message("user", "zebra further");
        if (render(List.of(asked), List.of(), false).filter(t -> t.contains("zebra")).isEmpty()) {
            return;
        }
        var known =
                render(List.of(system, asked), List.of(), false).isPresent()
                        ? List.of(system)
                        : List.<Map<String, Object>>of();
        appends(known, asked, answered, further, List.of());
        reasoning(known, asked, further);
        tools(known, asked, answered, further);
        clock(known, asked);
    }

    private void appends(
            List<Map<String, Object>> known,
            Map<String, Object> asked,
            Map<String, Object> answered,
            Map<String, Object> further,
            List<Map<String, Object>> tools) {
        var first = render(joined(known, asked, answered), tools, false);
        var second = render(joined(known, asked, answered, further), tools, true);
        int differs = differs(first, second);
        if (differs >= 0) {
            note(
                    tools.isEmpty() ? "history-rewritten" : "tools-move",
                    tools.isEmpty()
                            ? "earlier turns are written in another way once others follow: each turn is computed again from there"
                            : "tools are written beside the last message: each turn is computed again from where they were",
                    tools.isEmpty()
                            ? "use a template that only adds to a conversation"
                            : "use a template that writes tools before the conversation",
                    first.orElse(""),
                    differs);
        }
    }

    private void reasoning(
            List<Map<String, Object>> known,
            Map<String, Object> asked,
            Map<String, Object> further) {
        var thought = message("assistant", THOUGHT + "zebra answer");
        var first = render(joined(known, asked, thought), List.of(), false);
        var second = render(joined(known, asked, thought, further), List.of(), true);
        int differs = differs(first, second);
        boolean told = findings.stream().anyMatch(each -> each.name().equals("history-rewritten"));
        if (!told
                && differs >= 0
                && first.filter(text -> text.contains("zebra thought")).isPresent()) {
            note(
                    "reasoning-cut",
                    "the reasoning of an answer is cut out once another turn follows: what came behind it is computed again, once",
                    "none is needed where answers are short; else keep the reasoning, if the template has a switch for that",
                    first.orElse(""),
                    differs);
        }
    }

    private void tools(
            List<Map<String, Object>> known,
            Map<String, Object> asked,
            Map<String, Object> answered,
            Map<String, Object> further) {
        var one = render(joined(known, asked), List.of(tool("zebra_one")), false).orElse("");
        if (!one.contains("zebra_one")) {
            return;
        }
        appends(known, asked, answered, further, List.of(tool("zebra_one")));
        int tools = one.indexOf("zebra_one");
        int text = one.indexOf("zebra instructions");
        if (text > tools) {
            note(
                    "tools-first",
                    "tools are written before the instructions: whoever has other tools, or in another order, shares nothing",
                    "give all requests of an application the same tools, sorted by name",
                    one,
                    tools);
        }
    }

    private void clock(List<Map<String, Object>> known, Map<String, Object> asked) {
        var now = Clock.fixed(Instant.parse("2031-05-07T11:22:33Z"), ZoneOffset.UTC);
        var later = Clock.offset(now, Duration.ofDays(40));
        var messages = joined(known, asked);
        var one = render(messages, List.of(), true, now);
        var other = render(messages, List.of(), true, later);
        int differs = one.isPresent() && other.isPresent() ? mismatch(one.get(), other.get()) : -1;
        boolean told = findings.stream().anyMatch(each -> each.name().equals("clock"));
        if (differs >= 0 && !told && differs < one.get().indexOf("zebra question")) {
            note(
                    "clock",
                    "the time is written before the conversation: all of it is computed again whenever it changes",
                    "set the variable that the template takes the date from, or leave it out",
                    one.get(),
                    differs);
        }
    }

    private void note(String name, String problem, String advice, String text, int at) {
        var before = text.substring(Math.max(0, at - 40), at);
        findings.add(
                Finding.of(
                        name, problem, advice, "behind \"%s\"".formatted(Edit.shortened(before))));
    }

    /** Where the second text does not begin with the first; -1 if it does, or one is missing. */
    private static int differs(Optional<String> first, Optional<String> second) {
        if (first.isEmpty() || second.isEmpty()) {
            return -1;
        }
        int differs = mismatch(first.get(), second.get());
        // A line break at the end of one may belong to what closes the conversation.
        return differs < 0 || differs >= first.get().stripTrailing().length() ? -1 : differs;
    }

    private static int mismatch(String one, String other) {
        int shorter = Math.min(one.length(), other.length());
        return IntStream.range(0, shorter)
                .filter(i -> one.charAt(i) != other.charAt(i))
                .findFirst()
                .orElse(one.length() <= other.length() ? -1 : shorter);
    }

    private Optional<String> render(
            List<Map<String, Object>> messages, List<Map<String, Object>> tools, boolean prompts) {
        return render(messages, tools, prompts, Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));
    }

    /** Empty if the template refuses, or wants something else. */
    private Optional<String> render(
            List<Map<String, Object>> messages,
            List<Map<String, Object>> tools,
            boolean prompts,
            Clock clock) {
        var variables = new LinkedHashMap<String, Object>();
        variables.put("messages", messages);
        variables.put("tools", tools.isEmpty() ? Template.NULL : tools);
        variables.put("documents", Template.NULL);
        variables.put("add_generation_prompt", prompts);
        variables.put("bos_token", "");
        variables.put("eos_token", "");
        try {
            return Optional.of(template.render(variables, clock));
        } catch (TemplateException _) {
            return Optional.empty();
        }
    }

    @SafeVarargs
    private static List<Map<String, Object>> joined(
            List<Map<String, Object>> known, Map<String, Object>... messages) {
        var all = new ArrayList<>(known);
        all.addAll(List.of(messages));
        return all;
    }

    private static Map<String, Object> message(String role, String content) {
        return Map.of("role", role, "content", content);
    }

    private static Map<String, Object> tool(String name) {
        return Map.of(
                "type",
                "function",
                "function",
                Map.of(
                        "name",
                        name,
                        "description",
                        "Looks.",
                        "parameters",
                        Map.of("type", "object", "properties", Map.of())));
    }
}
