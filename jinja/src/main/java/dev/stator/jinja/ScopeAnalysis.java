package dev.stator.jinja;

import dev.stator.jinja.Stmt.Body;
import dev.stator.jinja.Stmt.Signature;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the scopes of a template, and the filters and tests that do not exist. The rules are those
 * of Jinja's compiler, which reads a body for names before it looks into the bodies within.
 */
final class ScopeAnalysis {
    private static final Set<String> IMPLICIT = Set.of("caller", "kwargs", "varargs");

    private final Map<Object, Scope> scopes = new IdentityHashMap<>();
    private final Map<Body, Set<String>> implicit = new IdentityHashMap<>();

    private ScopeAnalysis() {}

    static Program analyse(Body body) {
        var analysis = new ScopeAnalysis();
        var root = new Scope(null);
        analysis.names(body, root);
        analysis.close(body, root);
        analysis.inner(body, root, false);
        return new Program(body, analysis.scopes, analysis.implicit);
    }

    private void close(Object owner, Scope scope) {
        scope.close();
        scopes.put(owner, scope);
    }

    // The names of one scope: everything in a body but the bodies that have scopes of their own.

    private void names(Body body, Scope scope) {
        for (var statement : body.statements()) {
            names(statement, scope);
        }
    }

    private void names(Stmt statement, Scope scope) {
        switch (statement) {
            case Stmt.Text _, Stmt.Break _, Stmt.Continue _, Stmt.Generation _ -> {}
            case Stmt.Print print -> loads(print.value(), scope);
            case Stmt.If branches -> namesOfIf(branches, scope);
            case Stmt.For loop -> loads(loop.iterable(), scope);
            case Stmt.Set set -> {
                loads(set.value(), scope);
                stores(set.target(), scope);
            }
            case Stmt.SetBlock set -> stores(set.target(), scope);
            case Stmt.MacroDef macro -> scope.store(macro.name());
            case Stmt.CallBlock call -> loads(call.call(), scope);
            case Stmt.FilterBlock filter -> loads(filter.value(), scope);
            case Stmt.With with -> with.values().forEach(value -> loads(value, scope));
        }
    }

    /** The elifs are one branch together, as they are in Jinja's tree. */
    private void namesOfIf(Stmt.If statement, Scope scope) {
        var first = statement.branches().getFirst();
        loads(first.test(), scope);
        scope.merge(
                List.of(
                        scope.branch(() -> names(first.body(), scope)),
                        scope.branch(() -> namesOfElifs(statement, scope)),
                        scope.branch(() -> names(statement.otherwise(), scope))));
    }

    private void namesOfElifs(Stmt.If statement, Scope scope) {
        for (var elif : statement.branches().subList(1, statement.branches().size())) {
            loads(elif.test(), scope);
            scope.merge(List.of(scope.branch(() -> names(elif.body(), scope))));
        }
    }

    private static void loads(Expr expression, Scope scope) {
        if (expression instanceof Expr.Name name) {
            scope.load(name.name());
        }
        for (var child : children(expression)) {
            loads(child, scope);
        }
    }

    private static void stores(Expr target, Scope scope) {
        switch (target) {
            case Expr.Name name -> scope.store(name.name());
            case Expr.NamespaceRef reference -> scope.load(reference.name());
            default -> {
                for (var child : children(target)) {
                    stores(child, scope);
                }
            }
        }
    }

    private static void parameters(Expr target, Scope scope) {
        if (target instanceof Expr.Name name) {
            scope.parameter(name.name());
        }
        for (var child : children(target)) {
            parameters(child, scope);
        }
    }

    // The bodies within.

    private void inner(Body body, Scope scope, boolean soft) {
        for (var statement : body.statements()) {
            inner(statement, scope, soft);
        }
    }

