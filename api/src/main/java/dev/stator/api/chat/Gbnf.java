package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.List;

/** An expression of llama.cpp's grammar language, over the characters of the answer. */
sealed interface Gbnf {
    /** Exactly this text. */
    record Text(String text) implements Gbnf {}

    /** One character of these ranges, or one of none of them. */
    record Chars(List<Range> ranges, boolean negated) implements Gbnf {}

    /** Code points, both ends included. */
    record Range(int from, int to) {}

    record Sequence(List<Gbnf> items) implements Gbnf {}

    record Choice(List<Gbnf> options) implements Gbnf {}

    /**
     * @param max {@link #UNBOUNDED} or the most times
     */
    record Repeat(Gbnf item, int min, int max) implements Gbnf {}

    /** What the rule of that name stands for. */
    record Rule(String name) implements Gbnf {}

    int UNBOUNDED = -1;

    static Gbnf text(String text) {
        return new Text(text);
    }

    static Gbnf sequence(Gbnf... items) {
        return new Sequence(List.of(items));
    }

    static Gbnf choice(Gbnf... options) {
        return new Choice(List.of(options));
    }

    /**
     * @param ranges pairs of first and last character
     */
    static Chars chars(String ranges) {
        int[] ends = ranges.codePoints().toArray();
        var list = new ArrayList<Range>();
        for (int i = 0; i < ends.length; i += 2) {
            list.add(new Range(ends[i], ends[i + 1]));
        }
        return new Chars(List.copyOf(list), false);
    }

    static Gbnf digits(int min, int max) {
        return new Repeat(chars("09"), min, max);
    }
}
