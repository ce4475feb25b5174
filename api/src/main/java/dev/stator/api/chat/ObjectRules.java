package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** Objects of a schema as grammar rules. */
final class ObjectRules {
    private final SchemaCompiler compiler;
    private final Grammar grammar;
    private final JsonGrammar json;

    /** A named property: key, colon and value. */
    private record Member(Gbnf.Rule rule, boolean required) {}

    ObjectRules(SchemaCompiler compiler, Grammar grammar, JsonGrammar json) {
        this.compiler = compiler;
        this.grammar = grammar;
        this.json = json;
    }

    Gbnf of(ObjectNode schema, String at) {
        if (schema.path("minProperties").asInt(0) > 0 || schema.has("maxProperties")) {
            throw SchemaKeywords.error(
                    at,
                    "\"minProperties\" and \"maxProperties\" are not supported; use \"required\"");
        }
        var additional = additional(schema);
        var properties = properties(schema, additional, at);
        if (properties.isEmpty()) {
            return additional == null
                    ? Gbnf.sequence(Gbnf.text("{"), json.blanks(), Gbnf.text("}"))
                    : json.object(other(Set.of(), additional, at));
        }
        var members = members(schema, properties, at);
        if (members.isEmpty()) {
            return Gbnf.sequence(Gbnf.text("{"), json.blanks(), Gbnf.text("}"));
        }
        return members(
                members, additional == null ? null : other(properties.keySet(), additional, at));
    }

    /** The schema of properties without a name of their own; null if there must be none. */
    private static @Nullable JsonNode additional(ObjectNode schema) {
        var given = schema.get("additionalProperties");
        if (given == null) {
            return schema.path("properties").isEmpty() ? BooleanNode.TRUE : null;
        }
        return given.isBoolean() && !given.booleanValue() ? null : given;
    }

    private static Map<String, JsonNode> properties(
            ObjectNode schema, @Nullable JsonNode additional, String at) {
        var properties = new LinkedHashMap<String, JsonNode>();
        for (var field : schema.path("properties").properties()) {
            properties.put(field.getKey(), field.getValue());
        }
        boolean closed = schema.path("additionalProperties").isBoolean() && additional == null;
        for (var required : schema.path("required")) {
            var name = required.stringValue();
            if (!properties.containsKey(name)) {
                if (closed) {
                    throw SchemaKeywords.error(
                            at,
                            "\"%s\" is required, but no property of that name is allowed"
                                    .formatted(name));
                }
                properties.put(name, additional == null ? BooleanNode.TRUE : additional);
            }
        }
        return properties;
    }

    private List<Member> members(ObjectNode schema, Map<String, JsonNode> properties, String at) {
        var required = new HashSet<String>();
        schema.path("required").forEach(name -> required.add(name.stringValue()));
        var members = new ArrayList<Member>();
        properties.forEach(
                (name, property) -> {
                    boolean must = required.contains(name);
                    boolean never = property.isBoolean() && !property.booleanValue();
                    if (must || !never) {
                        var value = compiler.inside(property, at + "/properties/" + escape(name));
                        var key = Gbnf.text(Message.json(name));
                        members.add(new Member(grammar.rule(name, json.member(key, value)), must));
                    }
                });
        return members;
    }

    private static String escape(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    /*
     * tails(i) is what may follow once some member is written and i is the next in the schema's order:
     *
     *   tails(n) = ("," other)*
     *   tails(i) = "," member(i) tails(i+1)          if required
     *            = ("," member(i))? tails(i+1)       if not
     *
     * The first member can be any one up to and including the first required.
     */
    private Gbnf members(List<Member> members, @Nullable Gbnf other) {
        var tails = new ArrayList<Gbnf>();
        Gbnf tail =
                other == null
                        ? Gbnf.text("")
                        : grammar.rule(
                                "others", grammar.repeat(json.separated(other), 0, Gbnf.UNBOUNDED));
        tails.add(tail);
        for (var member : members.reversed()) {
            var next = json.separated(member.rule);
            tail =
                    grammar.rule(
                            "rest",
                            Gbnf.sequence(
                                    member.required ? next : JsonGrammar.optional(next), tail));
            tails.addFirst(tail);
        }
        var options = new ArrayList<Gbnf>();
        boolean required = false;
        for (int i = 0; i < members.size() && !required; i++) {
            options.add(Gbnf.sequence(members.get(i).rule, tails.get(i + 1)));
            required = members.get(i).required;
        }
        if (!required) {
            if (other != null) {
                options.add(Gbnf.sequence(other, tails.getLast()));
            }
            options.add(Gbnf.text(""));
        }
        return Gbnf.sequence(
                Gbnf.text("{"),
                json.blanks(),
                new Gbnf.Choice(options),
                json.blanks(),
                Gbnf.text("}"));
    }

    private Gbnf other(Set<String> named, JsonNode schema, String at) {
        var value = compiler.inside(schema, at + "/additionalProperties");
        var key = named.isEmpty() ? json.string() : JsonGrammar.quoted(noneOf(named));
        return grammar.rule("other", json.member(key, value));
    }

    /** The inside of a string that is written without escapes and is none of the names. */
    private Gbnf noneOf(Set<String> names) {
        return noneOf(names.stream().map(name -> name.codePoints().toArray()).toList(), 0);
    }

    private Gbnf noneOf(List<int[]> names, int at) {
        var next = new TreeMap<Integer, List<int[]>>();
        boolean end = false;
        for (var name : names) {
            if (name.length == at) {
                end = true;
            } else {
                next.computeIfAbsent(name[at], _ -> new ArrayList<>()).add(name);
            }
        }
        var options = new ArrayList<Gbnf>();
        if (!end) {
            options.add(Gbnf.text(""));
        }
        var rest = grammar.repeat(JsonGrammar.plainCharacter(), 0, Gbnf.UNBOUNDED);
        options.add(Gbnf.sequence(otherThan(next.keySet()), rest));
        next.forEach(
                (c, longer) -> {
                    if (contains(JsonGrammar.plainCharacter(), c)) {
                        options.add(
                                Gbnf.sequence(
                                        Gbnf.text(Character.toString(c)), noneOf(longer, at + 1)));
                    }
                });
        return grammar.rule("key", new Gbnf.Choice(options));
    }

    private static boolean contains(Gbnf.Chars chars, int c) {
        return chars.ranges().stream().anyMatch(range -> range.from() <= c && c <= range.to());
    }

    private static Gbnf otherThan(Set<Integer> excluded) {
        var ranges = JsonGrammar.plainCharacter().ranges();
        for (int c : excluded) {
            ranges = ranges.stream().flatMap(range -> Arrays.stream(cut(range, c))).toList();
        }
        return new Gbnf.Chars(ranges, false);
    }

    private static Gbnf.Range[] cut(Gbnf.Range range, int c) {
        if (c < range.from() || c > range.to()) {
            return new Gbnf.Range[] {range};
        }
        var left = new Gbnf.Range(range.from(), c - 1);
        var right = new Gbnf.Range(c + 1, range.to());
        return Arrays.stream(new Gbnf.Range[] {left, right})
                .filter(part -> part.from() <= part.to())
                .toArray(Gbnf.Range[]::new);
    }
}