    /**
     * Analyses the bodies of a statement.
     *
     * @param soft within an if, where an unknown filter is an error only when it is reached
     */
    private void inner(Stmt statement, Scope scope, boolean soft) {
        switch (statement) {
            case Stmt.Text _, Stmt.Break _, Stmt.Continue _ -> {}
            case Stmt.Print print -> check(print.value(), soft, print.line());
            case Stmt.If branches -> {
                for (var branch : branches.branches()) {
                    check(branch.test(), true, branch.line());
                    inner(branch.body(), scope, true);
                }
                inner(branches.otherwise(), scope, true);
            }
            case Stmt.For loop -> innerOfFor(loop, scope, soft);
            case Stmt.Set set -> check(set.value(), soft, set.line());
            case Stmt.SetBlock set -> {
                var block = new Scope(scope);
                names(set.body(), block);
                loads(set.value(), block);
                closeAndEnter(set.body(), block);
                check(set.value(), false, set.line());
            }
            case Stmt.MacroDef macro ->
                    function(macro.signature(), macro.body(), scope, macro.line());
            case Stmt.CallBlock call -> {
                check(call.call(), soft, call.line());
                function(call.signature(), call.body(), scope, call.line());
            }
            case Stmt.Generation generation ->
                    function(Signature.EMPTY, generation.body(), scope, generation.line());
            case Stmt.FilterBlock filter -> {
                var block = new Scope(scope);
                names(filter.body(), block);
                loads(filter.value(), block);
                closeAndEnter(filter.body(), block);
                check(filter.value(), false, filter.line());
            }
            case Stmt.With with -> {
                with.values().forEach(value -> check(value, soft, with.line()));
                var block = new Scope(scope);
                with.targets().forEach(target -> parameters(target, block));
                names(with.body(), block);
                closeAndEnter(with.body(), block);
            }
        }
    }

    private void closeAndEnter(Body body, Scope scope) {
        close(body, scope);
        inner(body, scope, false);
    }

    private void innerOfFor(Stmt.For loop, Scope scope, boolean soft) {
        check(loop.iterable(), soft, loop.line());
        if (new NameSearch(Set.of("loop")).stores(loop)) {
            throw TemplateException.at(
                    loop.line(), "Can't assign to special loop variable in for-loop target");
        }
        var body = new Scope(scope);
        body.parameter("loop");
        parameters(loop.target(), body);
        names(loop.body(), body);
        closeAndEnter(loop.body(), body);
        if (loop.filter() != null) {
            check(loop.filter(), false, loop.line());
            var test = new Scope(scope);
            parameters(loop.target(), test);
            loads(loop.filter(), test);
            close(loop, test);
        }
        var otherwise = new Scope(scope);
        names(loop.otherwise(), otherwise);
        closeAndEnter(loop.otherwise(), otherwise);
    }

    private void function(Signature signature, Body body, Scope outer, int line) {
        var used = new NameSearch(IMPLICIT).undeclared(body);
        int caller = signature.parameters().indexOf("caller");
        if (used.contains("caller") && caller >= 0 && signature.defaultOf(caller) == null) {
            throw TemplateException.at(
                    line,
                    "When defining macros or call blocks the special \"caller\" argument must be"
                            + " omitted or be given a default.");
        }
        used.removeAll(signature.parameters());
        var scope = new Scope(outer);
        signature.parameters().forEach(scope::parameter);
        signature.defaults().forEach(value -> loads(value, scope));
        names(body, scope);
        used.forEach(scope::parameter);
        implicit.put(body, used);
        signature.defaults().forEach(value -> check(value, false, line));
        closeAndEnter(body, scope);
    }

    private static void check(Expr expression, boolean soft, int line) {
        boolean inner = soft || expression instanceof Expr.Conditional;
        if (!soft) {
            switch (expression) {
                case Expr.Filter filter when !Filters.exists(filter.name()) ->
                        throw TemplateException.at(filter.line(), Filters.unknown(filter.name()));
                case Expr.Test test when !Predicates.exists(test.name()) ->
                        throw TemplateException.at(test.line(), Predicates.unknown(test.name()));
                default -> {}
            }
        }
        for (var child : children(expression)) {
            check(child, inner, line);
        }
    }

