package dev.stator.jinja;

import dev.stator.jinja.Expr.Arguments;
import dev.stator.jinja.Expr.Comparand;
import dev.stator.jinja.Expr.Comparison;
import dev.stator.jinja.Expr.Operator;
import dev.stator.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads expressions, with Jinja's precedence, which is not quite Python's. */
final class ExpressionParser {
    /**
     * How deep the tree of an expression may get. A link of a chain ({@code a + b + c}, {@code
     * a.b.c}) makes it one deeper and costs the parser nothing; parentheses and the like cost the
     * parser's own stack and count three times.
     */
    private static final int MAX_DEPTH = 300;

    private static final int NESTING = 3;

    private final TokenStream tokens;
    private int depth;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    /** What ends a list of expressions that stand without parentheses. */
    private boolean isTupleEnd() {
        return tokens.is(Kind.PRINT_END) || tokens.is(Kind.BLOCK_END) || tokens.isOperator(")");
    }

    /** One expression, or a tuple of several with commas between. */
    Expr tuple(boolean conditional, boolean parenthesised) {
        var items = new ArrayList<Expr>();
        boolean isTuple = false;
        while (true) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (isTupleEnd()) {
                break;
            }
            items.add(conditional ? expression() : or());
            if (!tokens.isOperator(",")) {
                break;
            }
            isTuple = true;
        }
        if (!isTuple && !items.isEmpty()) {
            return items.getFirst();
        }
        if (!isTuple && !parenthesised) {
            throw tokens.fail("Expected an expression, got '" + tokens.current().describe() + "'");
        }
        return new Expr.TupleOf(items);
    }

    /** A name, an attribute of a namespace, or a tuple of them. */
    Expr target(boolean namespaces) {
        var items = new ArrayList<Expr>();
        boolean isTuple = false;
        while (true) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (isTupleEnd()) {
                break;
            }
            items.add(targetItem(namespaces));
            if (!tokens.isOperator(",")) {
                break;
            }
            isTuple = true;
        }
        if (items.isEmpty()) {
            throw tokens.fail("Expected an expression, got '" + tokens.current().describe() + "'");
        }
        return isTuple ? new Expr.TupleOf(items) : items.getFirst();
    }

    private Expr targetItem(boolean namespaces) {
        deeper(NESTING);
        try {
            if (tokens.skipOperator("(")) {
                var inner = target(namespaces);
                tokens.expectOperator(")");
                return inner;
            }
            var name = name();
            if (namespaces && tokens.skipOperator(".")) {
                return new Expr.NamespaceRef(name, tokens.expect(Kind.NAME).text());
            }
            return new Expr.Name(name);
        } finally {
            depth -= NESTING;
        }
    }

    /** A name that can be assigned to. */
    String name() {
        var token = tokens.current();
        if (token.kind() != Kind.NAME) {
            throw tokens.fail("can't assign to '" + token.describe() + "'");
        }
        if (constant(token.text()) != null) {
            throw tokens.fail("can't assign to 'const'");
        }
        return tokens.next().text();
    }

    private void deeper(int levels) {
        depth += levels;
        if (depth > MAX_DEPTH) {
            throw tokens.fail("the expression nests too deep");
        }
    }

    Expr expression() {
        int before = depth;
        deeper(NESTING);
        try {
            int line = tokens.line();
            var then = or();
            while (tokens.skipName("if")) {
                deeper(1);
                var test = or();
                var otherwise = tokens.skipName("else") ? expression() : null;
                then = new Expr.Conditional(test, then, otherwise, line);
                line = tokens.line();
            }
            return then;
        } finally {
            depth = before;
        }
    }

    /** Reads links of a chain: each is one deeper, because the tree leans to the left. */
    private Expr or() {
        int before = depth;
        var left = and();
        while (tokens.skipName("or")) {
            deeper(1);
            left = new Expr.Or(left, and());
        }
        depth = before;
        return left;
    }

    private Expr and() {
        int before = depth;
        var left = not();
        while (tokens.skipName("and")) {
            deeper(1);
            left = new Expr.And(left, not());
        }
        depth = before;
        return left;
    }

    private Expr not() {
        if (!tokens.skipName("not")) {
            return compare();
        }
        deeper(NESTING);
        var operand = not();
        depth -= NESTING;
        return new Expr.Not(operand);
    }

    private Expr compare() {
        var first = sum();
        var rest = new ArrayList<Comparand>();
        for (var comparison = comparison(); comparison != null; comparison = comparison()) {
            rest.add(new Comparand(comparison, sum()));
        }
        return rest.isEmpty() ? first : new Expr.Compare(first, rest);
    }

    private @Nullable Comparison comparison() {
        var token = tokens.current();
        if (token.kind() == Kind.NAME) {
            if (tokens.skipName("in")) {
                return Comparison.IN;
            }
            if (token.isName("not") && tokens.following().isName("in")) {
                tokens.next();
                tokens.next();
                return Comparison.NOT_IN;
            }
            return null;
        }
        if (token.kind() != Kind.OPERATOR) {
            return null;
        }
        Comparison comparison =
                switch (token.text()) {
                    case "==" -> Comparison.EQUAL;
                    case "!=" -> Comparison.NOT_EQUAL;
                    case "<" -> Comparison.LESS;
                    case "<=" -> Comparison.LESS_OR_EQUAL;
                    case ">" -> Comparison.GREATER;
                    case ">=" -> Comparison.GREATER_OR_EQUAL;
                    default -> null;
                };
        if (comparison != null) {
            tokens.next();
        }
        return comparison;
    }

    private @Nullable Operator operator(Operator... candidates) {
        for (var operator : candidates) {
            if (tokens.skipOperator(operator.sign)) {
                return operator;
            }
        }
        return null;
    }

    private Expr sum() {
        int before = depth;
        var left = concat();
        for (var op = operator(Operator.ADD, Operator.SUBTRACT);
                op != null;
                op = operator(Operator.ADD, Operator.SUBTRACT)) {
            deeper(1);
            left = new Expr.Binary(op, left, concat());
        }
        depth = before;
        return left;
    }

    private Expr concat() {
        var first = product();
        if (!tokens.isOperator("~")) {
            return first;
        }
        var parts = new ArrayList<>(List.of(first));
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return new Expr.Concat(parts);
    }

    private @Nullable Operator productOperator() {
        return operator(Operator.MULTIPLY, Operator.DIVIDE, Operator.FLOOR_DIVIDE, Operator.MODULO);
    }

    private Expr product() {
        int before = depth;
        var left = power();
        for (var op = productOperator(); op != null; op = productOperator()) {
            deeper(1);
            left = new Expr.Binary(op, left, power());
        }
        depth = before;
        return left;
    }

    private Expr power() {
        int before = depth;
        var left = unary(true);
        while (tokens.skipOperator("**")) {
            deeper(1);
            left = new Expr.Binary(Operator.POWER, left, unary(true));
        }
        depth = before;
        return left;
    }

    private Expr unary(boolean filters) {
        int before = depth;
        Expr node;
        if (tokens.skipOperator("-")) {
            deeper(NESTING);
            node = new Expr.Negate(unary(false));
        } else if (tokens.skipOperator("+")) {
            deeper(NESTING);
            node = new Expr.Plus(unary(false));
        } else {
            node = primary();
        }
        node = postfix(node);
        if (filters) {
            node = filtersAndTests(node);
        }
        depth = before;
        return node;
    }

    private static @Nullable Value constant(String name) {
        return switch (name) {
            case "true", "True" -> Value.Bool.TRUE;
            case "false", "False" -> Value.Bool.FALSE;
            case "none", "None" -> Value.None.NONE;
            default -> null;
        };
    }

    private Expr primary() {
        var token = tokens.current();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                var constant = constant(token.text());
                return constant == null ? new Expr.Name(token.text()) : new Expr.Const(constant);
            }
            case STRING -> {
                var text = new StringBuilder();
                while (tokens.is(Kind.STRING)) {
                    text.append(tokens.next().text());
                }
                return new Expr.Const(Value.Str.of(text.toString()));
            }
            case INTEGER -> {
                return new Expr.Const(integer(tokens.next()));
            }
            case FLOAT -> {
                return new Expr.Const(new Value.Real(Double.parseDouble(tokens.next().text())));
            }
            default -> {
                if (tokens.skipOperator("(")) {
                    deeper(NESTING);
                    var inner = tuple(true, true);
                    depth -= NESTING;
                    tokens.expectOperator(")");
                    return inner;
                }
                if (tokens.isOperator("[")) {
                    return list();
                }
                if (tokens.isOperator("{")) {
                    return dict();
                }
                throw tokens.fail("unexpected '" + token.describe() + "'");
            }
        }
    }

    private Value integer(Token token) {
        var value = Numbers.parseInteger(token.text(), 0);
        if (value == null) {
            throw TemplateException.at(token.line(), "the integer has more than 4300 digits");
        }
        return new Value.Int(value);
    }

    private Expr list() {
        tokens.expectOperator("[");
        var items = new ArrayList<Expr>();
        while (!tokens.isOperator("]")) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.isOperator("]")) {
                    break;
                }
            }
            items.add(expression());
        }
        tokens.expectOperator("]");
        return new Expr.ListOf(items);
    }

    private Expr dict() {
        tokens.expectOperator("{");
        var pairs = new ArrayList<Expr.Pair>();
        while (!tokens.isOperator("}")) {
            if (!pairs.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.isOperator("}")) {
                    break;
                }
            }
            var key = expression();
            tokens.expectOperator(":");
            pairs.add(new Expr.Pair(key, expression()));
        }
        tokens.expectOperator("}");
        return new Expr.DictOf(pairs);
    }

    private Expr postfix(Expr start) {
        var node = start;
        while (true) {
            if (tokens.isOperator(".") || tokens.isOperator("[")) {
                deeper(1);
                node = subscript(node);
            } else if (tokens.isOperator("(")) {
                deeper(1);
                node = new Expr.Call(node, arguments());
            } else {
                return node;
            }
        }
    }

    private Expr filtersAndTests(Expr start) {
        var node = start;
        while (true) {
            if (tokens.isOperator("|")) {
                node = filters(node);
            } else if (tokens.current().isName("is")) {
                deeper(1);
                node = test(node);
            } else if (tokens.isOperator("(")) {
                deeper(1);
                node = new Expr.Call(node, arguments());
            } else {
                return node;
            }
        }
    }

    private Expr subscript(Expr of) {
        if (tokens.skipOperator(".")) {
            var name = tokens.next();
            return switch (name.kind()) {
                case NAME -> new Expr.Attribute(of, name.text());
                case INTEGER -> new Expr.Item(of, new Expr.Const(integer(name)));
                default -> throw TemplateException.at(name.line(), "expected name or number");
            };
        }
        tokens.expectOperator("[");
        if (tokens.isOperator(":")) {
            return slice(of, null);
        }
        if (tokens.isOperator("]")) {
            tokens.next();
            return new Expr.Item(of, new Expr.TupleOf(List.of()));
        }
        var index = expression();
        if (tokens.isOperator(":")) {
            return slice(of, index);
        }
        if (tokens.isOperator(",")) {
            var items = new ArrayList<>(List.of(index));
            while (tokens.skipOperator(",")) {
                items.add(expression());
            }
            index = new Expr.TupleOf(items);
        }
        tokens.expectOperator("]");
        return new Expr.Item(of, index);
    }

    private Expr slice(Expr of, @Nullable Expr start) {
        tokens.expectOperator(":");
        var stop = tokens.isOperator(":") || tokens.isOperator("]") ? null : expression();
        Expr step = null;
        if (tokens.skipOperator(":") && !tokens.isOperator("]")) {
            step = expression();
        }
        if (tokens.isOperator(",")) {
            throw tokens.fail("a slice of more than one dimension is not supported");
        }
        tokens.expectOperator("]");
        return new Expr.SliceOf(of, start, stop, step);
    }

    Arguments arguments() {
        tokens.expectOperator("(");
        var positional = new ArrayList<Expr>();
        var keywords = new ArrayList<Expr.Keyword>();
        Expr spread = null;
        Expr keywordSpread = null;
        boolean first = true;
        while (!tokens.isOperator(")")) {
            if (!first) {
                tokens.expectOperator(",");
                if (tokens.isOperator(")")) {
                    break;
                }
            }
            first = false;
            if (tokens.skipOperator("*")) {
                ensure(spread == null && keywordSpread == null);
                spread = expression();
            } else if (tokens.skipOperator("**")) {
                ensure(keywordSpread == null);
                keywordSpread = expression();
            } else if (tokens.is(Kind.NAME) && tokens.following().isOperator("=")) {
                ensure(keywordSpread == null);
                var name = tokens.next().text();
                tokens.next();
                ensure(keywords.stream().noneMatch(k -> k.name().equals(name)));
                keywords.add(new Expr.Keyword(name, expression()));
            } else {
                ensure(spread == null && keywordSpread == null && keywords.isEmpty());
                positional.add(expression());
            }
        }
        tokens.expectOperator(")");
        return new Arguments(positional, keywords, spread, keywordSpread);
    }

    private void ensure(boolean valid) {
        if (!valid) {
            throw tokens.fail("invalid syntax for function call expression");
        }
    }

    /** One or more filters, each behind a {@code |}. */
    Expr filters(Expr of) {
        var node = of;
        while (tokens.skipOperator("|")) {
            node = filter(node);
        }
        return node;
    }

    /** A filter, whose {@code |} is read already, around {@code of}. */
    Expr filter(Expr of) {
        deeper(1);
        var name = tokens.expect(Kind.NAME);
        var arguments = tokens.isOperator("(") ? arguments() : Arguments.NONE;
        return new Expr.Filter(of, dotted(name), arguments, name.line());
    }

    private String dotted(Token first) {
        var name = new StringBuilder(first.text());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Kind.NAME).text());
        }
        return name.toString();
    }

    private Expr test(Expr of) {
        int line = tokens.next().line();
        boolean negated = tokens.skipName("not");
        var name = dotted(tokens.expect(Kind.NAME));
        var arguments = Arguments.NONE;
        if (tokens.isOperator("(")) {
            arguments = arguments();
        } else if (startsOperand()) {
            if (tokens.current().isName("is")) {
                throw tokens.fail("You cannot chain multiple tests with is");
            }
            arguments = new Arguments(List.of(postfix(primary())), List.of(), null, null);
        }
        var test = new Expr.Test(of, name, arguments, line);
        return negated ? new Expr.Not(test) : test;
    }

    private boolean startsOperand() {
        var token = tokens.current();
        return switch (token.kind()) {
            case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            default -> false;
        };
    }
}
