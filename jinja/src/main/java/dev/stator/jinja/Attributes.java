package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.Lazy;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Range;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import dev.stator.jinja.Value.Thing;
import dev.stator.jinja.Value.Tuple;
import dev.stator.jinja.Value.Undefined;
import dev.stator.jinja.Value.View;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code value.name} and {@code value[index]} under the rules of the sandbox: an attribute wins
 * over an item with a dot and loses with brackets, and what would change a list or a dict is not
 * there.
 */
final class Attributes {
    private static final Set<String> UNSAFE_OF_LISTS =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> UNSAFE_OF_DICTS =
            Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Attributes() {}

    static Value attribute(Value of, String name) {
        Operators.requireDefined(of);
        var attribute = own(of, name);
        if (attribute != null) {
            return attribute;
        }
        var item = of instanceof Dict dict ? dict.get(Str.of(name)) : null;
        return item != null ? item : missing(of, Str.of(name));
    }

    /** The attribute alone, for the filter {@code attr}, which does not look at items. */
    static Value ownOrUndefined(Value of, String name) {
        var attribute = own(of, name);
        return attribute != null ? attribute : missing(of, Str.of(name));
    }

    static Value item(Value of, Value index) {
        Operators.requireDefined(of);
        var item = itemOrNull(of, index);
        if (item != null) {
            return item;
        }
        var attribute = index instanceof Str str ? own(of, str.text()) : null;
        return attribute != null ? attribute : missing(of, index);
    }

    private static @Nullable Value itemOrNull(Value of, Value index) {
        return switch (of) {
            case Dict dict -> isHashable(index) ? dict.get(index) : null;
            case Str _, Array _, Tuple _, Range _ ->
                    Numbers.isInteger(index) ? Sequences.at(of, index) : null;
            case None _, Bool _, Int _, Real _, View _, Lazy _, Undefined _, Thing _ -> null;
        };
    }

    private static boolean isHashable(Value value) {
        return switch (value) {
            case Array _, Dict _, View _ -> false;
            case Tuple tuple -> tuple.items().stream().allMatch(Attributes::isHashable);
            default -> true;
        };
    }

    private static Undefined missing(Value of, Value index) {
        var type = of == None.NONE ? "None" : Value.typeName(of) + " object";
        return new Undefined(
                index instanceof Str name
                        ? "'" + type + "' has no attribute " + Repr.quote(name.text())
                        : type + " has no element " + Repr.repr(index, unlimited()));
    }

    private static Budget unlimited() {
        return new Budget(Budget.Limits.STANDARD);
    }

    /** What Python's getattr finds, or null; what the sandbox hides is undefined. */
    private static @Nullable Value own(Value of, String name) {
        if (of instanceof Thing thing) {
            var attribute = thing.attribute(name);
            return attribute != null && name.startsWith("_") ? unsafe(of, name) : attribute;
        }
        if (of instanceof Tuple tuple && tuple.fields().contains(name)) {
            return tuple.items().get(tuple.fields().indexOf(name));
        }
        if (name.startsWith("__") && name.endsWith("__") && name.length() > 4) {
            return unsafe(of, name);
        }
        return switch (of) {
            case Str str -> StringMethods.find(str, name);
            case Dict dict ->
                    UNSAFE_OF_DICTS.contains(name)
                            ? unsafe(of, name)
                            : CollectionMethods.ofDict(dict, name);
            case Array array ->
                    UNSAFE_OF_LISTS.contains(name)
                            ? unsafe(of, name)
                            : CollectionMethods.ofItems(array, array.items(), name);
            case Tuple tuple -> CollectionMethods.ofItems(tuple, tuple.items(), name);
            case Int _, Bool _, Real _ -> CollectionMethods.ofNumber(of, name);
            case None _, Range _, View _, Lazy _, Undefined _, Thing _ -> null;
        };
    }

    private static Undefined unsafe(Value of, String name) {
        return new Undefined(
                "access to attribute '%s' of '%s' object is unsafe."
                        .formatted(name, Value.typeName(of)));
    }
}
