package dev.stator.api.chat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The rules of JSON itself, added to a grammar when they are first used. Blanks are bounded, so
 * that an answer cannot go on with nothing.
 */
final class JsonGrammar {
    private static final int MAX_INDENT = 20;
    private static final int MAX_DIGITS = 15;

    private final Grammar grammar;
    private final Map<String, Gbnf.Rule> made = new HashMap<>();

    JsonGrammar(Grammar grammar) {
        this.grammar = grammar;
    }

    /** A character that may stand unescaped in a string. */
    static Gbnf.Chars plainCharacter() {
        return new Gbnf.Chars(
                List.of(
                        new Gbnf.Range(0x20, 0x21),
                        new Gbnf.Range(0x23, 0x5b),
                        new Gbnf.Range(0x5d, Character.MIN_SURROGATE - 1),
                        new Gbnf.Range(Character.MAX_SURROGATE + 1, Character.MAX_CODE_POINT)),
                false);
    }

    private Gbnf.Rule once(String name, Supplier<Gbnf> meaning) {
        var known = made.get(name);
        if (known != null) {
            return known;
        }
        var rule = grammar.reserve(name);
        made.put(name, rule);
        grammar.define(rule, meaning.get());
        return rule;
    }

    /** Nothing, a space, or a line break and its indent. */
    Gbnf blanks() {
        return once(
                "blanks",
                () ->
                        Gbnf.choice(
                                Gbnf.text(""),
                                Gbnf.text(" "),
                                Gbnf.sequence(
                                        Gbnf.text("\n"),
                                        grammar.repeat(Gbnf.chars("\t\t  "), 0, MAX_INDENT))));
    }

    /** One character of a string, maybe escaped; never half of a surrogate pair. */
    Gbnf character() {
        var hex = Gbnf.chars("09afAF");
        return once(
                "char",
                () ->
                        Gbnf.choice(
                                plainCharacter(),
                                Gbnf.sequence(Gbnf.text("\\"), Gbnf.chars("\"\"//\\\\bbffnnrrtt")),
                                Gbnf.sequence(
                                        Gbnf.text("\\u"),
                                        Gbnf.choice(
                                                Gbnf.sequence(
                                                        Gbnf.chars("09acefACEF"),
                                                        new Gbnf.Repeat(hex, 3, 3)),
                                                Gbnf.sequence(
                                                        Gbnf.chars("ddDD"),
                                                        Gbnf.chars("07"),
                                                        new Gbnf.Repeat(hex, 2, 2))))));
    }

    Gbnf string() {
        return once("string", () -> string(0, Gbnf.UNBOUNDED));
    }

    Gbnf string(int min, int max) {
        return quoted(grammar.repeat(character(), min, max));
    }

    static Gbnf quoted(Gbnf inside) {
        return Gbnf.sequence(Gbnf.text("\""), inside, Gbnf.text("\""));
    }

    Gbnf integer() {
        return once("integer", this::digitsBeforePoint);
    }

    private Gbnf digitsBeforePoint() {
        return Gbnf.sequence(
                grammar.repeat(Gbnf.text("-"), 0, 1),
                Gbnf.choice(
                        Gbnf.text("0"),
                        Gbnf.sequence(Gbnf.chars("19"), Gbnf.digits(0, MAX_DIGITS - 1))));
    }

    Gbnf number() {
        var exponent =
                Gbnf.sequence(
                        Gbnf.chars("EEee"),
                        grammar.repeat(Gbnf.chars("++--"), 0, 1),
                        Gbnf.digits(1, 2));
        return once(
                "number",
                () ->
                        Gbnf.sequence(
                                digitsBeforePoint(),
                                optional(Gbnf.sequence(Gbnf.text("."), Gbnf.digits(1, MAX_DIGITS))),
                                optional(exponent)));
    }

    static Gbnf optional(Gbnf item) {
        return Gbnf.choice(item, Gbnf.text(""));
    }

    Gbnf bool() {
        return once("boolean", () -> Gbnf.choice(Gbnf.text("true"), Gbnf.text("false")));
    }

    /** Any value. */
    Gbnf value() {
        return once(
                "value",
                () ->
                        Gbnf.choice(
                                object(),
                                list(value(), 0, Gbnf.UNBOUNDED),
                                string(),
                                number(),
                                bool(),
                                Gbnf.text("null")));
    }

    /** Any object. */
    Gbnf object() {
        return once("object", () -> object(member(string(), value())));
    }

    /** An object of any number of members. */
    Gbnf object(Gbnf member) {
        return Gbnf.choice(
                Gbnf.sequence(Gbnf.text("{"), blanks(), Gbnf.text("}")),
                Gbnf.sequence(
                        Gbnf.text("{"),
                        blanks(),
                        member,
                        grammar.repeat(separated(member), 0, Gbnf.UNBOUNDED),
                        blanks(),
                        Gbnf.text("}")));
    }

    Gbnf member(Gbnf key, Gbnf value) {
        return Gbnf.sequence(key, Gbnf.text(":"), blanks(), value);
    }

    /** An item with the comma before it. */
    Gbnf separated(Gbnf item) {
        return Gbnf.sequence(Gbnf.text(","), blanks(), item);
    }

    Gbnf list(Gbnf item, int min, int max) {
        var empty = Gbnf.sequence(Gbnf.text("["), blanks(), Gbnf.text("]"));
        if (max == 0) {
            return empty;
        }
        var filled =
                Gbnf.sequence(
                        Gbnf.text("["),
                        blanks(),
                        item,
                        grammar.repeat(
                                separated(item),
                                Math.max(0, min - 1),
                                max == Gbnf.UNBOUNDED ? max : max - 1),
                        blanks(),
                        Gbnf.text("]"));
        return min > 0 ? filled : Gbnf.choice(empty, filled);
    }
}
