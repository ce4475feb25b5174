package dev.stator.jinja;

import dev.stator.jinja.Stmt.Body;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a template writes, in the order in which it stands there: of which variables each
 * output is made, through assignments, loops and macros. What is assigned under a condition counts
 * as if it always were.
 */
final class Outputs {
    private static final List<String> IMPLICIT = List.of("caller", "kwargs", "varargs");

    private final List<Template.Output> outputs = new ArrayList<>();

    /** What names that the template assigns are made of. */
    private final Map<String, Set<String>> made = new HashMap<>();

    private Outputs() {}

    static List<Template.Output> of(Body body) {
        var found = new Outputs();
        // A macro may call one that stands behind it.
        for (var statement : body.statements()) {
            if (statement instanceof Stmt.MacroDef macro) {
                found.add(macro.name(), Set.of());
            }
        }
        found.walk(body);
        return List.copyOf(found.outputs);
    }

    private void walk(Body body) {
        body.statements().forEach(this::walk);
    }

    private void walk(Stmt statement) {
        switch (statement) {
            case Stmt.Text _, Stmt.Break _, Stmt.Continue _ -> {}
            case Stmt.Print print -> output(print.line(), of(print.value()));
            case Stmt.If branches -> {
                branches.branches().forEach(branch -> walk(branch.body()));
                walk(branches.otherwise());
            }
            case Stmt.For loop -> {
                assign(loop.target(), of(loop.iterable()));
                walk(loop.body());
                walk(loop.otherwise());
            }
            case Stmt.Set set -> assign(set.target(), of(set.value()));
            case Stmt.SetBlock set -> assign(set.target(), inside(set.body()));
            case Stmt.MacroDef macro -> {
                // A macro may call itself.
                add(macro.name(), Set.of());
                add(macro.name(), inside(macro));
            }
            case Stmt.CallBlock call -> {
                output(call.line(), of(call.call()));
                walk(call.body());
            }
            case Stmt.Generation generation -> walk(generation.body());
            case Stmt.FilterBlock filter -> walk(filter.body());
            case Stmt.With with -> {
                for (int i = 0; i < with.targets().size(); i++) {
                    assign(with.targets().get(i), of(with.values().get(i)));
                }
                walk(with.body());
            }
        }
    }

    private void output(int line, Set<String> names) {
        if (!names.isEmpty()) {
            outputs.add(new Template.Output(line, names));
        }
    }

    /** What a body writes, which is not written where it stands. */
    private Set<String> inside(Body body) {
        var apart = new Outputs();
        apart.made.putAll(made);
        return apart.all(body);
    }

    /** Of what it is given says the call. */
    private Set<String> inside(Stmt.MacroDef macro) {
        var apart = new Outputs();
        apart.made.putAll(made);
        macro.signature().parameters().forEach(each -> apart.made.put(each, new LinkedHashSet<>()));
        IMPLICIT.forEach(each -> apart.made.put(each, new LinkedHashSet<>()));
        return apart.all(macro.body());
    }

    private Set<String> all(Body body) {
        walk(body);
        var names = new LinkedHashSet<String>();
        outputs.forEach(each -> names.addAll(each.variables()));
        return names;
    }

    private void assign(Expr target, Set<String> names) {
        switch (target) {
            case Expr.Name name -> add(name.name(), names);
            case Expr.NamespaceRef reference -> add(reference.name(), names);
            case Expr.TupleOf tuple -> tuple.items().forEach(item -> assign(item, names));
            default -> {}
        }
    }

    private void add(String name, Set<String> names) {
        made.computeIfAbsent(name, _ -> new LinkedHashSet<>()).addAll(names);
    }

    private Set<String> of(Expr expression) {
        var names = new LinkedHashSet<String>();
        collect(expression, names);
        return names;
    }

    private void collect(@Nullable Expr expression, Set<String> names) {
        switch (expression) {
            case null -> {}
            case Expr.Const _, Expr.Captured _ -> {}
            case Expr.Name name ->
                    names.addAll(made.getOrDefault(name.name(), Set.of(name.name())));
            case Expr.NamespaceRef reference ->
                    names.addAll(made.getOrDefault(reference.name(), Set.of()));
            case Expr.TupleOf tuple -> tuple.items().forEach(item -> collect(item, names));
            case Expr.ListOf list -> list.items().forEach(item -> collect(item, names));
            case Expr.DictOf dict -> dict.pairs().forEach(pair -> collect(pair.value(), names));
            case Expr.Negate negate -> collect(negate.operand(), names);
            case Expr.Plus plus -> collect(plus.operand(), names);
            // Whether something is said decides, not what: a truth is no text of a request.
            case Expr.Not _, Expr.Compare _, Expr.Test _ -> {}
            case Expr.And and -> {
                collect(and.left(), names);
                collect(and.right(), names);
            }
            case Expr.Or or -> {
                collect(or.left(), names);
                collect(or.right(), names);
            }
            case Expr.Binary binary -> {
                collect(binary.left(), names);
                collect(binary.right(), names);
            }
            case Expr.Concat concat -> concat.parts().forEach(part -> collect(part, names));
            case Expr.Conditional conditional -> {
                collect(conditional.then(), names);
                collect(conditional.otherwise(), names);
            }
            case Expr.Attribute attribute -> collect(attribute.of(), names);
            case Expr.Item item -> collect(item.of(), names);
            case Expr.SliceOf slice -> collect(slice.of(), names);
            case Expr.Call call -> {
                collect(call.callee(), names);
                arguments(call.arguments(), names);
            }
            case Expr.Filter filter -> {
                collect(filter.of(), names);
                arguments(filter.arguments(), names);
            }
        }
    }

    private void arguments(Expr.Arguments arguments, Set<String> names) {
        arguments.positional().forEach(each -> collect(each, names));
        arguments.keywords().forEach(each -> collect(each.value(), names));
    }
}
