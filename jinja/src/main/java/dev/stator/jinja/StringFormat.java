package dev.stator.jinja;

import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Str;
import java.math.BigInteger;

/** Python's {@code str.format}. */
final class StringFormat {
    private static final int MAX_NESTING = 3;

    private final Str format;
    private final Args args;
    private final Interpreter interpreter;
    private int automatic;

    StringFormat(Str format, Args args, Interpreter interpreter) {
        this.format = format;
        this.args = args;
        this.interpreter = interpreter;
    }

    Value result() {
        return new Str(expand(format.text(), MAX_NESTING), format.safe());
    }

    private String expand(String text, int nesting) {
        if (nesting == 0) {
            throw TemplateException.of("Max string recursion exceeded");
        }
        var out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean doubled = i + 1 < text.length() && text.charAt(i + 1) == c;
            if (c == '}' && !doubled) {
                throw TemplateException.of("Single '}' encountered in format string");
            }
            if (c != '{' || doubled) {
                out.append(c);
                i += c == '{' || c == '}' ? 1 : 0;
                continue;
            }
            int end = fieldEnd(text, i + 1);
            var field = field(text.substring(i + 1, end), nesting);
            interpreter.budget().size(field.length());
            out.append(field);
            i = end;
        }
        return out.toString();
    }

    private static int fieldEnd(String text, int start) {
        int depth = 1;
        for (int i = start; i < text.length(); i++) {
            char c = text.charAt(i);
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        throw TemplateException.of(
                start == text.length()
                        ? "Single '{' encountered in format string"
                        : "expected '}' before end of string");
    }

    private String field(String field, int nesting) {
        int colon = specStart(field);
        var name = colon < 0 ? field : field.substring(0, colon);
        char conversion = '\0';
        int bang = name.lastIndexOf('!');
        if (bang >= 0 && name.indexOf(']', bang) < 0) {
            if (bang + 2 != name.length()) {
                throw TemplateException.of("expected ':' after conversion specifier");
            }
            conversion = name.charAt(bang + 1);
            name = name.substring(0, bang);
        }
        var value = value(name);
        var spec = colon < 0 ? "" : expand(field.substring(colon + 1), nesting - 1);
        var shown =
                switch (conversion) {
                    case '\0' -> value;
                    case 's' -> Str.of(interpreter.str(value));
                    case 'r', 'a' -> Str.of(interpreter.repr(value));
                    default ->
                            throw TemplateException.of(
                                    "Unknown conversion specifier " + conversion);
                };
        if (format.safe()) {
            return shown instanceof Str str
                    ? Operators.escaped(str)
                    : Text.escapeHtml(interpreter.str(shown));
        }
        return spec.isEmpty()
                ? interpreter.str(shown)
                : FormatSpec.parse(spec).format(shown, interpreter);
    }

    /** The colon that is not within brackets. */
    private static int specStart(String field) {
        boolean brackets = false;
        for (int i = 0; i < field.length(); i++) {
            switch (field.charAt(i)) {
                case '[' -> brackets = true;
                case ']' -> brackets = false;
                case ':' -> {
                    if (!brackets) {
                        return i;
                    }
                }
                default -> {}
            }
        }
        return -1;
    }

    private Value value(String path) {
        int end = 0;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
            end++;
        }
        var value = first(path.substring(0, end));
        while (end < path.length()) {
            int start = end + 1;
            if (path.charAt(end) == '.') {
                end = start;
                while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
                    end++;
                }
                value = Attributes.attribute(value, path.substring(start, end));
            } else {
                end = path.indexOf(']', start);
                if (end < 0) {
                    throw TemplateException.of("Missing ']' in format string");
                }
                value = Attributes.item(value, key(path.substring(start, end)));
                end++;
            }
        }
        return value;
    }

    private static Value key(String text) {
        boolean digits = !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits && text.length() < 10 ? new Int(new BigInteger(text)) : Str.of(text);
    }

    private Value first(String name) {
        if (name.isEmpty()) {
            return positional(automatic++);
        }
        if (key(name) instanceof Int index) {
            return positional(index.value().intValue());
        }
        var value = args.named().get(name);
        if (value == null) {
            throw TemplateException.of(Repr.quote(name));
        }
        return value;
    }

    private Value positional(int index) {
        if (index >= args.size()) {
            throw TemplateException.of(
                    "Replacement index " + index + " out of range for positional args tuple");
        }
        return args.get(index);
    }
}
