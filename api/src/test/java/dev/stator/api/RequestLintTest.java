package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.chat.ChatModel;
import dev.stator.api.lint.Finding;
import dev.stator.api.lint.RequestLint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Small pipelines, each with one fault. Tokens are bytes, so 32 characters are a block. */
final class RequestLintTest {
    private static final String SYSTEM =
            "You answer from the documents only. You cite the source of each answer. Be brief.";

    private static String document(int i) {
        return "Document %d is about subject %d. It says that the value of subject %d is %d and that nobody ever changed it."
                .formatted(i, i, i, i * 7919);
    }

    private static String quoted(String text) {
        return Client.JSON.writeValueAsString(text);
    }

    private static String message(String role, String text) {
        return "{\"role\": \"%s\", \"content\": %s}".formatted(role, quoted(text));
    }

    private static String chat(String more, String... messages) {
        return "{\"messages\": [%s]%s}".formatted(String.join(", ", messages), more);
    }

    private static RequestLint.Report lint(Stream<String> lines) {
        var fabric = new StubFabric();
        var requests = new ArrayList<LoggedRequest>();
        lines.forEach(
                line ->
                        requests.addAll(
                                LoggedRequest.read(requests.size() + 1, line, StubTokenizer.SIZE)));
        return RequestLint.of(
                requests, ChatModel.of(fabric.model(), fabric.tokenizer()), fabric.tokenizer());
    }

    private static RequestLint.Report lint(IntFunction<String> line) {
        return lint(IntStream.range(0, 20).mapToObj(line));
    }

    private static Finding named(RequestLint.Report report, String name) {
        return report.findings().stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not among " + report.findings()));
    }

    private static List<String> exact(RequestLint.Report report) {
        return report.findings().stream()
                .map(Finding::name)
                .filter(name -> !name.equals("spliced"))
                .toList();
    }

    @Test
    void aPipelineThatOnlyAddsIsFine() {
        var report =
                lint(
                        i ->
                                chat(
                                        "",
                                        message("system", SYSTEM),
                                        message(
                                                "user",
                                                document(1)
                                                        + "\n\n"
                                                        + document(2)
                                                        + "\n\nWhat about "
                                                        + i
                                                        + "?")));
        assertThat(report.findings()).isEmpty();
        assertThat(report.asSent().served()).isGreaterThan(0.8);
        assertThat(report.together()).isEqualTo(report.asSent());
    }

    @Test
    void aClockInTheInstructions() {
        var report =
                lint(
                        i ->
                                chat(
                                        "",
                                        message(
                                                "system",
                                                "It is 2026-05-07 11:%02d. %s"
                                                        .formatted(i, SYSTEM)),
                                        message("user", document(1) + "\nWhat about " + i + "?")));
        var finding = named(report, "clock-in-instructions");
        assertThat(finding.requests()).isEqualTo(20);
        assertThat(finding.examples().getFirst()).isEqualTo("line 1: It is 2026-05-07 11:00.");
        assertThat(finding.saved()).isGreaterThan(report.asSent().computed() / 2);
        assertThat(report.asSent().computed() - report.together().computed())
                .isGreaterThanOrEqualTo(finding.saved());
        assertThat(report.findings().getFirst()).isEqualTo(finding);
    }

    @Test
    void idsAndNames() {
        var report =
                lint(
                        i ->
                                chat(
                                        "",
                                        message(
                                                "system",
                                                "Session 3f2b%04d-aaaa-bbbb-cccc-1234567890ab.\nThe user is %s.\n%s"
                                                        .formatted(
                                                                i,
                                                                List.of("Ann", "Bob", "Cem", "Dan")
                                                                        .get(i % 4),
                                                                SYSTEM)),
                                        message("user", document(1) + "\nWhat about " + i + "?")));
        assertThat(named(report, "id-in-instructions").savedWithOthers()).isPositive();
        assertThat(named(report, "own-text-in-instructions").savedWithOthers()).isPositive();
        assertThat(named(report, "own-text-in-instructions").examples().getFirst())
                .contains("The user is");
        assertThat(report.together().served()).isGreaterThan(report.asSent().served() + 0.3);
    }

    @Test
    void theQuestionBeforeTheDocuments() {
        var report =
                lint(
                        i ->
                                "{\"prompt\": %s}"
                                        .formatted(
                                                quoted(
                                                        "Answer the question.\nWhat is said about number %d?\n%s\n%s\nThe answer:"
                                                                .formatted(
                                                                        i,
                                                                        document(1),
                                                                        document(2)))));
        assertThat(exact(report)).containsExactly("own-text-before-documents");
        assertThat(report.findings().getFirst().saved())
                .isGreaterThan(report.asSent().computed() / 2);
    }

