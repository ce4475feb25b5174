package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Lines and sentences of requests: which of them many have, and which belong to one request alone,
 * because of a time, an id, or otherwise.
 */
final class Pieces {
    private static final Pattern CUT = Pattern.compile("(?<=\\n)|(?<=[.!?。！？]\\s)");
    private static final Pattern CLOCK =
            Pattern.compile(
                    "\\d{4}-\\d{2}-\\d{2}(?:[T ]\\d{2}:\\d{2}(?::\\d{2})?(?:\\.\\d+)?(?:Z|[+-]\\d{2}:?\\d{2})?)?"
                            + "|\\b\\d{1,2}:\\d{2}(?::\\d{2})?\\b|\\b\\d{1,2}[./]\\d{1,2}[./]\\d{2,4}\\b"
                            + "|\\b\\d{1,2}(?:st|nd|rd|th)?\\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\\.?,? \\d{4}\\b"
                            + "|\\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\\.? \\d{1,2}(?:st|nd|rd|th)?,? \\d{4}\\b"
                            + "|\\b1[5-9]\\d{8}(?:\\d{3})?\\b");
    private static final Pattern ID =
            Pattern.compile(
                    "\\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\\b"
                            + "|\\b(?=[0-9a-fA-F]*\\d)[0-9a-fA-F]{12,}\\b"
                            + "|\\b[a-z]{2,10}[-_](?=[A-Za-z0-9]*\\d)[A-Za-z0-9]{6,}\\b");

    /** Shorter ones are in every text. */
    private static final int LEAST_SHARED = 20;

    /** Why a piece is not what others have, too. */
    enum Kind {
        CLOCK,
        ID,
        OWN
    }

    private final Map<String, Integer> instructing = new HashMap<>();
    private final Map<String, Integer> asking = new HashMap<>();
    private final Map<String, Set<String>> variants = new HashMap<>();

    Pieces(List<LoggedRequest> requests) {
        for (var request : requests) {
            var instructions = new HashSet<String>();
            for (int i : Edit.instructions(request)) {
                Edit.text(Edit.messages(request).get(i))
                        .ifPresent(text -> instructions.addAll(cut(text)));
            }
            var asked = new HashSet<String>();
            Edit.asked(request).ifPresent(text -> asked.addAll(cut(text)));
            instructions.forEach(piece -> count(piece, instructing));
            asked.forEach(piece -> count(piece, asking));
        }
    }

    private void count(String piece, Map<String, Integer> counts) {
        counts.merge(piece, 1, Integer::sum);
        variants.computeIfAbsent(skeleton(piece), _ -> new HashSet<>()).add(piece);
    }

    static List<String> cut(String text) {
        return List.of(CUT.split(text));
    }

    private static String skeleton(String piece) {
        return ID.matcher(CLOCK.matcher(piece).replaceAll("\u0001")).replaceAll("\u0002");
    }

    private boolean varies(String piece) {
        return variants.getOrDefault(skeleton(piece), Set.of()).size() > 1;
    }

    private boolean is(Kind kind, String piece, boolean own) {
        return switch (kind) {
            case CLOCK -> CLOCK.matcher(piece).find() && varies(piece);
            case ID -> ID.matcher(piece).find() && !is(Kind.CLOCK, piece, own) && varies(piece);
            case OWN -> own && !is(Kind.CLOCK, piece, true) && !is(Kind.ID, piece, true);
        };
    }

    /** Whether a piece of instructions changes from one request to the next. */
    boolean changes(Kind kind, String piece, List<String> around) {
        int most =
                around.stream().mapToInt(each -> instructing.getOrDefault(each, 0)).max().orElse(0);
        boolean own = instructing.getOrDefault(piece, 0) * 2 < most;
        return !piece.isBlank() && is(kind, piece, own);
    }

    /** Whether a piece of what is asked is no other request's. */
    boolean isOwn(Kind kind, String piece) {
        return !piece.isBlank() && is(kind, piece, asking.getOrDefault(piece, 0) < 2);
    }

    /** Whether others have it, too. */
    boolean isShared(String piece) {
        return piece.strip().length() >= LEAST_SHARED
                && asking.getOrDefault(piece, 0) > 1
                && !is(Kind.CLOCK, piece, false)
                && !is(Kind.ID, piece, false);
    }
}
