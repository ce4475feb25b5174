package dev.stator.jinja;

import dev.stator.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens, with the whitespace control of an environment whose {@code
 * trim_blocks} and {@code lstrip_blocks} are on: a block or comment takes the newline after it and
 * the blanks before it on its line, a {@code -} takes all whitespace on its side, a {@code +} keeps
 * it.
 */
final class Lexer {
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private final Deque<Character> open = new ArrayDeque<>();
    private int at;
    private int line = 1;

    /** Whether the text that follows starts a line. */
    private boolean lineStarts = true;

    private Lexer(String source) {
        var text = source.replace("\r\n", "\n").replace('\r', '\n');
        this.source = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    static List<Token> tokens(String source) {
        var lexer = new Lexer(source);
        while (lexer.at < lexer.source.length()) {
            lexer.text();
        }
        lexer.add(Kind.END, "");
        return lexer.tokens;
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    /** Moves to {@code end} and counts the lines on the way. */
    private String take(int end) {
        var taken = source.substring(at, end);
        for (int i = 0; i < taken.length(); i++) {
            if (taken.charAt(i) == '\n') {
                line++;
            }
        }
        lineStarts = taken.endsWith("\n");
        at = end;
        return taken;
    }

    /** Text up to the next tag, and the tag. */
    private void text() {
        int tag = at;
        while (tag < source.length() && !isTag(tag)) {
            tag++;
        }
        if (tag == source.length()) {
            data(source.substring(at));
            take(tag);
            return;
        }
        char kind = source.charAt(tag + 1);
        char sign = charAt(tag + 2);
        var text = source.substring(at, tag);
        if (sign == '-') {
            data(Text.stripRight(text, null));
        } else if (sign != '+' && kind != '{') {
            data(withoutIndent(text));
        } else {
            data(text);
        }
        take(tag);
        int rawEnd = kind == '%' ? rawBegin(tag) : -1;
        if (rawEnd >= 0) {
            raw(rawEnd);
            return;
        }
        take(sign == '-' || sign == '+' ? tag + 3 : tag + 2);
        switch (kind) {
            case '#' -> comment();
            case '{' -> code(Kind.PRINT_BEGIN, Kind.PRINT_END, '}');
            default -> code(Kind.BLOCK_BEGIN, Kind.BLOCK_END, '%');
        }
    }

    private boolean isTag(int index) {
        if (source.charAt(index) != '{') {
            return false;
        }
        char next = charAt(index + 1);
        return next == '{' || next == '%' || next == '#';
    }

    private char charAt(int index) {
        return index < source.length() ? source.charAt(index) : '\0';
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            add(Kind.DATA, text);
        }
    }

    /** Drops the blanks between the last line break, or the start of a line, and a tag. */
    private String withoutIndent(String text) {
        int start = text.lastIndexOf('\n') + 1;
        if (start == 0 && !lineStarts) {
            return text;
        }
        for (int i = start; i < text.length(); i++) {
            if (!Text.isSpace(text.charAt(i))) {
                return text;
            }
        }
        return text.substring(0, start);
    }

    private int skipSpaces(int index) {
        int i = index;
        while (i < source.length() && Text.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    /** The index behind a {@code {% raw %}} tag that starts at {@code tag}, or -1. */
    private int rawBegin(int tag) {
        char sign = charAt(tag + 2);
        int i = skipSpaces(sign == '-' || sign == '+' ? tag + 3 : tag + 2);
        if (!source.startsWith("raw", i)) {
            return -1;
        }
        i = skipSpaces(i + 3);
        if (source.startsWith("-%}", i)) {
            return skipSpaces(i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw(int contentStart) {
        int beginLine = line;
        take(contentStart);
        if (at == source.length()) {
            return;
        }
        for (int tag = at; ; tag++) {
            tag = source.indexOf("{%", tag);
            if (tag < 0) {
                throw TemplateException.at(beginLine, "Missing end of raw directive");
            }
            char sign = charAt(tag + 2);
            int i = skipSpaces(sign == '-' || sign == '+' ? tag + 3 : tag + 2);
            if (!source.startsWith("endraw", i)) {
                continue;
            }
            int end = tagEnd(skipSpaces(i + 6), '%', true);
            if (end < 0) {
                continue;
            }
            var text = source.substring(at, tag);
            data(
                    sign == '-'
                            ? Text.stripRight(text, null)
                            : sign == '+' ? text : withoutIndent(text));
            take(end);
            return;
        }
    }

    /**
     * The index behind the end of a tag and the whitespace that it takes, or -1 for no end here.
     */
    private int tagEnd(int index, char kind, boolean trims) {
        char sign = charAt(index);
        if (sign == '-' && isEnd(index + 1, kind)) {
            return skipSpaces(index + 3);
        }
        if (sign == '+' && trims && isEnd(index + 1, kind)) {
            return index + 3;
        }
        if (!isEnd(index, kind)) {
            return -1;
        }
        return trims && charAt(index + 2) == '\n' ? index + 3 : index + 2;
    }

    private boolean isEnd(int index, char kind) {
        return charAt(index) == kind && charAt(index + 1) == '}';
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            if (at == source.length()) {
                return; // Jinja lets a tag that is opened by the very last characters pass
            }
            throw TemplateException.at(line, "Missing end of comment tag");
        }
        boolean signed =
                end > at && (source.charAt(end - 1) == '-' || source.charAt(end - 1) == '+');
        take(tagEnd(signed ? end - 1 : end, '#', true));
    }

    /** The tokens between the begin and the end of a tag. */
    private void code(Kind begin, Kind end, char kind) {
        add(begin, "");
        open.clear();
        while (true) {
            if (at >= source.length()) {
                return;
            }
            int behind = open.isEmpty() ? tagEnd(at, kind, kind == '%') : -1;
            if (behind >= 0) {
                add(end, "");
                take(behind);
                return;
            }
            token();
        }
    }

    private void token() {
        int c = source.codePointAt(at);
        if (Text.isSpace(c)) {
            take(skipSpaces(at));
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (Text.isIdentifierPart(c)) {
            name();
        } else if ((c == '\'' || c == '"') && stringEnd(at) > 0) {
            int end = stringEnd(at);
            int start = line;
            var body = source.substring(at + 1, end - 1);
            tokens.add(new Token(Kind.STRING, StringLiteral.value(body, start), start));
            take(end);
        } else {
            operator();
        }
    }

    private void name() {
        int end = at;
        while (end < source.length() && Text.isIdentifierPart(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        var name = source.substring(at, end);
        if (!Text.isIdentifier(name)) {
            throw TemplateException.at(line, "Invalid character in identifier");
        }
        add(Kind.NAME, name);
        take(end);
    }

    private int stringEnd(int start) {
        char quote = source.charAt(start);
        for (int i = start + 1; i < source.length(); i++) {
            char c = source.charAt(i);
            if (c == quote) {
                return i + 1;
            }
            if (c == '\\') {
                i++;
            }
        }
        return -1;
    }

    private void number() {
        int end = at > 0 && source.charAt(at - 1) == '.' ? -1 : floatEnd();
        if (end > 0) {
            add(Kind.FLOAT, source.substring(at, end).replace("_", ""));
        } else {
            end = integerEnd();
            add(Kind.INTEGER, source.substring(at, end).replace("_", ""));
        }
        take(end);
    }

    /** Digits of {@code radix}, one underscore between two of them. */
    private int digitsEnd(int index, int radix) {
        int i = index;
        while (Character.digit(charAt(i), radix) >= 0 && charAt(i) < 0x80
                || charAt(i) == '_'
                        && i > index
                        && Character.digit(charAt(i + 1), radix) >= 0
                        && charAt(i + 1) < 0x80) {
            i++;
        }
        return i;
    }

    private int floatEnd() {
        int i = digitsEnd(at, 10);
        boolean real = false;
        if (charAt(i) == '.' && digitsEnd(i + 1, 10) > i + 1) {
            i = digitsEnd(i + 1, 10);
            real = true;
        }
        if (charAt(i) == 'e' || charAt(i) == 'E') {
            int exponent = charAt(i + 1) == '+' || charAt(i + 1) == '-' ? i + 2 : i + 1;
            if (digitsEnd(exponent, 10) > exponent) {
                return digitsEnd(exponent, 10);
            }
        }
        return real ? i : -1;
    }

    private int integerEnd() {
        if (charAt(at) != '0') {
            return digitsEnd(at, 10);
        }
        int radix =
                switch (charAt(at + 1)) {
                    case 'x', 'X' -> 16;
                    case 'o', 'O' -> 8;
                    case 'b', 'B' -> 2;
                    default -> 1;
                };
        if (radix > 1) {
            int start = charAt(at + 2) == '_' ? at + 3 : at + 2;
            if (digitsEnd(start, radix) > start) {
                return digitsEnd(start, radix);
            }
        }
        int i = at + 1;
        while (charAt(i) == '0' || charAt(i) == '_' && charAt(i + 1) == '0') {
            i++;
        }
        return i;
    }

    private void operator() {
        char c = source.charAt(at);
        char next = charAt(at + 1);
        boolean pair =
                c == '*' && next == '*'
                        || c == '/' && next == '/'
                        || next == '=' && (c == '=' || c == '!' || c == '<' || c == '>');
        if (!pair && "+-/*%~[](){}><=.:|,;".indexOf(c) < 0) {
            throw TemplateException.at(
                    line,
                    "unexpected char " + Repr.quote(Text.ofCodePoint(source.codePointAt(at))));
        }
        switch (c) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> close(c);
            default -> {}
        }
        add(Kind.OPERATOR, source.substring(at, pair ? at + 2 : at + 1));
        take(pair ? at + 2 : at + 1);
    }

    private void close(char c) {
        if (open.isEmpty()) {
            throw TemplateException.at(line, "unexpected '" + c + "'");
        }
        char expected = open.pop();
        if (expected != c) {
            throw TemplateException.at(line, "unexpected '" + c + "', expected '" + expected + "'");
        }
    }
}
