package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A grammar in the making: named rules, written out as the engine wants them. Not thread-safe.
 *
 * <p>The engine's limits are met here: it repeats nothing more than 2,000 times and counts what a
 * repeated group contains, so only single characters, texts and rule names are repeated, and long
 * repetitions are put together from shorter ones. Rules that can never end are left out together
 * with the options that lead there.
 */
final class Grammar {
    /** What {@link #repeat} builds longer repetitions from. */
    private static final int CHUNK = 1000;

    private static final int MAX_REPETITIONS = 100_000;
    private static final int MAX_RULES = 10_000;
    private static final int MAX_CHARACTERS = 2_000_000;

    private final Map<String, Gbnf> rules = new LinkedHashMap<>();

    /** Names a rule that is defined later, so that it may refer to itself. */
    Gbnf.Rule reserve(String hint) {
        if (rules.size() >= MAX_RULES) {
            throw new ChatException(
                    "the schema needs a grammar of more than %d rules; make it simpler"
                            .formatted(MAX_RULES));
        }
        var base = hint.replaceAll("[^a-zA-Z0-9]+", "-").toLowerCase(Locale.ROOT);
        var cut = base.substring(0, Math.min(40, base.length()));
        var name = "r" + rules.size() + "-" + cut;
        rules.put(name, Gbnf.text(""));
        return new Gbnf.Rule(name);
    }

    void define(Gbnf.Rule rule, Gbnf meaning) {
        rules.put(rule.name(), meaning);
    }

    Gbnf.Rule rule(String hint, Gbnf meaning) {
        var rule = reserve(hint);
        define(rule, meaning);
        return rule;
    }

    /**
     * The item, {@code min} to {@code max} times.
     *
     * @param item must not match nothing
     * @param max or {@link Gbnf#UNBOUNDED}
     * @throws ChatException if the engine could not hold that many
     */
    Gbnf repeat(Gbnf item, int min, int max) {
        if (min > MAX_REPETITIONS || max > MAX_REPETITIONS) {
            throw new ChatException(
                    "a minimum or maximum of %d repetitions is more than can be enforced (%d)"
                            .formatted(Math.max(min, max), MAX_REPETITIONS));
        }
        var single = simple(item) ? item : rule("item", item);
        if (min <= CHUNK && max <= CHUNK) {
            return new Gbnf.Repeat(single, min, max);
        }
        var chunk = rule("chunk", new Gbnf.Repeat(single, CHUNK, CHUNK));
        var parts = new ArrayList<Gbnf>();
        parts.add(new Gbnf.Repeat(chunk, min / CHUNK, min / CHUNK));
        parts.add(new Gbnf.Repeat(single, min % CHUNK, min % CHUNK));
        parts.add(
                max == Gbnf.UNBOUNDED
                        ? new Gbnf.Repeat(single, 0, Gbnf.UNBOUNDED)
                        : atMost(single, chunk, max - min));
        return new Gbnf.Sequence(parts);
    }

    /**
     * Either the chunk and what may follow it, or less than a chunk: one way to read each length.
     */
    private Gbnf atMost(Gbnf single, Gbnf chunk, int max) {
        Gbnf rest = new Gbnf.Repeat(single, 0, max % CHUNK);
        if (max < CHUNK) {
            return rest;
        }
        var less = rule("less", new Gbnf.Repeat(single, 0, CHUNK - 1));
        for (int left = max / CHUNK; left > 0; left--) {
            rest = rule("more", Gbnf.choice(less, Gbnf.sequence(chunk, rest)));
        }
        return rest;
    }

    private static boolean simple(Gbnf item) {
        return switch (item) {
            case Gbnf.Chars _, Gbnf.Rule _ -> true;
            case Gbnf.Text(String text) -> !text.isEmpty();
            case Gbnf.Sequence _, Gbnf.Choice _, Gbnf.Repeat _ -> false;
        };
    }

