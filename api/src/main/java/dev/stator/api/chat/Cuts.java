package dev.stator.api.chat;

import dev.stator.engine.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The places where a text can be cut so that its pieces tokenise one by one to exactly the tokens
 * of the whole. Thread-safe.
 */
/*
 * A tokenizer first looks for the texts of special tokens, longest first, each from left to right,
 * and then tokenises what lies between them, one stretch at a time. So a cut at the beginning of a
 * special token S changes nothing provided that
 *
 *   1. S is what the tokenizer finds there: it is the longest special text at the place, and no other
 *      special text overlaps it from the left or reaches beyond its end from inside;
 *   2. blanks do not matter: some special tokens swallow the blanks to their left or right, even
 *      those that another one needs. So S neither begins nor ends with a blank, and behind a blank a
 *      cut needs an S that does not swallow it;
 *   3. the stretch before S does not depend on what follows it, nor the one after S on more than S
 *      itself (SentencePiece puts a space after a special token and at the beginning of a text, so
 *      pieces must begin with S rather than end with it).
 *
 * Condition 1 is stronger than needed: the texts in between may be tokens that lose to a longer one.
 * Cuts are lost by that, never correctness.
 */
final class Cuts {
    private static final int NONE = -1;

    private final Tokenizer tokenizer;
    private final Node root = new Node();
    private final Map<Integer, Boolean> swallowsBlanks = new ConcurrentHashMap<>();

    /** A character of special texts. The tree is not changed after construction. */
    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>();
        private int token = NONE;
    }

    private record Match(int token, int end) {}

    Cuts(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        for (var special : tokenizer.specials()) {
            var node = root;
            for (int i = 0; i < special.text().length(); i++) {
                node = node.next.computeIfAbsent(special.text().charAt(i), _ -> new Node());
            }
            node.token = special.token();
        }
    }

    /**
     * @return the beginnings of the pieces, ascending; 0 is the first one, also of an empty text
     */
    List<Integer> of(String text) {
        var cuts = new ArrayList<Integer>();
        cuts.add(0);
        int reach = 0;
        for (int at = 0; at < text.length(); at++) {
            if (!root.next.containsKey(text.charAt(at))) {
                continue;
            }
            var match = longest(text, at);
            if (match.token == NONE) {
                continue;
            }
            if (at > 0 && reach <= at && independent(text, at, match)) {
                cuts.add(at);
            }
            reach = Math.max(reach, match.end);
        }
        return cuts;
    }

    private Match longest(String text, int from) {
        var found = new Match(NONE, from);
        var node = root;
        for (int at = from; at < text.length(); at++) {
            node = node.next.get(text.charAt(at));
            if (node == null) {
                break;
            }
            if (node.token != NONE) {
                found = new Match(node.token, at + 1);
            }
        }
        return found;
    }

    private boolean independent(String text, int at, Match match) {
        for (int inside = at + 1; inside < match.end; inside++) {
            if (longest(text, inside).end > match.end) {
                return false;
            }
        }
        return !blank(text.charAt(at))
                && !blank(text.charAt(match.end - 1))
                && (!blank(text.charAt(at - 1))
                        || !swallowsBlanks.computeIfAbsent(
                                match.token,
                                token -> swallows(token, text.substring(at, match.end))));
    }

    private boolean swallows(int token, String special) {
        int[] expected = tokenizer.encode("x \n", false, true);
        expected = Arrays.copyOf(expected, expected.length + 1);
        expected[expected.length - 1] = token;
        return !Arrays.equals(expected, tokenizer.encode("x \n" + special, false, true));
    }

    private static boolean blank(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
    }
}
