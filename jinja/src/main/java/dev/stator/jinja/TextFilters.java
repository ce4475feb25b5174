package dev.stator.jinja;

import static java.util.Map.entry;

import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The filters that make text of text. */
final class TextFilters {
    private TextFilters() {}

    static Map<String, Filters.Filter> all() {
        return Map.ofEntries(
                entry("upper", mapped("upper", Text::upper)),
                entry("lower", mapped("lower", Text::lower)),
                entry("capitalize", mapped("capitalize", Text::capitalize)),
                entry("title", TextFilters::title),
                entry("trim", TextFilters::trim),
                entry("replace", TextFilters::replace),
                entry("indent", TextFilters::indent),
                entry("center", TextFilters::center),
                entry("truncate", TextFilters::truncate),
                entry("wordcount", TextFilters::wordCount),
                entry("format", TextFilters::format),
                entry("string", TextFilters::string),
                entry("safe", TextFilters::safe),
                entry("e", TextFilters::escape),
                entry("escape", TextFilters::escape),
                entry("forceescape", TextFilters::forceEscape),
                entry("urlencode", TextFilters::urlEncode));
    }

    private static void none(String filter, Args args) {
        args.unnamed(filter, 0, 0);
    }

    private static Value safe(Interpreter interpreter, Value value, Args args) {
        none("safe", args);
        return new Str(text(interpreter, value), true);
    }

    private static String text(Interpreter interpreter, Value value) {
        var text = interpreter.str(value);
        interpreter.budget().size(text.length());
        return text;
    }

    /** Text of any value; safe text stays safe. */
    private static Str soft(Interpreter interpreter, Value value) {
        if (value instanceof Str str) {
            interpreter.budget().size(str.text().length());
            return str;
        }
        return Str.of(interpreter.str(value));
    }

    private static Filters.Filter mapped(String name, UnaryOperator<String> change) {
        return (interpreter, value, args) -> {
            none(name, args);
            var text = soft(interpreter, value);
            return new Str(change.apply(text.text()), text.safe());
        };
    }

    private static Value string(Interpreter interpreter, Value value, Args args) {
        none("string", args);
        return soft(interpreter, value);
    }

    /** Unlike str.title, only what follows a blank, a dash or an opening bracket is a new word. */
    private static Value title(Interpreter interpreter, Value value, Args args) {
        none("title", args);
        var text = soft(interpreter, value).text();
        var out = new StringBuilder(text.length());
        int start = 0;
        while (start < text.length()) {
            boolean separator = isWordStart(text.charAt(start));
            int end = start;
            while (end < text.length() && isWordStart(text.charAt(end)) == separator) {
                end++;
            }
            int first = text.offsetByCodePoints(start, 1);
            out.append(Text.upper(text.substring(start, first)));
            out.append(Text.lower(text.substring(first, end)));
            start = end;
        }
        return Str.of(out.toString());
    }

    private static boolean isWordStart(char c) {
        return Text.isSpace(c) || "-({[<".indexOf(c) >= 0;
    }

    private static Value trim(Interpreter interpreter, Value value, Args args) {
        var chars = args.bind("trim", 0, "chars").unlessNone("chars");
        var text = soft(interpreter, value);
        var set = chars == null ? null : Args.textOf("strip", chars);
        return new Str(Text.stripRight(Text.stripLeft(text.text(), set), set), text.safe());
    }

    private static Value replace(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("replace", 2, "old", "new", "count");
        var count = bound.unlessNone("count");
        return Str.of(
                StringMethods.replaced(
                        interpreter.str(value),
                        interpreter.str(bound.required("old")),
                        interpreter.str(bound.required("new")),
                        count == null ? -1 : Numbers.clamp(count),
                        interpreter.budget()));
    }

    private static Value indent(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("indent", 0, "width", "first", "blank");
        Operators.requireDefined(value);
        if (!(value instanceof Str str)) {
            throw TemplateException.of(
                    "indent needs a string, not '" + Value.typeName(value) + "'");
        }
        var width = bound.or("width", Int.of(4));
        var indent =
                width instanceof Str text
                        ? text.text()
                        : blanks(Numbers.clamp(width), interpreter.budget());
        boolean blank = bound.flag("blank");
        var lines = Text.lines(str.text() + "\n", false);
        interpreter
                .budget()
                .size(str.text().length() + (long) lines.size() * (1 + indent.length()));
        var out = new StringBuilder(bound.flag("first") ? indent : "");
        for (int i = 0; i < lines.size(); i++) {
            if (i > 0) {
                out.append('\n').append(blank || !lines.get(i).isEmpty() ? indent : "");
            }
            out.append(lines.get(i));
        }
        return new Str(out.toString(), str.safe());
    }

