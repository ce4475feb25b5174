package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's str. */
final class StringMethods {
    private static final Set<String> NAMES =
            Set.of(
                    "capitalize",
                    "casefold",
                    "center",
                    "count",
                    "encode",
                    "endswith",
                    "expandtabs",
                    "find",
                    "format",
                    "format_map",
                    "index",
                    "isalnum",
                    "isalpha",
                    "isascii",
                    "isdecimal",
                    "isdigit",
                    "isidentifier",
                    "islower",
                    "isnumeric",
                    "isprintable",
                    "isspace",
                    "istitle",
                    "isupper",
                    "join",
                    "ljust",
                    "lower",
                    "lstrip",
                    "maketrans",
                    "partition",
                    "removeprefix",
                    "removesuffix",
                    "replace",
                    "rfind",
                    "rindex",
                    "rjust",
                    "rpartition",
                    "rsplit",
                    "rstrip",
                    "split",
                    "splitlines",
                    "startswith",
                    "strip",
                    "swapcase",
                    "title",
                    "translate",
                    "upper",
                    "zfill");

    private StringMethods() {}

    /** The method {@code name} bound to {@code self}, or null if str has none of that name. */
    static @Nullable Value find(Str self, String name) {
        return NAMES.contains(name)
                ? Function.method(
                        name,
                        (interpreter, args) -> new Call(self, name, args, interpreter).result())
                : null;
    }

    /** One call of a method. */
    private record Call(Str self, String name, Args args, Interpreter interpreter) {
        private String text() {
            return self.text();
        }

        Value result() {
            budget().size(text().length());
            return switch (name) {
                case "strip" -> string(Text.stripRight(Text.stripLeft(text(), chars()), chars()));
                case "lstrip" -> string(Text.stripLeft(text(), chars()));
                case "rstrip" -> string(Text.stripRight(text(), chars()));
                case "lower", "casefold" -> string(Text.lower(plain()));
                case "upper" -> string(Text.upper(plain()));
                case "title" -> string(Text.title(plain()));
                case "capitalize" -> string(Text.capitalize(plain()));
                case "swapcase" -> string(Text.swapCase(plain()));
                case "startswith" -> Bool.of(affix(String::startsWith));
                case "endswith" -> Bool.of(affix(String::endsWith));
                case "removeprefix" -> string(removePrefix());
                case "removesuffix" -> string(removeSuffix());
                case "replace" -> replace();
                case "split" -> split(false);
                case "rsplit" -> split(true);
                case "splitlines" ->
                        strings(
                                Text.lines(
                                        text(), args.bind(name, 0, "keepends").flag("keepends")));
                case "partition" -> partition(text().indexOf(separator()));
                case "rpartition" -> partition(text().lastIndexOf(separator()));
                case "find" -> Int.of(find(false));
                case "rfind" -> Int.of(find(true));
                case "index" -> Int.of(found(find(false)));
                case "rindex" -> Int.of(found(find(true)));
                case "count" -> Int.of(count());
                case "join" -> join();
                case "format" -> new StringFormat(self, args, interpreter).result();
                case "format_map" -> formatMap();
                case "zfill" -> zeroFill();
                case "ljust" -> pad(0, 1);
                case "rjust" -> pad(1, 0);
                case "center" -> pad(1, 1);
                case "expandtabs" -> string(expandTabs());
                case "isalpha" -> all(Character::isLetter);
                case "isdigit" -> all(Text::isDigit);
                case "isdecimal" -> all(Character::isDigit);
                case "isnumeric" -> all(Text::isNumeric);
                case "isalnum" -> all(Text::isAlphanumeric);
                case "isspace" -> all(Text::isSpace);
                case "isascii" -> Bool.of(plain().codePoints().allMatch(c -> c < 0x80));
                case "isprintable" -> Bool.of(plain().codePoints().allMatch(Text::isPrintable));
                case "isidentifier" -> Bool.of(Text.isIdentifier(plain()));
                case "isupper" -> Bool.of(Text.isCased(plain(), true));
                case "islower" -> Bool.of(Text.isCased(plain(), false));
                case "istitle" -> Bool.of(Text.isTitle(plain()));
                default -> CollectionMethods.unsupported("str." + name).call(interpreter, args);
            };
        }

