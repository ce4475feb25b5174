package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A regular expression as a grammar for the inside of a JSON string.
 *
 * <p>Understood: literals, {@code .}, classes, {@code \d \w \s} and their opposites, groups,
 * alternatives, {@code * + ? {m} {m,} {m,n}}, and {@code ^} and {@code $} around the whole. Negated
 * classes and the dot leave out quotes, backslashes and control characters, so a few strings that
 * match cannot be written, but every string that is written matches.
 */
final class StringPattern {
    private static final int MAX_DEPTH = 64;
    private static final String SPECIAL = "\\^$.|?*+()[]{}/-";

    private static final List<Gbnf.Range> LINE_ENDS =
            Gbnf.chars("\u0085\u0085\u2028\u2029").ranges();
    private static final List<Gbnf.Range> DIGITS = Gbnf.chars("09").ranges();
    private static final List<Gbnf.Range> WORD = Gbnf.chars("09AZ__az").ranges();
    private static final List<Gbnf.Range> BLANKS = Gbnf.chars("\t\t\n\n\r\r  ").ranges();

    /** Everything that some dialect counts among the blanks. */
    private static final List<Gbnf.Range> ALL_BLANKS =
            Gbnf.chars(
                            "\t\r  \u0085\u0085\u00a0\u00a0\u1680\u1680\u2000\u200b\u2028\u2029"
                                    + "\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff")
                    .ranges();

    private final String pattern;
    private final Grammar grammar;
    private int at;
    private int depth;

    private StringPattern(String pattern, Grammar grammar) {
        this.pattern = pattern;
        this.grammar = grammar;
    }

    /**
     * @throws ChatException if the expression is outside of what is understood; names the place
     */
    static Gbnf of(String pattern, Grammar grammar) {
        return new StringPattern(pattern, grammar).whole();
    }

    private Gbnf whole() {
        var items = new ArrayList<Gbnf>();
        boolean fromStart = pattern.startsWith("^");
        at = fromStart ? 1 : 0;
        if (!fromStart) {
            items.add(any());
        }
        var body = alternatives();
        boolean toEnd = at < pattern.length() && pattern.charAt(at) == '$';
        if (toEnd) {
            at++;
        }
        if (at < pattern.length()) {
            throw error("unexpected \"" + pattern.charAt(at) + "\"");
        }
        // In "^a|b$" each anchor belongs to one alternative only.
        if ((fromStart || toEnd) && body.alternatives) {
            throw error("anchors beside alternatives need a group: ^(?:a|b)$");
        }
        items.add(body.expression);
        if (!toEnd) {
            items.add(any());
        }
        return new Gbnf.Sequence(items);
    }

    private Gbnf any() {
        return grammar.repeat(JsonGrammar.plainCharacter(), 0, Gbnf.UNBOUNDED);
    }

    private record Body(Gbnf expression, boolean alternatives, boolean mayBeEmpty) {}

    private record Item(Gbnf expression, boolean mayBeEmpty) {}

    private Body alternatives() {
        if (++depth > MAX_DEPTH) {
            throw error("groups nest deeper than " + MAX_DEPTH);
        }
        var options = new ArrayList<Gbnf>();
        boolean mayBeEmpty = false;
        do {
            if (!options.isEmpty()) {
                at++;
            }
            var option = series();
            options.add(option.expression);
            mayBeEmpty |= option.mayBeEmpty;
        } while (at < pattern.length() && pattern.charAt(at) == '|');
        depth--;
        return new Body(
                options.size() == 1 ? options.getFirst() : new Gbnf.Choice(options),
                options.size() > 1,
                mayBeEmpty);
    }

    private Item series() {
        var items = new ArrayList<Gbnf>();
        boolean mayBeEmpty = true;
        while (at < pattern.length() && "|)$".indexOf(pattern.charAt(at)) < 0) {
            var item = repeated(atom());
            items.add(item.expression);
            mayBeEmpty &= item.mayBeEmpty;
        }
        return new Item(new Gbnf.Sequence(items), mayBeEmpty);
    }

