package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Text that changes with every request stands behind text that many have: the former goes from the
 * instructions to the end of what is asked, and there behind the last piece that others have.
 */
record MoveBehind(
        Pieces.Kind kind, boolean fromInstructions, String name, String problem, String advice)
        implements Change {
    @Override
    public Made make(List<LoggedRequest> requests) {
        var pieces = new Pieces(requests);
        var changed = new HashMap<Integer, String>();
        var all = new ArrayList<LoggedRequest>();
        for (var request : requests) {
            all.add(
                    fromInstructions
                            ? instructions(request, pieces, changed)
                            : asked(request, pieces, changed));
        }
        return new Made(all, changed);
    }

    private LoggedRequest instructions(
            LoggedRequest request, Pieces pieces, Map<Integer, String> changed) {
        var moved = new ArrayList<String>();
        var edited = request;
        for (int i : Edit.instructions(request)) {
            var text = Edit.text(Edit.messages(request).get(i)).orElse("");
            var cut = Pieces.cut(text);
            var kept = new StringBuilder();
            for (var piece : cut) {
                if (pieces.changes(kind, piece, cut)) {
                    moved.add(piece.strip());
                } else {
                    kept.append(piece);
                }
            }
            edited = Edit.withText(edited, i, _ -> kept.toString());
        }
        if (moved.isEmpty() || Edit.asked(request).isEmpty()) {
            return request;
        }
        changed.put(request.line(), moved.getFirst());
        return Edit.withAsked(edited, text -> text + "\n" + String.join("\n", moved));
    }

    private LoggedRequest asked(
            LoggedRequest request, Pieces pieces, Map<Integer, String> changed) {
        var cut = Pieces.cut(Edit.asked(request).orElse(""));
        int last = -1;
        for (int i = 0; i < cut.size(); i++) {
            last = pieces.isShared(cut.get(i)) ? i : last;
        }
        var kept = new StringBuilder();
        var moved = new ArrayList<String>();
        for (int i = 0; i < cut.size(); i++) {
            var piece = cut.get(i);
            if (i < last && pieces.isOwn(kind, piece)) {
                moved.add(piece);
            } else {
                kept.append(piece);
                if (i == last && !moved.isEmpty()) {
                    kept.append(piece.endsWith("\n") ? "" : "\n").append(String.join("", moved));
                }
            }
        }
        if (moved.isEmpty()) {
            return request;
        }
        changed.put(request.line(), moved.getFirst());
        return Edit.withAsked(request, _ -> kept.toString());
    }
}
