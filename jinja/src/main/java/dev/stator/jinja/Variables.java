package dev.stator.jinja;

import dev.stator.jinja.Value.Array;
import dev.stator.jinja.Value.Bool;
import dev.stator.jinja.Value.Dict;
import dev.stator.jinja.Value.Int;
import dev.stator.jinja.Value.None;
import dev.stator.jinja.Value.Real;
import dev.stator.jinja.Value.Str;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The variables of a rendering, over the globals. Each is converted when it is first used. */
final class Variables {
    private final Map<String, ?> given;
    private final Map<String, Value> converted = new HashMap<>();
    private final Budget budget;

    Variables(Map<String, ?> given, Budget budget) {
        this.given = given;
        this.budget = budget;
    }

    @Nullable Value find(String name) {
        if (!given.containsKey(name)) {
            return Globals.find(name);
        }
        var value = converted.get(name);
        if (value == null) {
            value = convert(given.get(name), name, 1);
            converted.put(name, value);
        }
        return value;
    }

    private Value convert(@Nullable Object value, String where, int depth) {
        budget.step();
        Budget.nested(depth);
        return switch (value) {
            case null -> None.NONE;
            case None none -> none;
            case String text -> Str.of(text);
            case Boolean bool -> Bool.of(bool);
            case Integer integer -> Int.of(integer);
            case Long integer -> Int.of(integer);
            case Short integer -> Int.of(integer);
            case Byte integer -> Int.of(integer);
            case BigInteger integer -> Int.of(integer);
            case Double real -> new Real(real);
            case Float real -> new Real(real);
            case List<?> list -> {
                var items = new ArrayList<Value>(list.size());
                for (var item : list) {
                    items.add(convert(item, where, depth + 1));
                }
                yield Array.of(items);
            }
            case Map<?, ?> map -> {
                var dict = new Dict();
                for (var entry : map.entrySet()) {
                    if (!(entry.getKey() instanceof String key)) {
                        throw TemplateException.of(
                                "the variable "
                                        + Repr.quote(where)
                                        + " has a map whose keys are not strings");
                    }
                    dict.put(key, convert(entry.getValue(), where, depth + 1));
                }
                yield dict;
            }
            default ->
                    throw TemplateException.of(
                            "the variable "
                                    + Repr.quote(where)
                                    + " holds a "
                                    + value.getClass().getName()
                                    + "; pass strings, booleans, numbers, lists, maps and"
                                    + " Template.NULL");
        };
    }
}