    /**
     * The grammar's text.
     *
     * @throws ChatException if nothing finite follows the start
     */
    String write(Gbnf start) {
        var ending = ending();
        if (!ends(start, ending)) {
            throw new ChatException(
                    "nothing can satisfy the schema: it demands a value that contains itself");
        }
        var text = new StringBuilder("root ::= ").append(write(start, ending)).append('\n');
        for (var rule : rules.entrySet()) {
            if (ending.contains(rule.getKey())) {
                text.append(rule.getKey())
                        .append(" ::= ")
                        .append(write(rule.getValue(), ending))
                        .append('\n');
            }
            if (text.length() > MAX_CHARACTERS) {
                throw new ChatException(
                        "the schema needs a grammar of more than %d characters; make it simpler"
                                .formatted(MAX_CHARACTERS));
            }
        }
        return text.toString();
    }

    /** The rules that stand for at least one finite text. */
    private Set<String> ending() {
        var ending = new HashSet<String>();
        boolean grew = true;
        while (grew) {
            grew = false;
            for (var rule : rules.entrySet()) {
                if (!ending.contains(rule.getKey()) && ends(rule.getValue(), ending)) {
                    ending.add(rule.getKey());
                    grew = true;
                }
            }
        }
        return ending;
    }

    private static boolean ends(Gbnf expression, Set<String> ending) {
        return switch (expression) {
            case Gbnf.Text _, Gbnf.Chars _ -> true;
            case Gbnf.Rule(String name) -> ending.contains(name);
            case Gbnf.Sequence(var items) -> items.stream().allMatch(i -> ends(i, ending));
            case Gbnf.Choice(var options) -> options.stream().anyMatch(o -> ends(o, ending));
            case Gbnf.Repeat(var item, int min, int _) -> min == 0 || ends(item, ending);
        };
    }

    private static String write(Gbnf expression, Set<String> ending) {
        return switch (expression) {
            case Gbnf.Text(String text) -> quoted(text);
            case Gbnf.Chars chars -> range(chars);
            case Gbnf.Rule(String name) -> name;
            case Gbnf.Sequence(var items) ->
                    items.isEmpty()
                            ? "\"\""
                            : items.stream()
                                    .map(item -> write(item, ending))
                                    .collect(Collectors.joining(" "));
            case Gbnf.Choice(var options) ->
                    options.stream()
                            .filter(option -> ends(option, ending))
                            .map(option -> write(option, ending))
                            .collect(Collectors.joining(" | ", "(", ")"));
            case Gbnf.Repeat(var item, int min, int max) -> repeated(item, min, max, ending);
        };
    }

    private static String repeated(Gbnf item, int min, int max, Set<String> ending) {
        if (max == 0 || !ends(item, ending)) {
            return "\"\"";
        }
        var written = write(item, ending);
        if (min == 1 && max == 1) {
            return written;
        }
        if (min == 0 && max == 1) {
            return simple(item) ? written + "?" : "(" + written + " | \"\")";
        }
        if (max == Gbnf.UNBOUNDED && min <= 1) {
            return written + (min == 0 ? "*" : "+");
        }
        return "%s{%d,%s}".formatted(written, min, max == Gbnf.UNBOUNDED ? "" : max);
    }

    private static String quoted(String text) {
        var quoted = new StringBuilder("\"");
        text.codePoints().forEach(c -> escape(quoted, c));
        return quoted.append('"').toString();
    }

    private static String range(Gbnf.Chars chars) {
        var text = new StringBuilder(chars.negated() ? "[^" : "[");
        for (var range : chars.ranges()) {
            escape(text, range.from());
            if (range.to() > range.from()) {
                text.append('-');
                escape(text, range.to());
            }
        }
        return text.append(']').toString();
    }

    private static void escape(StringBuilder text, int c) {
        switch (c) {
            case '"', '\\', '[', ']', '-' -> text.append('\\').appendCodePoint(c);
            case '\n' -> text.append("\\n");
            default -> {
                // A caret would negate a range, and others may not survive where the grammar is
                // shown.
                if (c < 0x20 || c == '^' || c == 0x7f) {
                    text.append("\\x%02X".formatted(c));
                } else if (c < 0x7f) {
                    text.appendCodePoint(c);
                } else {
                    text.append("\\U%08X".formatted(c));
                }
            }
        }
    }
}
