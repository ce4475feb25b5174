package dev.stator.jinja;

/** The escapes of a Python string literal. */
final class StringLiteral {
    private final String body;
    private final int line;
    private final StringBuilder out = new StringBuilder();
    private int at;

    private StringLiteral(String body, int line) {
        this.body = body;
        this.line = line;
    }

    static String value(String body, int line) {
        if (body.indexOf('\\') < 0) {
            return body;
        }
        var literal = new StringLiteral(body, line);
        while (literal.at < body.length()) {
            char c = body.charAt(literal.at++);
            if (c == '\\') {
                literal.escape();
            } else {
                literal.out.append(c);
            }
        }
        return literal.out.toString();
    }

    private void escape() {
        int c = body.codePointAt(at);
        at += Character.charCount(c);
        switch (c) {
            case '\n' -> {}
            case '\\', '\'', '"' -> out.appendCodePoint(c);
            case 'a' -> out.append('\u0007');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'v' -> out.append('\u000b');
            case '0', '1', '2', '3', '4', '5', '6', '7' -> octal();
            case 'x' -> hex(2, "truncated \\xXX escape");
            case 'u' -> hex(4, "truncated \\uXXXX escape");
            case 'U' -> hex(8, "truncated \\UXXXXXXXX escape");
            case 'N' -> named();
            default -> {
                // Python escapes what is not ASCII before it reads the escapes, so a backslash
                // before such a character leaves the text of that escape.
                out.append('\\');
                if (c < 0x80) {
                    out.appendCodePoint(c);
                } else {
                    out.append(Repr.escape(c), 1, Repr.escape(c).length());
                }
            }
        }
    }

    private void octal() {
        int start = at - 1;
        while (at < body.length()
                && at - start < 3
                && body.charAt(at) >= '0'
                && body.charAt(at) <= '7') {
            at++;
        }
        out.appendCodePoint(Integer.parseInt(body.substring(start, at), 8));
    }

    private void hex(int digits, String problem) {
        int end = at + digits;
        if (end > body.length()) {
            throw TemplateException.at(line, problem);
        }
        long code = 0;
        for (; at < end; at++) {
            int digit = Character.digit(body.charAt(at), 16);
            if (digit < 0 || body.charAt(at) >= 0x80) {
                throw TemplateException.at(line, problem);
            }
            code = code * 16 + digit;
        }
        if (code > Character.MAX_CODE_POINT) {
            throw TemplateException.at(line, "illegal Unicode character");
        }
        out.appendCodePoint((int) code);
    }

    private void named() {
        int end = body.indexOf('}', at);
        if (!body.startsWith("{", at) || end < 0) {
            throw TemplateException.at(line, "malformed \\N character escape");
        }
        try {
            out.appendCodePoint(Character.codePointOf(body.substring(at + 1, end)));
        } catch (IllegalArgumentException _) {
            throw TemplateException.at(line, "unknown Unicode character name");
        }
        at = end + 1;
    }
}
