package dev.stator.jinja;

import dev.stator.jinja.Stmt.Body;
import dev.stator.jinja.Stmt.Signature;
import dev.stator.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;

/** Reads the statements of a template. */
final class Parser {
    private static final int MAX_DEPTH = 100;

    private final TokenStream tokens;
    private final ExpressionParser expressions;

    /** The tags that may come next, innermost last, and the tag each of them belongs to. */
    private final Deque<List<String>> awaited = new ArrayDeque<>();

    private final Deque<String> openTags = new ArrayDeque<>();

    /** Loops around the place in the same function: what break and continue can leave. */
    private int loops;

    private Parser(TokenStream tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static Body parse(String source) {
        var parser = new Parser(new TokenStream(Lexer.tokens(source)));
        return parser.statements();
    }

    /** Statements up to an awaited tag, which is then the current token. */
    private Body statements() {
        var statements = new ArrayList<Stmt>();
        while (!tokens.is(Kind.END)) {
            var token = tokens.next();
            switch (token.kind()) {
                case DATA -> statements.add(new Stmt.Text(token.text(), token.line()));
                case PRINT_BEGIN -> {
                    var value = expressions.tuple(true, false);
                    statements.add(new Stmt.Print(value, token.line()));
                    tokens.expect(Kind.PRINT_END);
                }
                case BLOCK_BEGIN -> {
                    if (!awaited.isEmpty()
                            && tokens.is(Kind.NAME)
                            && awaited.getLast().contains(tokens.current().text())) {
                        return new Body(statements);
                    }
                    statement(statements);
                    tokens.expect(Kind.BLOCK_END);
                }
                default -> throw tokens.fail("unexpected '" + token.describe() + "'");
            }
        }
        if (!awaited.isEmpty()) {
            throw tokens.fail("Unexpected end of template." + lookingFor("") + innermost());
        }
        return new Body(statements);
    }

    /** The body of a tag, up to one of {@code ends}, which is then the current token. */
    private Body body(String... ends) {
        tokens.skipOperator(":");
        tokens.expect(Kind.BLOCK_END);
        awaited.addLast(List.of(ends));
        var body = statements();
        awaited.removeLast();
        return body;
    }

    private Body bodyTo(String end) {
        var body = body(end);
        tokens.next();
        return body;
    }

    /** A body that is a function of its own: loops around it cannot be left from within. */
    private Body functionTo(String end) {
        int outer = loops;
        loops = 0;
        var body = bodyTo(end);
        loops = outer;
        return body;
    }

    private String lookingFor(String unknown) {
        if (awaited.isEmpty()) {
            return "";
        }
        var tags =
                awaited.getLast().stream()
                        .map(tag -> "'" + tag + "'")
                        .collect(Collectors.joining(" or "));
        return awaited.stream().anyMatch(ends -> ends.contains(unknown))
                ? " You probably made a nesting mistake. Jinja is expecting this tag, but currently"
                        + " looking for "
                        + tags
                        + "."
                : " Jinja was looking for the following tags: " + tags + ".";
    }

    private String innermost() {
        return openTags.isEmpty()
                ? ""
                : " The innermost block that needs to be closed is '" + openTags.getLast() + "'.";
    }

    private void statement(List<Stmt> statements) {
        var tag = tokens.current();
        if (tag.kind() != Kind.NAME) {
            throw tokens.fail("tag name expected");
        }
        if (openTags.size() >= MAX_DEPTH) {
            throw tokens.fail("blocks nest more than " + MAX_DEPTH + " deep");
        }
        openTags.addLast(tag.text());
        tokens.next();
        int line = tag.line();
        switch (tag.text()) {
            case "if" -> statements.add(ifStatement(line));
            case "for" -> statements.add(forStatement(line));
            case "set" -> statements.add(setStatement(line));
            case "macro" -> statements.add(macro(line));
            case "call" -> statements.add(callBlock(line));
            case "filter" -> {
                var value = expressions.filters(expressions.filter(new Expr.Captured()));
                statements.add(new Stmt.FilterBlock(value, bodyTo("endfilter"), line));
            }
            case "with" -> statements.add(with(line));
            case "generation" ->
                    statements.add(new Stmt.Generation(functionTo("endgeneration"), line));
            case "print" -> print(line, statements);
            case "break" -> statements.add(new Stmt.Break(inLoop("break", line)));
            case "continue" -> statements.add(new Stmt.Continue(inLoop("continue", line)));
            case "block", "extends", "include", "import", "from", "autoescape" ->
                    throw TemplateException.at(
                            line,
                            "{% "
                                    + tag.text()
                                    + " %} is not supported: a chat template is one text on its"
                                    + " own");
            default -> {
                openTags.removeLast();
                throw TemplateException.at(
                        line,
                        "Encountered unknown tag '"
                                + tag.text()
                                + "'."
                                + lookingFor(tag.text())
                                + innermost());
            }
        }
        openTags.removeLast();
    }

    private int inLoop(String tag, int line) {
        if (loops == 0) {
            throw TemplateException.at(line, "'" + tag + "' outside loop");
        }
        return line;
    }

    private Stmt ifStatement(int firstLine) {
        var branches = new ArrayList<Stmt.Branch>();
        int line = firstLine;
        while (true) {
            var test = expressions.tuple(false, false);
            branches.add(new Stmt.Branch(test, body("elif", "else", "endif"), line));
            var tag = tokens.next();
            if (tag.isName("elif")) {
                line = tag.line();
            } else {
                var otherwise = tag.isName("else") ? bodyTo("endif") : new Body(List.of());
                return new Stmt.If(branches, otherwise, firstLine);
            }
        }
    }

    private Stmt forStatement(int line) {
        var target = expressions.target(false);
        tokens.expectName("in");
        var iterable = expressions.tuple(false, false);
        var filter = tokens.skipName("if") ? expressions.expression() : null;
        boolean recursive = tokens.skipName("recursive");
        int outer = loops;
        loops = recursive ? 1 : loops + 1;
        var body = body("endfor", "else");
        loops = recursive ? 0 : outer;
        var otherwise = tokens.next().isName("else") ? bodyTo("endfor") : new Body(List.of());
        loops = outer;
        return new Stmt.For(target, iterable, filter, recursive, body, otherwise, line);
    }

    private Stmt setStatement(int line) {
        var target = expressions.target(true);
        if (tokens.skipOperator("=")) {
            return new Stmt.Set(target, expressions.tuple(true, false), line);
        }
        var value = expressions.filters(new Expr.Captured());
        return new Stmt.SetBlock(target, value, bodyTo("endset"), line);
    }

    private Stmt macro(int line) {
        var name = expressions.name();
        var signature = signature();
        return new Stmt.MacroDef(name, signature, functionTo("endmacro"), line);
    }

    private Signature signature() {
        tokens.expectOperator("(");
        var parameters = new ArrayList<String>();
        var defaults = new ArrayList<Expr>();
        while (!tokens.isOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            var name = expressions.name();
            if (parameters.contains(name)) {
                throw tokens.fail("duplicate argument '" + name + "' in function definition");
            }
            parameters.add(name);
            if (tokens.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw tokens.fail("non-default argument follows default argument");
            }
        }
        tokens.expectOperator(")");
        return new Signature(parameters, defaults);
    }

    private Stmt callBlock(int line) {
        var signature = tokens.isOperator("(") ? signature() : Signature.EMPTY;
        if (!(expressions.expression() instanceof Expr.Call call)) {
            throw TemplateException.at(line, "expected call");
        }
        return new Stmt.CallBlock(call, signature, functionTo("endcall"), line);
    }

    private Stmt with(int line) {
        var targets = new ArrayList<Expr>();
        var values = new ArrayList<Expr>();
        while (!tokens.is(Kind.BLOCK_END)) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(expressions.target(false));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Stmt.With(targets, values, bodyTo("endwith"), line);
    }

    private void print(int line, List<Stmt> statements) {
        boolean first = true;
        while (!tokens.is(Kind.BLOCK_END)) {
            if (!first) {
                tokens.expectOperator(",");
            }
            first = false;
            statements.add(new Stmt.Print(expressions.expression(), line));
        }
    }
}
