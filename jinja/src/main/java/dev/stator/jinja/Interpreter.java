package dev.stator.jinja;

import dev.stator.jinja.Stmt.Body;
import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One rendering of a template: runs its statements and collects the text they print. */
final class Interpreter {
    /** How a body of statements ended. */
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    private final Program program;
    private final Variables variables;
    private final Clock clock;
    private final Budget budget;
    private final Equality equality;
    private final Evaluator evaluator = new Evaluator(this);
    private StringBuilder out = new StringBuilder();
    private Str captured = Str.EMPTY;
    private int line = 1;

    Interpreter(Program program, Variables variables, Clock clock, Budget budget) {
        this.program = program;
        this.variables = variables;
        this.clock = clock;
        this.budget = budget;
        this.equality = new Equality(budget);
    }

    String render() {
        try {
            var root = new Frame(program.scope(program.body()), null);
            root.open(variables::find);
            run(program.body(), root);
            return out.toString();
        } catch (TemplateException e) {
            throw e.withLine(line);
        } catch (StackOverflowError _) {
            // The limits are set so that this does not happen, but a thread's stack may be small.
            throw TemplateException.at(
                    line, "the template nests too deep for the stack of this thread");
        }
    }

    Budget budget() {
        return budget;
    }

    Equality equality() {
        return equality;
    }

    Clock clock() {
        return clock;
    }

    Str captured() {
        return captured;
    }

    String str(Value value) {
        return Repr.str(value, budget);
    }

    String repr(Value value) {
        return Repr.repr(value, budget);
    }

    private Flow run(Body body, Frame frame) {
        budget.enter();
        for (var statement : body.statements()) {
            line = statement.line();
            var flow = run(statement, frame);
            if (flow != Flow.NEXT) {
                budget.leave();
                return flow;
            }
        }
        budget.leave();
        return Flow.NEXT;
    }

    private Flow run(Stmt statement, Frame frame) {
        budget.step();
        switch (statement) {
            case Stmt.Text text -> print(text.text());
            case Stmt.Print print -> print(str(evaluate(print.value(), frame)));
            case Stmt.If branches -> {
                return runIf(branches, frame);
            }
            case Stmt.For loop -> {
                return runFor(loop, frame);
            }
            case Stmt.Break _ -> {
                return Flow.BREAK;
            }
            case Stmt.Continue _ -> {
                return Flow.CONTINUE;
            }
            case Stmt.Set set -> {
                checkNamespaces(set.target(), frame);
                assign(set.target(), evaluate(set.value(), frame), frame);
            }
            case Stmt.SetBlock set -> {
                return runSetBlock(set, frame);
            }
            case Stmt.MacroDef macro ->
                    frame.set(
                            macro.name(),
                            new Macro(
                                    macro.name(),
                                    macro.signature(),
                                    macro.body(),
                                    program.implicit(macro.body()),
                                    frame));
            case Stmt.CallBlock call -> {
                var caller =
                        new Macro(
                                "",
                                call.signature(),
                                call.body(),
                                program.implicit(call.body()),
                                frame);
                printBlock(evaluator.call(call.call(), frame, caller));
            }
            case Stmt.Generation generation -> {
                var inner = open(generation.body(), frame);
                run(generation.body(), inner);
            }
            case Stmt.FilterBlock filter -> {
                return runFilterBlock(filter, frame);
            }
            case Stmt.With with -> {
                return runWith(with, frame);
            }
        }
        return Flow.NEXT;
    }

    private Value evaluate(Expr expression, Frame frame) {
        return evaluator.evaluate(expression, frame);
    }

    private void print(String text) {
        budget.size(text.length());
        if ((long) out.length() + text.length() > Budget.MAX_LENGTH) {
            throw TemplateException.of(
                    "the template prints more than " + Budget.MAX_LENGTH + " characters");
        }
        out.append(text);
    }

