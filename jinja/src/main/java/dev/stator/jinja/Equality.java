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
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Python's ==, its ordering, and the hash keys that go with them. */
final class Equality {
    private static final int MAX_KEY_PARTS = 10_000;

    private final Budget budget;

    Equality(Budget budget) {
        this.budget = budget;
    }

    /**
     * What stands for {@code value} in a hash table: equal exactly when the values are equal.
     *
     * @throws TemplateException for lists and dicts, which have no hash
     */
    static Object key(Value value) {
        return key(value, new int[] {MAX_KEY_PARTS});
    }

    private static Object key(Value value, int[] partsLeft) {
        if (--partsLeft[0] < 0) {
            throw TemplateException.of(
                    "a tuple of more than " + MAX_KEY_PARTS + " parts is used as a key");
        }
        return switch (value) {
            case Str str -> str.text();
            case Int integer -> integer.value();
            case Bool bool -> Int.of(bool.ordinal()).value();
            case Real real -> {
                double d = real.value();
                yield d == Math.rint(d) && !Double.isInfinite(d)
                        ? new BigDecimal(d).toBigInteger()
                        : (Object) d;
            }
            case Tuple tuple -> {
                var keys = new ArrayList<Object>(tuple.items().size());
                for (var item : tuple.items()) {
                    keys.add(key(item, partsLeft));
                }
                yield keys;
            }
            case Undefined _ -> Undefined.class;
            case None none -> none;
            case Range _, Lazy _, Thing _ -> value;
            case Array _, Dict _, View _ ->
                    throw TemplateException.of("unhashable type: '" + Value.typeName(value) + "'");
        };
    }

    boolean equal(Value left, Value right) {
        budget.step();
        if (left == right) {
            return !(left instanceof Real real && Double.isNaN(real.value()));
        }
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.equal(left, right);
        }
        return switch (left) {
            case Str a -> right instanceof Str b && a.text().equals(b.text());
            case Array a -> right instanceof Array b && equal(a.items(), b.items());
            case Tuple a -> right instanceof Tuple b && equal(a.items(), b.items());
            case Dict a -> right instanceof Dict b && equal(a, b);
            case Range a -> right instanceof Range b && equal(a, b);
            case View a -> right instanceof View b && equal(a, b);
            case Undefined _ -> right instanceof Undefined;
            case None _, Bool _, Int _, Real _, Lazy _, Thing _ -> false;
        };
    }

    private boolean equal(List<Value> left, List<Value> right) {
        if (left.size() != right.size()) {
            return false;
        }
        for (int i = 0; i < left.size(); i++) {
            if (left.get(i) != right.get(i) && !equal(left.get(i), right.get(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean equal(Dict left, Dict right) {
        if (left.size() != right.size()) {
            return false;
        }
        for (var entry : left.entries()) {
            var other = right.get(entry.key());
            if (other == null || other != entry.value() && !equal(entry.value(), other)) {
                return false;
            }
        }
        return true;
    }

    private static boolean equal(Range left, Range right) {
        long length = left.length();
        return length == right.length()
                && (length == 0
                        || left.start() == right.start()
                                && (length == 1 || left.step() == right.step()));
    }

    /** Views of keys and of items are sets; views of values are equal only to themselves. */
    private boolean equal(View left, View right) {
        if (left.part() == View.Part.VALUES || right.part() != left.part()) {
            return false;
        }
        if (left.part() == View.Part.ITEMS) {
            return equal(left.dict(), right.dict());
        }
        if (left.dict().size() != right.dict().size()) {
            return false;
        }
        for (var entry : left.dict().entries()) {
            if (right.dict().get(entry.key()) == null) {
                return false;
            }
        }
        return true;
    }

    /**
     * Less than zero, zero or more as Python orders the two; NaN is reported as {@code unordered}.
     *
     * @param sign the operator, for the message
     */
    int compare(Value left, Value right, String sign, int unordered) {
        budget.step();
        if (left instanceof Undefined undefined) {
            throw TemplateException.of(undefined.message());
        }
        if (right instanceof Undefined undefined) {
            throw TemplateException.of(undefined.message());
        }
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.compare(left, right, unordered);
        }
        if (left instanceof Str a && right instanceof Str b) {
            budget.size(Math.min(a.text().length(), b.text().length()));
            return compareCodePoints(a.text(), b.text());
        }
        if (left instanceof Array a && right instanceof Array b) {
            return compare(a.items(), b.items(), sign, unordered);
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return compare(a.items(), b.items(), sign, unordered);
        }
        throw TemplateException.of(
                "'%s' not supported between instances of '%s' and '%s'"
                        .formatted(sign, Value.typeName(left), Value.typeName(right)));
    }

    private int compare(List<Value> left, List<Value> right, String sign, int unordered) {
        int common = Math.min(left.size(), right.size());
        for (int i = 0; i < common; i++) {
            if (left.get(i) != right.get(i) && !equal(left.get(i), right.get(i))) {
                return compare(left.get(i), right.get(i), sign, unordered);
            }
        }
        return Integer.compare(left.size(), right.size());
    }

    /** Python orders strings by code point, Java by UTF-16 unit; they differ beyond U+FFFF. */
    static int compareCodePoints(String left, String right) {
        int common = Math.min(left.length(), right.length());
        for (int i = 0; i < common; i++) {
            char a = left.charAt(i);
            char b = right.charAt(i);
            if (a != b) {
                boolean aHigh = Character.isSurrogate(a);
                return aHigh == Character.isSurrogate(b) ? a - b : aHigh ? 1 : -1;
            }
        }
        return left.length() - right.length();
    }
}