    private static String blanks(int count, Budget budget) {
        budget.size(Math.max(count, 0));
        return " ".repeat(Math.max(count, 0));
    }

    private static Value center(Interpreter interpreter, Value value, Args args) {
        int width = args.bind("center", 0, "width").integer("width", 80);
        var text = soft(interpreter, value);
        return new Str(
                StringMethods.padded(text.text(), width, " ", 1, 1, interpreter.budget()),
                text.safe());
    }

    private static Value truncate(Interpreter interpreter, Value value, Args args) {
        var bound = args.bind("truncate", 0, "length", "killwords", "end", "leeway");
        int length = bound.integer("length", 255);
        var end = Args.textOf("truncate", bound.or("end", Str.of("...")));
        int leeway = bound.unlessNone("leeway") == null ? 5 : bound.integer("leeway", 5);
        int room = length - Text.length(end);
        if (room < 0) {
            throw TemplateException.of(
                    "expected length >= %d, got %d".formatted(Text.length(end), length));
        }
        if (leeway < 0) {
            throw TemplateException.of("expected leeway >= 0, got " + leeway);
        }
        if (!(value instanceof Str str)) {
            if (Sequences.length(value) <= (long) length + leeway) {
                return value;
            }
            throw TemplateException.of(
                    "truncate needs a string, not '" + Value.typeName(value) + "'");
        }
        if (Text.length(str.text()) <= (long) length + leeway) {
            return str;
        }
        var kept = Text.part(str.text(), 0, room);
        if (!bound.flag("killwords")) {
            kept = Text.splitFromRight(kept, " ", 1).getFirst();
        }
        return new Str(kept + end, str.safe());
    }

    private static Value wordCount(Interpreter interpreter, Value value, Args args) {
        none("wordcount", args);
        int words = 0;
        boolean inWord = false;
        for (int c : soft(interpreter, value).text().codePoints().toArray()) {
            boolean letter = c == '_' || Text.isAlphanumeric(c);
            words += letter && !inWord ? 1 : 0;
            inWord = letter;
        }
        return Int.of(words);
    }

    private static Value format(Interpreter interpreter, Value value, Args args) {
        if (args.size() > 0 && !args.named().isEmpty()) {
            throw TemplateException.of(
                    "can't handle positional and keyword arguments at the same time");
        }
        var text = soft(interpreter, value);
        if (args.named().isEmpty()) {
            return Printf.format(text, Tuple.of(args.positional()), interpreter);
        }
        var named = new Dict();
        args.named().forEach(named::put);
        return Printf.format(text, named, interpreter);
    }

    private static Value escape(Interpreter interpreter, Value value, Args args) {
        none("escape", args);
        return value instanceof Str str && str.safe() ? str : forceEscape(interpreter, value, args);
    }

    private static Value forceEscape(Interpreter interpreter, Value value, Args args) {
        none("forceescape", args);
        return new Str(Text.escapeHtml(text(interpreter, value)), true);
    }

    private static Value urlEncode(Interpreter interpreter, Value value, Args args) {
        none("urlencode", args);
        var items = Sequences.iteratorOrNull(value, interpreter.budget());
        if (value instanceof Str || items == null) {
            return Str.of(quoted(text(interpreter, value), "/"));
        }
        List<Value> pairs =
                value instanceof Dict dict
                        ? Sequences.items(
                                new Value.View(Value.View.Part.ITEMS, dict), interpreter.budget())
                        : Sequences.items(value, interpreter.budget());
        var parts = new ArrayList<String>();
        for (var pair : pairs) {
            var parsed = interpreter.unpack(pair, 2);
            parts.add(
                    quoted(text(interpreter, parsed.get(0)), "").replace("%20", "+")
                            + "="
                            + quoted(text(interpreter, parsed.get(1)), "").replace("%20", "+"));
        }
        return Str.of(String.join("&", parts));
    }

    private static String quoted(String text, String kept) {
        var out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain =
                    c < 0x80 && Character.isLetterOrDigit(c)
                            || "_.-~".indexOf(c) >= 0
                            || kept.indexOf(c) >= 0;
            out.append(plain ? String.valueOf(c) : "%%%02X".formatted((int) c));
        }
        return out.toString();
    }
}
