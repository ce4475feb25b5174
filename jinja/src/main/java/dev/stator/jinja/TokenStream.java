package dev.stator.jinja;

import dev.stator.jinja.Token.Kind;
import java.util.List;

/** Tokens with a place in them. */
final class TokenStream {
    private final List<Token> tokens;
    private int at;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(at);
    }

    Token following() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    int line() {
        return current().line();
    }

    Token next() {
        var token = current();
        if (at < tokens.size() - 1) {
            at++;
        }
        return token;
    }

    boolean skipName(String name) {
        if (current().isName(name)) {
            next();
            return true;
        }
        return false;
    }

    boolean skipOperator(String sign) {
        if (current().isOperator(sign)) {
            next();
            return true;
        }
        return false;
    }

    boolean is(Kind kind) {
        return current().kind() == kind;
    }

    boolean isOperator(String sign) {
        return current().isOperator(sign);
    }

    Token expect(Kind kind) {
        return is(kind) ? next() : unexpected(kind.description());
    }

    Token expectName(String name) {
        return current().isName(name) ? next() : unexpected(name);
    }

    Token expectOperator(String sign) {
        return isOperator(sign) ? next() : unexpected(sign);
    }

    private Token unexpected(String expected) {
        throw fail(
                is(Kind.END)
                        ? "unexpected end of template, expected '" + expected + "'."
                        : "expected token '" + expected + "', got '" + current().describe() + "'");
    }

    TemplateException fail(String problem) {
        return TemplateException.at(line(), problem);
    }
}