        private Budget budget() {
            return interpreter.budget();
        }

        private Args unnamed(int least, int most) {
            return args.unnamed(name, least, most);
        }

        /** The text, for a method without arguments. */
        private String plain() {
            unnamed(0, 0);
            return text();
        }

        private Value all(IntPredicate test) {
            return Bool.of(Text.all(plain(), test));
        }

        private Str string(String result) {
            budget().size(result.length());
            return new Str(result, self.safe());
        }

        private Array strings(List<String> parts) {
            budget().size(parts.size());
            var items = new ArrayList<Value>(parts.size());
            for (var part : parts) {
                items.add(new Str(part, self.safe()));
            }
            return Array.of(items);
        }

        private @Nullable String chars() {
            return unnamed(0, 1).text(name, 0);
        }

        private String removePrefix() {
            var prefix = unnamed(1, 1).requiredText(name, 0);
            return text().startsWith(prefix) ? text().substring(prefix.length()) : text();
        }

        private String removeSuffix() {
            var suffix = unnamed(1, 1).requiredText(name, 0);
            return text().endsWith(suffix)
                    ? text().substring(0, text().length() - suffix.length())
                    : text();
        }

        /** The part of the text between the optional bounds that begin at {@code index}. */
        private @Nullable String bounded(int index) {
            int length = Text.length(text());
            int start = bound(index, 0, length);
            int stop = bound(index + 1, length, length);
            return start > stop || start > length ? null : Text.part(text(), start, stop);
        }

        private int bound(int index, int otherwise, int length) {
            if (index >= args.size() || args.get(index) == Value.None.NONE) {
                return otherwise;
            }
            int bound = Numbers.clamp(args.get(index));
            return bound < 0
                    ? (int) Math.max((long) bound + length, 0)
                    : index == 1 ? bound : Math.min(bound, length);
        }

        private boolean affix(BiPredicate<String, String> test) {
            unnamed(1, 3);
            var part = bounded(1);
            var affixes = args.get(0) instanceof Tuple tuple ? tuple.items() : List.of(args.get(0));
            for (var affix : affixes) {
                var text = Args.textOf(name, affix);
                if (part != null && test.test(part, text)) {
                    return true;
                }
            }
            return false;
        }

        private int find(boolean last) {
            var wanted = unnamed(1, 3).requiredText(name, 0);
            var part = bounded(1);
            if (part == null) {
                return -1;
            }
            int at = last ? part.lastIndexOf(wanted) : part.indexOf(wanted);
            return at < 0 ? -1 : part.codePointCount(0, at) + bound(1, 0, Text.length(text()));
        }

        private int found(int index) {
            if (index < 0) {
                throw TemplateException.of("substring not found");
            }
            return index;
        }

        private int count() {
            var wanted = unnamed(1, 3).requiredText(name, 0);
            var part = bounded(1);
            return part == null ? 0 : Text.count(part, wanted);
        }

        private Value replace() {
            unnamed(2, 3);
            var old = args.requiredText(name, 0);
            var with = args.requiredText(name, 1);
            if (self.safe()) {
                with = Operators.escaped((Str) args.get(1));
            }
            return string(replaced(text(), old, with, args.integer(2, -1), budget()));
        }

        private Value split(boolean fromRight) {
            var bound = args.bind(name, 0, "sep", "maxsplit");
            var separator = bound.unlessNone("sep");
            int limit = bound.integer("maxsplit", -1);
            if (separator == null) {
                return strings(
                        fromRight ? Text.wordsFromRight(text(), limit) : Text.words(text(), limit));
            }
            var by = nonEmpty(Args.textOf(name, separator));
            return strings(
                    fromRight
                            ? Text.splitFromRight(text(), by, limit)
                            : Text.split(text(), by, limit));
        }

        private static String nonEmpty(String separator) {
            if (separator.isEmpty()) {
                throw TemplateException.of("empty separator");
            }
            return separator;
        }

