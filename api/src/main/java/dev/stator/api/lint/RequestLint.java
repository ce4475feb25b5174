package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import dev.stator.api.chat.ChatModel;
import dev.stator.engine.Tokenizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Looks for what destroys reuse in requests that a pipeline sent, in their order. */
public final class RequestLint {
    private static final int EXAMPLES = 2;

    /** In the order in which they are made together. */
    private static final List<Change> CHANGES =
            List.of(
                    new ConversationChanges.Salts(),
                    new ConversationChanges.ToolOrder(),
                    new ConversationChanges.CallIds(),
                    new ConversationChanges.History(),
                    new DocumentChanges.Duplicates(),
                    new MoveBehind(
                            Pieces.Kind.CLOCK,
                            true,
                            "clock-in-instructions",
                            "a date or a time in the instructions makes all that follows another prompt",
                            "write it behind the documents, at the end of the last user's message, or no more exactly than needed"),
                    new MoveBehind(
                            Pieces.Kind.ID,
                            true,
                            "id-in-instructions",
                            "an id in the instructions makes all that follows another prompt",
                            "leave it out, or write it at the end of the last user's message"),
                    new MoveBehind(
                            Pieces.Kind.OWN,
                            true,
                            "own-text-in-instructions",
                            "instructions hold text of single users or requests, such as a name",
                            "write it at the end of the last user's message"),
                    new MoveBehind(
                            Pieces.Kind.CLOCK,
                            false,
                            "clock-before-documents",
                            "a date or a time stands before text that other requests have, too",
                            "write it behind that text"),
                    new MoveBehind(
                            Pieces.Kind.ID,
                            false,
                            "id-before-documents",
                            "an id stands before text that other requests have, too",
                            "leave it out, or write it behind that text"),
                    new MoveBehind(
                            Pieces.Kind.OWN,
                            false,
                            "own-text-before-documents",
                            "text of one request alone, such as the question, stands before text that others have, too",
                            "write it behind that text"),
                    new DocumentChanges.Order());

    /**
     * @param asSent what the requests cost as they are
     * @param together what they cost with all changes that save something, which keep answers exact
     * @param findings worst first, by what they save alone or with all others
     */
    public record Report(int requests, Outcome asSent, Outcome together, List<Finding> findings) {
        public Report {
            findings = List.copyOf(findings);
        }
    }

    private final Replay replay;
    private final List<LoggedRequest> requests;
    private final Outcome asSent;

    private RequestLint(Replay replay, List<LoggedRequest> requests) {
        this.replay = replay;
        this.requests = requests;
        this.asSent = replay.exact(requests);
    }

    /**
     * @throws IllegalArgumentException if the chat template refuses one, naming its line
     */
    public static Report of(List<LoggedRequest> requests, ChatModel chat, Tokenizer tokenizer) {
        var lint = new RequestLint(new Replay(chat, tokenizer), requests);
        var applying =
                CHANGES.stream().filter(each -> !each.make(requests).changed().isEmpty()).toList();
        var useful = new ArrayList<>(applying);
        var savedWithOthers = new HashMap<String, Long>();
        var together = lint.outcome(useful);
        for (var change : applying.reversed()) {
            var others = useful.stream().filter(each -> each != change).toList();
            var without = lint.outcome(others);
            if (without.computed() <= together.computed()) {
                useful.remove(change);
                together = without;
            } else {
                savedWithOthers.put(change.name(), without.computed() - together.computed());
            }
        }
        var findings = new ArrayList<Finding>();
        for (var change : applying) {
            lint.finding(change, savedWithOthers.getOrDefault(change.name(), 0L))
                    .ifPresent(findings::add);
        }
        spliced(lint.asSent, lint.replay.spliced(requests), requests.size(), findings);
        MergedSeams.find(requests, chat, tokenizer).ifPresent(findings::add);
        findings.sort(Comparator.comparingLong(Finding::weight).reversed());
        return new Report(requests.size(), lint.asSent, together, findings);
    }

    /** What requests cost with changes made one after the other. */
    private Outcome outcome(List<Change> changes) {
        var changed = requests;
        for (var change : changes) {
            changed = change.make(changed).requests();
        }
        return replay.exact(changed);
    }

    private Optional<Finding> finding(Change change, long savedWithOthers) {
        var made = change.make(requests);
        long saved = Math.max(0, asSent.computed() - replay.exact(made.requests()).computed());
        return saved == 0 && savedWithOthers == 0
                ? Optional.empty()
                : Optional.of(finding(change, saved, savedWithOthers, made.changed()));
    }

    private static void spliced(
            Outcome asSent, Outcome spliced, int requests, List<Finding> findings) {
        if (spliced.computed() < asSent.computed()) {
            findings.add(
                    new Finding(
                            "spliced",
                            "passages stand at other places, and behind other text, than when they were computed",
                            "allow \"reuse\": \"spliced\" (--reuse spliced for all): approximate, where a reuse card of the model allows it; needs no change of the pipeline",
                            asSent.computed() - spliced.computed(),
                            0,
                            requests,
                            List.of()));
        }
    }

    private static Finding finding(
            Change change, long saved, long savedWithOthers, Map<Integer, String> changed) {
        var examples =
                changed.entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .limit(EXAMPLES)
                        .map(
                                each ->
                                        "line %d: %s"
                                                .formatted(
                                                        each.getKey(),
                                                        Edit.shortened(each.getValue())))
                        .toList();
        return new Finding(
                change.name(),
                change.problem(),
                change.advice(),
                saved,
                savedWithOthers,
                changed.size(),
                examples);
    }
}
