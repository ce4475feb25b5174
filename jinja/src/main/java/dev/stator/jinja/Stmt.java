package dev.stator.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement, with the line that it starts on. */
sealed interface Stmt {
    int line();

    /** Statements in sequence; two bodies are never the same, because scopes hang on them. */
    final class Body {
        private final List<Stmt> statements;

        Body(List<Stmt> statements) {
            this.statements = List.copyOf(statements);
        }

        List<Stmt> statements() {
            return statements;
        }
    }

    record Text(String text, int line) implements Stmt {}

    record Print(Expr value, int line) implements Stmt {}

    record If(List<Branch> branches, Body otherwise, int line) implements Stmt {}

    record Branch(Expr test, Body body, int line) {}

    record For(
            Expr target,
            Expr iterable,
            @Nullable Expr filter,
            boolean recursive,
            Body body,
            Body otherwise,
            int line)
            implements Stmt {}

    record Break(int line) implements Stmt {}

    record Continue(int line) implements Stmt {}

    record Set(Expr target, Expr value, int line) implements Stmt {}

    /**
     * Assigns the text that the body makes.
     *
     * @param value Captured, with filters around it if there are any
     */
    record SetBlock(Expr target, Expr value, Body body, int line) implements Stmt {}

    record MacroDef(String name, Signature signature, Body body, int line) implements Stmt {}

    /** Calls a macro whose {@code caller()} is the body. */
    record CallBlock(Expr.Call call, Signature signature, Body body, int line) implements Stmt {}

    /** What training marks as the model's own words; rendering prints the body. */
    record Generation(Body body, int line) implements Stmt {}

    record FilterBlock(Expr value, Body body, int line) implements Stmt {}

    record With(List<Expr> targets, List<Expr> values, Body body, int line) implements Stmt {}

    /** Parameters; the last {@code defaults.size()} of them have defaults. */
    record Signature(List<String> parameters, List<Expr> defaults) {
        static final Signature EMPTY = new Signature(List.of(), List.of());

        @Nullable Expr defaultOf(int parameter) {
            int index = parameter - (parameters.size() - defaults.size());
            return index < 0 ? null : defaults.get(index);
        }
    }
}