    @Test
    void documentsInEverNewOrders() {
        var random = new Random(1);
        IntFunction<List<Integer>> shuffled =
                _ -> {
                    var order = new ArrayList<>(List.of(1, 2, 3, 4));
                    Collections.shuffle(order, random);
                    return order;
                };
        var plain =
                lint(
                        i ->
                                chat(
                                        "",
                                        message("system", SYSTEM),
                                        message(
                                                "user",
                                                String.join(
                                                                "\n\n",
                                                                shuffled.apply(i).stream()
                                                                        .map(d -> document(d))
                                                                        .toList())
                                                        + "\n\nWhat about "
                                                        + i
                                                        + "?")));
        assertThat(exact(plain)).contains("document-order");
        assertThat(named(plain, "spliced").saved()).isPositive();
        var declared =
                lint(
                        i ->
                                chat(
                                        ", \"documents\": [%s]"
                                                .formatted(
                                                        String.join(
                                                                ", ",
                                                                shuffled.apply(i).stream()
                                                                        .map(
                                                                                d ->
                                                                                        "{\"id\": \"%d\", \"text\": %s}"
                                                                                                .formatted(
                                                                                                        d,
                                                                                                        quoted(
                                                                                                                document(
                                                                                                                        d))))
                                                                        .toList())),
                                        message("system", SYSTEM),
                                        message("user", "What about " + i + "?")));
        assertThat(exact(declared)).containsExactly("document-order");
        assertThat(declared.together().served()).isGreaterThan(0.8);
    }

    @Test
    void theSameDocumentTwice() {
        var report =
                lint(
                        i ->
                                chat(
                                        "",
                                        message("system", SYSTEM),
                                        message(
                                                "user",
                                                String.join(
                                                                "\n\n",
                                                                document(i),
                                                                document(50),
                                                                document(i))
                                                        + "\n\nWhich?")));
        assertThat(named(report, "duplicates").requests()).isEqualTo(20);
        assertThat(report.together().tokens()).isLessThan(report.asSent().tokens());
    }

    @Test
    void saltsOfSingleRequests() {
        var report =
                lint(
                        i ->
                                chat(
                                        ", \"cache_salt\": \"r" + i + "\"",
                                        message("system", SYSTEM),
                                        message("user", document(1) + "?" + i)));
        assertThat(exact(report)).containsExactly("salts");
        assertThat(report.asSent().served()).isZero();
    }

    @Test
    void toolsInOtherOrders() {
        var report =
                lint(
                        i ->
                                chat(
                                        ", \"tools\": [%s, %s]"
                                                .formatted(
                                                        tool(i % 2 == 0 ? "look_up" : "weigh"),
                                                        tool(i % 2 == 0 ? "weigh" : "look_up")),
                                        message("system", SYSTEM),
                                        message("user", document(1) + "?" + i)));
        assertThat(exact(report)).contains("tool-order");
    }

    private static String tool(String name) {
        return "{\"type\": \"function\", \"function\": {\"name\": \"%s\", \"description\": \"Does what its name says, for whoever asks.\"}}"
                .formatted(name);
    }

    @Test
    void historyThatIsCut() {
        var turns = new ArrayList<String>();
        var lines = new ArrayList<String>();
        for (int i = 0; i < 8; i++) {
            turns.add(message("user", document(i) + " What of it?"));
            var sent = new ArrayList<>(List.of(message("system", SYSTEM)));
            // A window of the last turns.
            sent.addAll(turns.subList(Math.max(0, turns.size() - 5), turns.size()));
            lines.add(chat("", sent.toArray(String[]::new)));
            turns.add(message("assistant", "The value is " + i + ", as the document says."));
        }
        var report = lint(lines.stream());
        assertThat(exact(report)).contains("history");
        assertThat(named(report, "history").saved()).isPositive();
    }

    @Test
    void linesThatAreNoRequestsAreRefused() {
        for (var line : List.of("{", "[]", "{}", "{\"prompt\": 5}", "{\"messages\": 1}", "x")) {
            assertThatThrownBy(() -> LoggedRequest.read(1, line, 100))
                    .as(line)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void bodiesOfOtherFormsAreRead() {
        var batch =
                "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": %s}"
                        .formatted(chat("", message("user", "x")));
        assertThat(LoggedRequest.read(1, batch, 100)).hasSize(1);
        assertThat(LoggedRequest.read(1, "{\"prompt\": [[1, 2], [3]]}", 100)).hasSize(2);
        var messages =
                "{\"system\": \"Be brief.\", \"max_tokens\": 5, \"messages\": [%s]}"
                        .formatted(message("user", "x"));
        var read = LoggedRequest.read(1, messages, 100).getFirst();
        assertThat(read.content())
                .isInstanceOfSatisfying(
                        LoggedRequest.Content.Chat.class,
                        its -> assertThat(its.conversation().messages()).hasSize(2));
    }
}
