package dev.stator.jinja;

import dev.stator.jinja.Value.Thing;

/** A function that is not a macro: a global, or a method bound to its object. */
record Function(String typeName, String name, Code code) implements Thing {
    /** What a function does. */
    @FunctionalInterface
    interface Code {
        Value call(Interpreter interpreter, Args args);
    }

    static Function method(String name, Code code) {
        return new Function("builtin_function_or_method", name, code);
    }

    @Override
    public String display() {
        return typeName.equals("type")
                ? "<class '" + name + "'>"
                : "<" + typeName + " " + name + ">";
    }

    @Override
    public boolean callable() {
        return true;
    }

    @Override
    public Value call(Interpreter interpreter, Args args) {
        return code.call(interpreter, args);
    }
}