    /** The direct parts of an expression, in the order they stand. */
    static List<Expr> children(Expr expression) {
        return switch (expression) {
            case Expr.Const _, Expr.Name _, Expr.NamespaceRef _, Expr.Captured _ -> List.of();
            case Expr.TupleOf tuple -> tuple.items();
            case Expr.ListOf list -> list.items();
            case Expr.DictOf dict -> {
                var parts = new ArrayList<Expr>();
                for (var pair : dict.pairs()) {
                    parts.add(pair.key());
                    parts.add(pair.value());
                }
                yield parts;
            }
            case Expr.Negate negate -> List.of(negate.operand());
            case Expr.Plus plus -> List.of(plus.operand());
            case Expr.Not not -> List.of(not.operand());
            case Expr.And and -> List.of(and.left(), and.right());
            case Expr.Or or -> List.of(or.left(), or.right());
            case Expr.Binary binary -> List.of(binary.left(), binary.right());
            case Expr.Compare compare -> {
                var parts = new ArrayList<>(List.of(compare.first()));
                compare.rest().forEach(next -> parts.add(next.operand()));
                yield parts;
            }
            case Expr.Concat concat -> concat.parts();
            case Expr.Conditional conditional ->
                    present(conditional.test(), conditional.then(), conditional.otherwise());
            case Expr.Attribute attribute -> List.of(attribute.of());
            case Expr.Item item -> List.of(item.of(), item.index());
            case Expr.SliceOf slice ->
                    present(slice.of(), slice.start(), slice.stop(), slice.step());
            case Expr.Call call -> children(call.callee(), call.arguments());
            case Expr.Filter filter -> children(filter.of(), filter.arguments());
            case Expr.Test test -> children(test.of(), test.arguments());
        };
    }

    private static List<Expr> children(Expr of, Expr.Arguments arguments) {
        var parts = new ArrayList<>(List.of(of));
        parts.addAll(arguments.positional());
        arguments.keywords().forEach(keyword -> parts.add(keyword.value()));
        parts.addAll(present(arguments.spread(), arguments.keywordSpread()));
        return parts;
    }

    private static List<Expr> present(@Nullable Expr... expressions) {
        var present = new ArrayList<Expr>();
        for (var expression : expressions) {
            if (expression != null) {
                present.add(expression);
            }
        }
        return present;
    }

    /** Looks for uses of special names, through all bodies. */
    private static final class NameSearch {
        private final Set<String> wanted;
        private final Set<String> loaded = new HashSet<>();
        private boolean stored;

        NameSearch(Set<String> names) {
            this.wanted = new HashSet<>(names);
        }

        /** Which of the names are read before they are assigned. */
        Set<String> undeclared(Body body) {
            visit(body);
            return loaded;
        }

        boolean stores(Stmt statement) {
            visit(statement);
            return stored;
        }

        private void load(Expr expression) {
            if (expression instanceof Expr.Name name && wanted.contains(name.name())) {
                loaded.add(name.name());
            }
            for (var child : children(expression)) {
                load(child);
            }
        }

        private void store(Expr target) {
            if (target instanceof Expr.Name name) {
                store(name.name());
            }
            for (var child : children(target)) {
                store(child);
            }
        }

        private void store(String name) {
            stored |= wanted.remove(name);
        }

        private void visit(Body body) {
            body.statements().forEach(this::visit);
        }

        private void visit(Signature signature, Body body) {
            signature.parameters().forEach(this::parameter);
            signature.defaults().forEach(this::load);
            visit(body);
        }

        private void parameter(String name) {
            wanted.remove(name);
        }

        private void visit(Stmt statement) {
            switch (statement) {
                case Stmt.Text _, Stmt.Break _, Stmt.Continue _ -> {}
                case Stmt.Print print -> load(print.value());
                case Stmt.If branches -> {
                    for (var branch : branches.branches()) {
                        load(branch.test());
                        visit(branch.body());
                    }
                    visit(branches.otherwise());
                }
                case Stmt.For loop -> {
                    store(loop.target());
                    load(loop.iterable());
                    visit(loop.body());
                    visit(loop.otherwise());
                    if (loop.filter() != null) {
                        load(loop.filter());
                    }
                }
                case Stmt.Set set -> {
                    store(set.target());
                    load(set.value());
                }
                case Stmt.SetBlock set -> {
                    store(set.target());
                    load(set.value());
                    visit(set.body());
                }
                case Stmt.MacroDef macro -> visit(macro.signature(), macro.body());
                case Stmt.CallBlock call -> {
                    load(call.call());
                    visit(call.signature(), call.body());
                }
                case Stmt.Generation generation -> visit(generation.body());
                case Stmt.FilterBlock filter -> {
                    visit(filter.body());
                    load(filter.value());
                }
                case Stmt.With with -> {
                    with.targets().forEach(target -> parameters(target));
                    with.values().forEach(this::load);
                    visit(with.body());
                }
            }
        }

        private void parameters(Expr target) {
            if (target instanceof Expr.Name name) {
                parameter(name.name());
            }
            for (var child : children(target)) {
                parameters(child);
            }
        }
    }
}