    /** Unlike a print, a call or filter block does not convert what it gets. */
    private void printBlock(Value value) {
        if (!(value instanceof Str text)) {
            throw TemplateException.of(
                    "the block gives a value of type '"
                            + Value.typeName(value)
                            + "', not a string");
        }
        print(text.text());
    }

    private Frame open(Body body, Frame outer) {
        var frame = new Frame(program.scope(body), outer);
        frame.open(variables::find);
        return frame;
    }

    private Flow runIf(Stmt.If statement, Frame frame) {
        for (var branch : statement.branches()) {
            line = branch.line();
            if (Value.truthy(evaluate(branch.test(), frame))) {
                return run(branch.body(), frame);
            }
        }
        return run(statement.otherwise(), frame);
    }

    private Flow runFor(Stmt.For statement, Frame frame) {
        var items = evaluate(statement.iterable(), frame);
        if (statement.recursive()) {
            print(renderRecursive(statement, items, 0, frame));
            return Flow.NEXT;
        }
        return loop(statement, items, 0, null, frame);
    }

    private String renderRecursive(Stmt.For statement, Value items, int depth, Frame frame) {
        budget.enter();
        var outer = out;
        out = new StringBuilder();
        int callLine = line;
        loop(
                statement,
                items,
                depth,
                (inner, innerDepth) -> Str.of(renderRecursive(statement, inner, innerDepth, frame)),
                frame);
        var text = out.toString();
        out = outer;
        line = callLine;
        budget.leave();
        return text;
    }

    private Flow loop(
            Stmt.For statement,
            Value items,
            int depth,
            Loop.@Nullable Recursion recursion,
            Frame outer) {
        var iterator = Sequences.iterator(items, budget);
        long length = Sequences.lengthOrNone(items);
        if (statement.filter() != null) {
            iterator = new FilteredItems(this, statement, iterator, testFrame(statement, outer));
            length = -1;
        }
        var loop = new Loop(iterator, length, depth, recursion, budget);
        var frame = new Frame(program.scope(statement.body()), outer);
        // Jinja's else also runs when no iteration reached the end of the body.
        boolean completed = false;
        for (var item = loop.advance(); item != null; item = loop.advance()) {
            frame.set("loop", loop);
            assign(statement.target(), item, frame);
            frame.open(variables::find);
            var flow = run(statement.body(), frame);
            if (flow == Flow.BREAK) {
                break;
            }
            completed |= flow == Flow.NEXT;
            line = statement.line();
        }
        frame.close();
        if (!completed) {
            return run(statement.otherwise(), open(statement.otherwise(), outer));
        }
        return Flow.NEXT;
    }

    private Frame testFrame(Stmt.For statement, Frame outer) {
        var frame = new Frame(program.scope(statement), outer);
        frame.open(variables::find);
        return frame;
    }

    /** Whether {@code item} passes the condition of a loop; leaves the target's names assigned. */
    boolean passes(Stmt.For statement, Expr filter, Value item, Frame frame) {
        assign(statement.target(), item, frame);
        return Value.truthy(evaluate(filter, frame));
    }

    /** What {@code target} holds, read back from its names. */
    Value readBack(Expr target, Frame frame) {
        if (target instanceof Expr.TupleOf tuple) {
            var items = new ArrayList<Value>();
            for (var item : tuple.items()) {
                items.add(readBack(item, frame));
            }
            return Tuple.of(items);
        }
        return target instanceof Expr.Name name ? frame.get(name.name()) : Value.None.NONE;
    }

    private Flow runSetBlock(Stmt.SetBlock set, Frame frame) {
        var inner = open(set.body(), frame);
        var outer = out;
        out = new StringBuilder();
        var flow = run(set.body(), inner);
        var text = out.toString();
        out = outer;
        if (flow != Flow.NEXT) {
            return flow;
        }
        line = set.line();
        assign(set.target(), filtered(set.value(), text, inner), frame);
        return Flow.NEXT;
    }

