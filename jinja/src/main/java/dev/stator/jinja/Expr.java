package dev.stator.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression. */
sealed interface Expr {

    record Const(Value value) implements Expr {}

    record Name(String name) implements Expr {}

    /** {@code name.attribute} as the target of an assignment. */
    record NamespaceRef(String name, String attribute) implements Expr {}

    record TupleOf(List<Expr> items) implements Expr {}

    record ListOf(List<Expr> items) implements Expr {}

    record DictOf(List<Pair> pairs) implements Expr {}

    record Pair(Expr key, Expr value) {}

    record Negate(Expr operand) implements Expr {}

    record Plus(Expr operand) implements Expr {}

    record Not(Expr operand) implements Expr {}

    record And(Expr left, Expr right) implements Expr {}

    record Or(Expr left, Expr right) implements Expr {}

    record Binary(Operator operator, Expr left, Expr right) implements Expr {}

    enum Operator {
        ADD("+"),
        SUBTRACT("-"),
        MULTIPLY("*"),
        DIVIDE("/"),
        FLOOR_DIVIDE("//"),
        MODULO("%"),
        POWER("**");

        final String sign;

        Operator(String sign) {
            this.sign = sign;
        }
    }

    /** {@code first < second < third}: each operand once, as far as needed. */
    record Compare(Expr first, List<Comparand> rest) implements Expr {}

    record Comparand(Comparison comparison, Expr operand) {}

    enum Comparison {
        EQUAL,
        NOT_EQUAL,
        LESS,
        LESS_OR_EQUAL,
        GREATER,
        GREATER_OR_EQUAL,
        IN,
        NOT_IN
    }

    record Concat(List<Expr> parts) implements Expr {}

    record Conditional(Expr test, Expr then, @Nullable Expr otherwise, int line) implements Expr {}

    record Attribute(Expr of, String name) implements Expr {}

    record Item(Expr of, Expr index) implements Expr {}

    record SliceOf(Expr of, @Nullable Expr start, @Nullable Expr stop, @Nullable Expr step)
            implements Expr {}

    record Call(Expr callee, Arguments arguments) implements Expr {}

    record Filter(Expr of, String name, Arguments arguments, int line) implements Expr {}

    record Test(Expr of, String name, Arguments arguments, int line) implements Expr {}

    /** The text that a {@code {% filter %}} or {@code {% set x | filter %}} block made. */
    record Captured() implements Expr {}

    /** What stands between the parentheses of a call. */
    record Arguments(
            List<Expr> positional,
            List<Keyword> keywords,
            @Nullable Expr spread,
            @Nullable Expr keywordSpread) {
        static final Arguments NONE = new Arguments(List.of(), List.of(), null, null);
    }

    record Keyword(String name, Expr value) {}
}