    private Item repeated(Item item) {
        if (at == pattern.length() || "*+?{".indexOf(pattern.charAt(at)) < 0) {
            return item;
        }
        int begin = at;
        char kind = pattern.charAt(at++);
        int min = kind == '+' ? 1 : 0;
        int max = kind == '?' ? 1 : Gbnf.UNBOUNDED;
        if (kind == '{') {
            min = number();
            max = min;
            if (peek(',')) {
                at++;
                max = peek('}') ? Gbnf.UNBOUNDED : number();
            }
            expect('}');
            if (max != Gbnf.UNBOUNDED && max < min) {
                at = begin;
                throw error("the repetition's maximum is below its minimum");
            }
        }
        if (at < pattern.length() && "*+?".indexOf(pattern.charAt(at)) >= 0) {
            throw error("lazy, possessive and double repetitions are not supported");
        }
        if (item.mayBeEmpty && max != 1) {
            at = begin;
            throw error("what may match nothing cannot be repeated");
        }
        return new Item(grammar.repeat(item.expression, min, max), item.mayBeEmpty || min == 0);
    }

    private int number() {
        int begin = at;
        while (at < pattern.length() && at - begin < 7 && Character.isDigit(pattern.charAt(at))) {
            at++;
        }
        if (at == begin) {
            throw error("expected a number");
        }
        return Integer.parseInt(pattern.substring(begin, at));
    }

    private Item atom() {
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        return switch (c) {
            case '(' -> group();
            case '[' -> new Item(new CharacterClass().read(), false);
            case '.' -> new Item(new Gbnf.Chars(complement(LINE_ENDS), false), false);
            case '\\' -> new Item(characters(escape(), false), false);
            case '^', '*', '+', '?', '{' -> {
                at--;
                throw error("\"" + Character.toString(c) + "\" is not supported here");
            }
            default -> new Item(characters(List.of(new Gbnf.Range(c, c)), false), false);
        };
    }

    private Item group() {
        if (pattern.startsWith("?:", at)) {
            at += 2;
        } else if (peek('?')) {
            throw error("look-around, named groups and flags are not supported");
        }
        var body = alternatives();
        expect(')');
        return new Item(grammar.rule("group", body.expression), body.mayBeEmpty);
    }

    private boolean peek(char c) {
        return at < pattern.length() && pattern.charAt(at) == c;
    }

    private void expect(char c) {
        if (!peek(c)) {
            throw error("expected \"" + c + "\"");
        }
        at++;
    }

    /** The characters that an escape stands for; the backslash is read already. */
    private List<Gbnf.Range> escape() {
        if (at == pattern.length()) {
            throw error("a backslash at the end");
        }
        char c = pattern.charAt(at++);
        return switch (c) {
            case 'd' -> DIGITS;
            case 'w' -> WORD;
            case 's' -> BLANKS;
            case 'D' -> complement(DIGITS);
            case 'W' -> complement(WORD);
            case 'S' -> complement(ALL_BLANKS);
            case 'n' -> single('\n');
            case 'r' -> single('\r');
            case 't' -> single('\t');
            case 'u' -> single(hex(4));
            case 'x' -> single(hex(2));
            default -> {
                if (SPECIAL.indexOf(c) < 0 && Character.isLetterOrDigit(c)) {
                    at -= 2;
                    throw error("\\" + c + " is not supported");
                }
                yield single(c);
            }
        };
    }

    private static List<Gbnf.Range> single(int c) {
        return List.of(new Gbnf.Range(c, c));
    }

    private int hex(int length) {
        try {
            int value = Integer.parseInt(pattern.substring(at, at + length), 16);
            at += length;
            if (Character.isSurrogate((char) value)) {
                throw error("surrogates are not supported; write the character itself");
            }
            return value;
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            throw error("expected " + length + " hexadecimal digits");
        }
    }