    private Flow runFilterBlock(Stmt.FilterBlock filter, Frame frame) {
        var inner = open(filter.body(), frame);
        var outer = out;
        out = new StringBuilder();
        var flow = run(filter.body(), inner);
        var text = out.toString();
        out = outer;
        if (flow != Flow.NEXT) {
            return flow;
        }
        line = filter.line();
        printBlock(filtered(filter.value(), text, inner));
        return Flow.NEXT;
    }

    private Value filtered(Expr filters, String text, Frame frame) {
        var before = captured;
        captured = Str.of(text);
        var value = evaluate(filters, frame);
        captured = before;
        return value;
    }

    private Flow runWith(Stmt.With with, Frame outer) {
        var inner = new Frame(program.scope(with.body()), outer);
        inner.open(variables::find);
        for (int i = 0; i < with.targets().size(); i++) {
            assign(with.targets().get(i), evaluate(with.values().get(i), outer), inner);
        }
        return run(with.body(), inner);
    }

    /** Calls a macro and returns what it prints. */
    Value callMacro(Macro macro, Args args) {
        budget.enter();
        int callLine = line;
        var frame = new Frame(program.scope(macro.body()), macro.outer());
        macro.bind(args, frame);
        frame.open(variables::find);
        var parameters = macro.signature().parameters();
        for (int i = 0; i < parameters.size(); i++) {
            if (!frame.has(parameters.get(i))) {
                var defaultValue = macro.signature().defaultOf(i);
                frame.set(
                        parameters.get(i),
                        defaultValue == null
                                ? new Undefined(
                                        "parameter "
                                                + Repr.quote(parameters.get(i))
                                                + " was not provided")
                                : evaluate(defaultValue, frame));
            }
        }
        var outer = out;
        out = new StringBuilder();
        run(macro.body(), frame);
        var text = out.toString();
        out = outer;
        line = callLine;
        budget.leave();
        return Str.of(text);
    }

    private static void checkNamespaces(Expr target, Frame frame) {
        switch (target) {
            case Expr.NamespaceRef reference -> {
                if (!(frame.get(reference.name()) instanceof Namespace)) {
                    throw TemplateException.of("cannot assign attribute on non-namespace object");
                }
            }
            case Expr.TupleOf tuple -> tuple.items().forEach(item -> checkNamespaces(item, frame));
            default -> {}
        }
    }

    private void assign(Expr target, Value value, Frame frame) {
        switch (target) {
            case Expr.Name name -> frame.set(name.name(), value);
            case Expr.NamespaceRef reference -> {
                if (frame.get(reference.name()) instanceof Namespace namespace) {
                    namespace.set(reference.attribute(), value);
                }
            }
            case Expr.TupleOf tuple -> {
                var values = unpack(value, tuple.items().size());
                for (int i = 0; i < values.size(); i++) {
                    assign(tuple.items().get(i), values.get(i), frame);
                }
            }
            default -> throw new IllegalStateException("not a target: " + target);
        }
    }

    /** The {@code count} items that {@code value} must have. */
    List<Value> unpack(Value value, int count) {
        if (value instanceof Tuple tuple && tuple.items().size() == count) {
            return tuple.items();
        }
        if (value instanceof Array array && array.items().size() == count) {
            return array.items();
        }
        var iterator = Sequences.iteratorOrNull(value, budget);
        if (iterator == null) {
            throw TemplateException.of(
                    "cannot unpack non-iterable " + Value.typeName(value) + " object");
        }
        var items = new ArrayList<Value>();
        while (iterator.hasNext() && items.size() <= count) {
            items.add(iterator.next());
        }
        if (items.size() > count) {
            throw TemplateException.of("too many values to unpack (expected " + count + ")");
        }
        if (items.size() < count) {
            throw TemplateException.of(
                    "not enough values to unpack (expected %d, got %d)"
                            .formatted(count, items.size()));
        }
        return items;
    }
}
