package dev.stator.api.chat;

import java.util.LinkedHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A grammar without recursion as a regular expression, so that tests can ask what it allows. */
final class GrammarRegex {
    private static final Pattern PART =
            Pattern.compile(
                    "\"((?:\\\\.|[^\"\\\\])*)\"|(\\[(?:\\\\.|[^\\]\\\\])*\\])|([a-z][a-z0-9-]*)|(\\{[0-9,]+\\}|[()|*+?])|( )");

    private final LinkedHashMap<String, String> rules = new LinkedHashMap<>();

    private GrammarRegex(String grammar) {
        for (var line : grammar.split("\n")) {
            int at = line.indexOf(" ::= ");
            rules.put(line.substring(0, at), line.substring(at + 5));
        }
    }

    static Pattern of(String grammar) {
        return Pattern.compile(new GrammarRegex(grammar).expand("root"), Pattern.DOTALL);
    }

    private String expand(String rule) {
        var body = rules.getOrDefault(rule, "");
        var parts = PART.matcher(body);
        var regex = new StringBuilder("(?:");
        int at = 0;
        while (at < body.length() && parts.find(at) && parts.start() == at) {
            at = parts.end();
            regex.append(translate(parts));
        }
        if (at < body.length()) {
            throw new AssertionError("cannot read " + body.substring(at));
        }
        return regex.append(')').toString();
    }

    private String translate(Matcher part) {
        if (part.group(1) != null) {
            return "(?:"
                    + unescape(part.group(1))
                            .codePoints()
                            .mapToObj(c -> Pattern.quote(Character.toString(c)))
                            .reduce("", String::concat)
                    + ")";
        }
        if (part.group(2) != null) {
            return part.group(2)
                    .replaceAll("\\\\U([0-9A-F]{8})", "\\\\x{$1}")
                    .replace("\\\"", "\"");
        }
        if (part.group(3) != null) {
            return expand(part.group(3));
        }
        if (part.group(4) != null) {
            return part.group(4).equals("(") ? "(?:" : part.group(4);
        }
        return "";
    }

    private static String unescape(String text) {
        return Pattern.compile("\\\\(?:x([0-9A-F]{2})|U([0-9A-F]{8})|(.))")
                .matcher(text)
                .replaceAll(
                        found -> {
                            if (found.group(3) != null) {
                                return Matcher.quoteReplacement(
                                        found.group(3).equals("n") ? "\n" : found.group(3));
                            }
                            var hex = found.group(1) != null ? found.group(1) : found.group(2);
                            return Matcher.quoteReplacement(
                                    Character.toString(Integer.parseInt(hex, 16)));
                        });
    }
}