    /** All that may stand in a JSON string unescaped, except these. */
    private static List<Gbnf.Range> complement(List<Gbnf.Range> ranges) {
        var gaps = new ArrayList<Gbnf.Range>();
        int from = 0x20;
        var all = new ArrayList<>(ranges);
        all.addAll(Gbnf.chars("\"\"\\\\").ranges());
        all.add(new Gbnf.Range(Character.MIN_SURROGATE, Character.MAX_SURROGATE));
        all.sort(Comparator.comparingInt(Gbnf.Range::from));
        for (var range : all) {
            if (range.from() > from) {
                gaps.add(new Gbnf.Range(from, range.from() - 1));
            }
            from = Math.max(from, range.to() + 1);
        }
        if (from <= Character.MAX_CODE_POINT) {
            gaps.add(new Gbnf.Range(from, Character.MAX_CODE_POINT));
        }
        return gaps;
    }

    /** The characters as they stand inside a JSON string: some only escaped. */
    private Gbnf characters(List<Gbnf.Range> ranges, boolean negated) {
        var wanted = negated ? complement(ranges) : ranges;
        var plain = new ArrayList<Gbnf.Range>();
        var options = new ArrayList<Gbnf>();
        for (var range : wanted) {
            int from = range.from();
            for (int c : new int[] {'"', '\\'}) {
                if (from <= c && c <= range.to()) {
                    options.add(Gbnf.text("\\" + (char) c));
                    plainRange(plain, from, c - 1);
                    from = c + 1;
                }
            }
            for (int c = from; c < 0x20 && c <= range.to(); c++) {
                options.add(Gbnf.text(controlCharacter(c)));
            }
            plainRange(plain, from, range.to());
        }
        if (!plain.isEmpty()) {
            options.add(new Gbnf.Chars(plain, false));
        }
        if (options.isEmpty()) {
            throw error("a class that matches nothing");
        }
        return options.size() == 1
                ? options.getFirst()
                : grammar.rule("class", new Gbnf.Choice(options));
    }

    private static void plainRange(List<Gbnf.Range> ranges, int from, int to) {
        int begin = Math.max(0x20, from);
        if (begin <= to) {
            ranges.add(new Gbnf.Range(begin, to));
        }
    }

    private static String controlCharacter(int c) {
        return switch (c) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> "\\u%04x".formatted(c);
        };
    }

    private ChatException error(String problem) {
        return new ChatException(
                "pattern %s, at character %d: %s".formatted(pattern, at + 1, problem));
    }

    /** What stands between square brackets; the opening one is read already. */
    private final class CharacterClass {
        private final List<Gbnf.Range> ranges = new ArrayList<>();

        Gbnf read() {
            boolean negated = peek('^');
            if (negated) {
                at++;
            }
            while (!peek(']')) {
                var first = member();
                if (first.size() == 1
                        && isSingle(first)
                        && peek('-')
                        && !pattern.startsWith("]", at + 1)) {
                    at++;
                    var last = member();
                    int from = first.getFirst().from();
                    if (!isSingle(last) || last.getFirst().from() < from) {
                        throw error("a range that goes backwards or to a class");
                    }
                    ranges.add(new Gbnf.Range(from, last.getFirst().from()));
                } else {
                    ranges.addAll(first);
                }
            }
            at++;
            return characters(ranges, negated);
        }

        private static boolean isSingle(List<Gbnf.Range> member) {
            return member.size() == 1 && member.getFirst().from() == member.getFirst().to();
        }

        private List<Gbnf.Range> member() {
            if (at >= pattern.length()) {
                throw error("expected \"]\"");
            }
            int c = pattern.codePointAt(at);
            at += Character.charCount(c);
            return c == '\\' ? escape() : single(c);
        }
    }
}