        private String separator() {
            return nonEmpty(unnamed(1, 1).requiredText(name, 0));
        }

        private Value partition(int at) {
            var separator = separator();
            Value whole = string(text());
            Value none = string("");
            if (at < 0) {
                return Tuple.of(
                        name.equals("partition")
                                ? List.of(whole, none, none)
                                : List.of(none, none, whole));
            }
            return Tuple.of(
                    List.of(
                            string(text().substring(0, at)),
                            string(separator),
                            string(text().substring(at + separator.length()))));
        }

        private Value join() {
            var parts = Sequences.iterator(unnamed(1, 1).get(0), budget());
            var out = new StringBuilder();
            for (int i = 0; parts.hasNext(); i++) {
                var next = parts.next();
                if (!(next instanceof Str part)) {
                    throw TemplateException.of(
                            "sequence item %d: expected str instance, %s found"
                                    .formatted(i, Value.typeName(next)));
                }
                if (i > 0) {
                    budget().size(text().length());
                    out.append(text());
                }
                var piece = self.safe() ? Operators.escaped(part) : part.text();
                budget().size(piece.length());
                out.append(piece);
            }
            return new Str(out.toString(), self.safe());
        }

        private Value formatMap() {
            if (!(unnamed(1, 1).get(0) instanceof Dict map)) {
                throw TemplateException.of("format_map() argument must be a dict");
            }
            var named = new LinkedHashMap<String, Value>();
            for (var entry : map.entries()) {
                if (entry.key() instanceof Str key) {
                    named.put(key.text(), entry.value());
                }
            }
            return new StringFormat(self, new Args(List.of(), named), interpreter).result();
        }

        private Value zeroFill() {
            int width = unnamed(1, 1).integer(0, 0);
            int missing = Math.max(0, width - Text.length(text()));
            budget().size(missing);
            boolean signed = text().startsWith("-") || text().startsWith("+");
            int head = signed ? 1 : 0;
            return string(text().substring(0, head) + "0".repeat(missing) + text().substring(head));
        }

        private Value pad(int left, int right) {
            unnamed(1, 2);
            var fill = args.size() > 1 ? args.requiredText(name, 1) : " ";
            if (Text.length(fill) != 1) {
                throw TemplateException.of("The fill character must be exactly one character long");
            }
            return string(padded(text(), args.integer(0, 0), fill, left, right, budget()));
        }

        private String expandTabs() {
            int size = args.bind(name, 0, "tabsize").integer("tabsize", 8);
            var out = new StringBuilder();
            int column = 0;
            for (int i = 0; i < text().length(); ) {
                int c = text().codePointAt(i);
                i += Character.charCount(c);
                if (c == '\t') {
                    int blanks = size > 0 ? size - column % size : 0;
                    budget().size(blanks);
                    out.repeat(' ', blanks);
                    column += blanks;
                } else {
                    out.appendCodePoint(c);
                    column = c == '\n' || c == '\r' ? 0 : column + 1;
                }
            }
            return out.toString();
        }
    }

    /**
     * Pads to {@code width} code points, with the missing ones shared between the sides.
     *
     * @param left 1 to pad on the left
     * @param right 1 to pad on the right
     */
    static String padded(String text, int width, String fill, int left, int right, Budget budget) {
        int missing = width - Text.length(text);
        if (missing <= 0) {
            return text;
        }
        budget.size((long) missing * fill.length());
        // Python gives the odd one to the left only if the width is odd as well.
        int before = left * right == 1 ? missing / 2 + (missing & width & 1) : left * missing;
        return fill.repeat(before) + text + fill.repeat(missing - before);
    }

    /** Replaces, and accounts for the result before it is made. */
    static String replaced(String text, String old, String with, int limit, Budget budget) {
        long times = with.length() > old.length() ? Text.count(text, old) : 0;
        if (limit >= 0) {
            times = Math.min(times, limit);
        }
        budget.size(text.length() + times * (with.length() - old.length()));
        return Text.replace(text, old, with, limit);
    }
}
