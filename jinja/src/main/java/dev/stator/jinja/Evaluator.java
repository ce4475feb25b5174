package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Thing;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds the values of expressions. */
final class Evaluator {
    private final Interpreter interpreter;

    Evaluator(Interpreter interpreter) {
        this.interpreter = interpreter;
    }

    Value evaluate(Expr expression, Frame frame) {
        switch (expression) {
            case Expr.Const constant -> {
                return constant.value();
            }
            case Expr.Name name -> {
                return frame.get(name.name());
            }
            case Expr.Captured _ -> {
                return interpreter.captured();
            }
            default -> {
                interpreter.budget().step();
                interpreter.budget().enter();
                var value = compound(expression, frame);
                interpreter.budget().leave();
                return value;
            }
        }
    }

    private Value compound(Expr expression, Frame frame) {
        return switch (expression) {
            case Expr.Const constant -> constant.value();
            case Expr.Captured _ -> interpreter.captured();
            case Expr.Name name -> frame.get(name.name());
            case Expr.NamespaceRef reference ->
                    Attributes.attribute(frame.get(reference.name()), reference.attribute());
            case Expr.TupleOf tuple -> Tuple.of(all(tuple.items(), frame));
            case Expr.ListOf list -> Array.of(all(list.items(), frame));
            case Expr.DictOf dict -> dict(dict, frame);
            case Expr.Negate negate -> negate(evaluate(negate.operand(), frame));
            case Expr.Plus plus -> plus(evaluate(plus.operand(), frame));
            case Expr.Not not -> Bool.of(!Value.truthy(evaluate(not.operand(), frame)));
            case Expr.And and -> {
                var left = evaluate(and.left(), frame);
                yield Value.truthy(left) ? evaluate(and.right(), frame) : left;
            }
            case Expr.Or or -> {
                var left = evaluate(or.left(), frame);
                yield Value.truthy(left) ? left : evaluate(or.right(), frame);
            }
            case Expr.Binary binary ->
                    Operators.apply(
                            binary.operator(),
                            evaluate(binary.left(), frame),
                            evaluate(binary.right(), frame),
                            interpreter);
            case Expr.Compare compare -> compare(compare, frame);
            case Expr.Concat concat -> concat(concat, frame);
            case Expr.Conditional conditional -> conditional(conditional, frame);
            case Expr.Attribute attribute ->
                    Attributes.attribute(evaluate(attribute.of(), frame), attribute.name());
            case Expr.Item item ->
                    Attributes.item(evaluate(item.of(), frame), evaluate(item.index(), frame));
            case Expr.SliceOf slice ->
                    Sequences.slice(
                            evaluate(slice.of(), frame),
                            bound(slice.start(), frame),
                            bound(slice.stop(), frame),
                            bound(slice.step(), frame),
                            interpreter.budget());
            case Expr.Call call -> call(call, frame, null);
            case Expr.Filter filter ->
                    Filters.apply(
                            filter.name(),
                            interpreter,
                            evaluate(filter.of(), frame),
                            arguments(filter.arguments(), frame));
            case Expr.Test test ->
                    Bool.of(
                            Predicates.test(
                                    test.name(),
                                    interpreter,
                                    evaluate(test.of(), frame),
                                    arguments(test.arguments(), frame)));
        };
    }

    private List<Value> all(List<Expr> expressions, Frame frame) {
        var values = new ArrayList<Value>(expressions.size());
        for (var expression : expressions) {
            values.add(evaluate(expression, frame));
        }
        return values;
    }

    private Value dict(Expr.DictOf expression, Frame frame) {
        var dict = new Dict();
        for (var pair : expression.pairs()) {
            dict.put(evaluate(pair.key(), frame), evaluate(pair.value(), frame));
        }
        return dict;
    }

    private static Value negate(Value value) {
        return Numbers.negate(requireNumber(value, "-"));
    }

    private static Value plus(Value value) {
        return Numbers.negate(Numbers.negate(requireNumber(value, "+")));
    }

    private static Value requireNumber(Value value, String sign) {
        Operators.requireDefined(value);
        if (!Numbers.isNumber(value)) {
            throw TemplateException.of(
                    "bad operand type for unary %s: '%s'".formatted(sign, Value.typeName(value)));
        }
        return value;
    }

    private Value compare(Expr.Compare expression, Frame frame) {
        var left = evaluate(expression.first(), frame);
        for (var next : expression.rest()) {
            var right = evaluate(next.operand(), frame);
            if (!Operators.compare(next.comparison(), left, right, interpreter)) {
                return Bool.FALSE;
            }
            left = right;
        }
        return Bool.TRUE;
    }

    private Value concat(Expr.Concat expression, Frame frame) {
        var values = all(expression.parts(), frame);
        var text = new StringBuilder();
        for (var value : values) {
            var part = interpreter.str(value);
            interpreter.budget().size(part.length());
            text.append(part);
        }
        return Str.of(text.toString());
    }

    private Value conditional(Expr.Conditional expression, Frame frame) {
        if (Value.truthy(evaluate(expression.test(), frame))) {
            return evaluate(expression.then(), frame);
        }
        return expression.otherwise() != null
                ? evaluate(expression.otherwise(), frame)
                : new Undefined(
                        "the inline if-expression on line "
                                + expression.line()
                                + " evaluated to false and no else section was defined.");
    }

    private Value bound(@Nullable Expr expression, Frame frame) {
        return expression == null ? None.NONE : evaluate(expression, frame);
    }

    /** Calls with {@code caller} as an additional argument, if there is one. */
    Value call(Expr.Call expression, Frame frame, @Nullable Macro caller) {
        var callee = evaluate(expression.callee(), frame);
        var args = arguments(expression.arguments(), frame);
        if (caller != null) {
            args = args.with("caller", caller);
        }
        return switch (callee) {
            case Thing thing -> thing.call(interpreter, args);
            case Undefined undefined -> throw TemplateException.of(undefined.message());
            default ->
                    throw TemplateException.of(
                            "'" + Value.typeName(callee) + "' object is not callable");
        };
    }

    private Args arguments(Expr.Arguments arguments, Frame frame) {
        if (arguments == Expr.Arguments.NONE) {
            return Args.NONE;
        }
        var positional = all(arguments.positional(), frame);
        var named = new LinkedHashMap<String, Value>();
        if (arguments.spread() != null) {
            positional.addAll(
                    Sequences.items(evaluate(arguments.spread(), frame), interpreter.budget()));
        }
        for (var keyword : arguments.keywords()) {
            named.put(keyword.name(), evaluate(keyword.value(), frame));
        }
        if (arguments.keywordSpread() != null) {
            spread(evaluate(arguments.keywordSpread(), frame), named);
        }
        return new Args(positional, named);
    }

    private static void spread(Value value, LinkedHashMap<String, Value> named) {
        Operators.requireDefined(value);
        if (!(value instanceof Dict dict)) {
            throw TemplateException.of(
                    "argument after ** must be a mapping, not " + Value.typeName(value));
        }
        for (var entry : dict.entries()) {
            if (!(entry.key() instanceof Str key)) {
                throw TemplateException.of("keywords must be strings");
            }
            if (named.put(key.text(), entry.value()) != null) {
                throw TemplateException.of(
                        "got multiple values for keyword argument " + Repr.quote(key.text()));
            }
        }
    }
}
