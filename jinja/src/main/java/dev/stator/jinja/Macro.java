package dev.stator.jinja;

import dev.stator.jinja.Stmt.Body;
import dev.stator.jinja.Stmt.Signature;
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
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A macro, or the body of a call block, with the frame it was defined in.
 *
 * @param name empty for a call block
 * @param implicit which of caller, kwargs and varargs the body uses without declaring them
 */
record Macro(String name, Signature signature, Body body, Set<String> implicit, Frame outer)
        implements Thing {

    @Override
    public String typeName() {
        return "Macro";
    }

    @Override
    public String display() {
        return "<Macro " + (name.isEmpty() ? "anonymous" : Repr.quote(name)) + ">";
    }

    @Override
    public @Nullable Value attribute(String attribute) {
        return switch (attribute) {
            case "name" -> name.isEmpty() ? None.NONE : Str.of(name);
            case "arguments" -> {
                var names = new ArrayList<Value>();
                signature.parameters().forEach(parameter -> names.add(Str.of(parameter)));
                yield Tuple.of(names);
            }
            case "catch_kwargs" -> Bool.of(implicit.contains("kwargs"));
            case "catch_varargs" -> Bool.of(implicit.contains("varargs"));
            case "caller" -> Bool.of(implicit.contains("caller"));
            default -> null;
        };
    }

    @Override
    public boolean callable() {
        return true;
    }

    @Override
    public Value call(Interpreter interpreter, Args args) {
        return interpreter.callMacro(this, args);
    }

    /** Gives the parameters their arguments; one without an argument gets its default later. */
    void bind(Args args, Frame frame) {
        var parameters = signature.parameters();
        var named = new LinkedHashMap<>(args.named());
        int positional = Math.min(args.size(), parameters.size());
        for (int i = 0; i < parameters.size(); i++) {
            var value = i < positional ? args.get(i) : named.remove(parameters.get(i));
            if (value != null) {
                frame.set(parameters.get(i), value);
            }
        }
        if (implicit.contains("caller")) {
            var caller = named.remove("caller");
            frame.set(
                    "caller",
                    caller == null || caller == None.NONE
                            ? new Undefined("No caller defined")
                            : caller);
        }
        if (implicit.contains("kwargs")) {
            var kwargs = new Dict();
            named.forEach(kwargs::put);
            frame.set("kwargs", kwargs);
        } else if (!named.isEmpty()) {
            throw TemplateException.of(
                    "macro %s takes no keyword argument %s"
                            .formatted(
                                    Repr.quote(name),
                                    Repr.quote(named.keySet().iterator().next())));
        }
        List<Value> rest = args.positional().subList(positional, args.size());
        if (implicit.contains("varargs")) {
            frame.set("varargs", Tuple.of(rest));
        } else if (!rest.isEmpty()) {
            throw TemplateException.of(
                    "macro %s takes not more than %d argument(s)"
                            .formatted(Repr.quote(name), parameters.size()));
        }
    }
}
