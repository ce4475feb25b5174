package dev.stator.api.answers;

import java.text.Normalizer;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Whether two answers say the same: the same words, numbers and signs, whatever their case. */
final class Agreement {
    private static final Pattern TOKEN =
            Pattern.compile("[\\p{L}\\p{M}\\p{N}]+(?:['’.,:/-][\\p{L}\\p{M}\\p{N}]+)*|[^\\s.,!]");

    private Agreement() {}

    static boolean between(String kept, String computed) {
        return tokens(kept).equals(tokens(computed));
    }

    private static List<String> tokens(String answer) {
        var text = Normalizer.normalize(answer, Normalizer.Form.NFC);
        return TOKEN.matcher(text)
                .results()
                .map(MatchResult::group)
                .map(Spellings::lower)
                .filter(token -> !token.equals("the"))
                .toList();
    }
}
