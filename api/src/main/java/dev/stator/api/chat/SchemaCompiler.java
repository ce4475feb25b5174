package dev.stator.api.chat;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One schema on its way into a grammar. Used once.
 *
 * <p>What the grammar allows satisfies the schema, but not all that satisfies it is allowed:
 * properties come in the schema's order, an object with named properties has no others unless
 * {@code additionalProperties} says so, and of {@code oneOf} any branch is taken, as of {@code
 * anyOf}.
 */
final class SchemaCompiler {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_SCHEMAS = 20_000;
    private static final int MAX_ENUM = 1000;

    private final JsonNode root;
    private final Grammar grammar;
    private final JsonGrammar json;
    private final ObjectRules objects;
    private final ValueRules values;

    /** Rules by what they were made of: a reference, or a schema that was put together. */
    private final Map<Object, Gbnf.Rule> rules = new HashMap<>();

    /** Of those, the ones that would recur here without a bracket in between. */
    private Set<Object> open = new HashSet<>();

    private int depth;
    private int schemas;

    SchemaCompiler(JsonNode root, Grammar grammar, JsonGrammar json) {
        this.root = root;
        this.grammar = grammar;
        this.json = json;
        this.objects = new ObjectRules(this, grammar, json);
        this.values = new ValueRules(this, grammar, json);
    }

    Gbnf compile() {
        return visit(root, "#");
    }

    /** What stands inside brackets, where a schema may refer to one that encloses it. */
    Gbnf inside(JsonNode schema, String at) {
        var outside = open;
        open = new HashSet<>();
        try {
            return visit(schema, at);
        } finally {
            open = outside;
        }
    }

    private Gbnf visit(JsonNode schema, String at) {
        if (++schemas > MAX_SCHEMAS) {
            throw SchemaKeywords.error(
                    at,
                    "more than %d schemas when taken apart; make it simpler"
                            .formatted(MAX_SCHEMAS));
        }
        if (++depth > MAX_DEPTH) {
            throw SchemaKeywords.error(
                    at, "nests deeper than %d; name parts in $defs instead".formatted(MAX_DEPTH));
        }
        try {
            return switch (schema) {
                case ObjectNode object -> {
                    SchemaKeywords.check(object, at);
                    yield object(object, at);
                }
                case JsonNode other when other.isBoolean() && other.booleanValue() -> json.value();
                case JsonNode other when other.isBoolean() ->
                        throw SchemaKeywords.error(at, "false allows no value; remove it");
                default -> throw SchemaKeywords.error(at, "must be an object, true or false");
            };
        } finally {
            depth--;
        }
    }

    private Gbnf object(ObjectNode schema, String at) {
        if (schema.has("$ref")) {
            return reference(schema, at);
        }
        if (schema.has("allOf")) {
            var merged = without(schema, "allOf");
            int i = 0;
            for (var part : schema.get("allOf")) {
                merged = merge(merged, part, at + "/allOf/" + i++);
            }
            return assembled(merged, at);
        }
        for (var keyword : List.of("anyOf", "oneOf")) {
            if (schema.has(keyword)) {
                return branches(schema, keyword, at);
            }
        }
        if (schema.path("nullable").asBoolean(false)) {
            return Gbnf.choice(object(without(schema, "nullable"), at), Gbnf.text("null"));
        }
        if (schema.has("const")) {
            return values.literal(schema.get("const"), at + "/const");
        }
        return schema.has("enum") ? enumeration(schema, at) : typed(schema, at);
    }

    private Gbnf reference(ObjectNode schema, String at) {
        var reference = schema.get("$ref").stringValue();
        var rest = without(schema, "$ref");
        if (SchemaKeywords.demands(rest)) {
            return assembled(merge(rest, resolve(reference, at), reference), at);
        }
        return named(reference, reference, at, () -> visit(resolve(reference, at), reference));
    }

    /** A schema that was put together may be so again inside itself: it becomes a rule, too. */
    private Gbnf assembled(ObjectNode schema, String at) {
        return named(schema, "all", at, () -> visit(schema, at));
    }

    private Gbnf named(Object key, String hint, String at, Supplier<Gbnf> meaning) {
        if (open.contains(key)) {
            throw SchemaKeywords.error(at, "refers to itself with nothing in between");
        }
        var known = rules.get(key);
        if (known != null) {
            return known;
        }
        var rule = grammar.reserve(hint);
        rules.put(key, rule);
        open.add(key);
        grammar.define(rule, meaning.get());
        open.remove(key);
        return rule;
    }

    private JsonNode resolve(String reference, String at) {
        if (!reference.equals("#") && !reference.startsWith("#/")) {
            throw SchemaKeywords.error(
                    at,
                    "$ref \"%s\" is not inside this schema; only \"#/…\" is".formatted(reference));
        }
        var target = root.at(JsonPointer.compile(pointer(reference, at)));
        if (target.isMissingNode()) {
            throw SchemaKeywords.error(at, "$ref \"%s\" leads nowhere".formatted(reference));
        }
        return target;
    }

    private static String pointer(String reference, String at) {
        try {
            return URLDecoder.decode(
                    reference.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw SchemaKeywords.error(at, "$ref \"%s\" has a broken %%".formatted(reference));
        }
    }

    private ObjectNode merge(ObjectNode left, JsonNode right, String at) {
        if (right.isBoolean() && right.booleanValue()) {
            return left;
        }
        if (!(right instanceof ObjectNode object)) {
            throw SchemaKeywords.error(at, "allows no value; remove it");
        }
        SchemaKeywords.check(object, at);
        var resolved = object;
        for (int i = 0; resolved.has("$ref"); i++) {
            if (i > MAX_DEPTH) {
                throw SchemaKeywords.error(at, "refers to itself with nothing in between");
            }
            var reference = resolved.get("$ref").stringValue();
            var target = resolve(reference, at);
            if (!(target instanceof ObjectNode there)) {
                return merge(
                        new SchemaMerge(at).merge(left, without(resolved, "$ref")), target, at);
            }
            SchemaKeywords.check(there, reference);
            resolved = new SchemaMerge(at).merge(without(resolved, "$ref"), there);
        }
        return new SchemaMerge(at).merge(left, resolved);
    }

    private Gbnf branches(ObjectNode schema, String keyword, String at) {
        var base = without(schema, keyword);
        var options = new ArrayList<Gbnf>();
        int i = 0;
        for (var branch : schema.get(keyword)) {
            var place = at + "/" + keyword + "/" + i++;
            if (SchemaKeywords.demands(base)) {
                options.add(assembled(merge(base, branch, place), place));
            } else {
                options.add(visit(branch, place));
            }
        }
        return new Gbnf.Choice(options);
    }

    static ObjectNode without(ObjectNode schema, String keyword) {
        var rest = JsonNodeFactory.instance.objectNode();
        for (var field : schema.properties()) {
            if (!field.getKey().equals(keyword)) {
                rest.set(field.getKey(), field.getValue());
            }
        }
        return rest;
    }

    private Gbnf enumeration(ObjectNode schema, String at) {
        var listed = schema.get("enum");
        if (listed.size() > MAX_ENUM) {
            throw SchemaKeywords.error(
                    at, "\"enum\" lists more than %d values".formatted(MAX_ENUM));
        }
        var others = without(without(schema, "enum"), "type");
        if (SchemaKeywords.demands(others)) {
            throw SchemaKeywords.error(
                    at, "\"enum\" and \"const\" can only be combined with \"type\"");
        }
        var types =
                schema.has("type") ? SchemaKeywords.list(schema.get("type")) : List.<JsonNode>of();
        var options = new ArrayList<Gbnf>();
        for (var value : new LinkedHashSet<>(SchemaKeywords.list(listed))) {
            if (types.isEmpty() || types.stream().anyMatch(t -> isOf(value, t.stringValue()))) {
                options.add(values.literal(value, at + "/enum"));
            }
        }
        if (options.isEmpty()) {
            throw SchemaKeywords.error(
                    at, "no value of \"enum\" is allowed by the rest of the schema");
        }
        return new Gbnf.Choice(options);
    }

    private static boolean isOf(JsonNode value, String type) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            default -> value.isNull();
        };
    }

    private Gbnf typed(ObjectNode schema, String at) {
        if (!schema.has("type")) {
            return implied(schema, at);
        }
        var options = new ArrayList<Gbnf>();
        for (var type : SchemaKeywords.list(schema.get("type"))) {
            options.add(ofType(type.stringValue(), schema, at));
        }
        return options.size() == 1 ? options.getFirst() : new Gbnf.Choice(options);
    }

    /** Without a type, that of the keywords is meant. */
    private Gbnf implied(ObjectNode schema, String at) {
        if (!SchemaKeywords.demands(schema)) {
            return json.value();
        }
        if (hasOne(
                schema,
                "properties",
                "required",
                "additionalProperties",
                "minProperties",
                "maxProperties")) {
            return ofType("object", schema, at);
        }
        if (hasOne(
                schema,
                "items",
                "prefixItems",
                "minItems",
                "maxItems",
                "uniqueItems",
                "additionalItems")) {
            return ofType("array", schema, at);
        }
        return ofType(
                hasOne(schema, "minLength", "maxLength", "pattern", "format") ? "string" : "number",
                schema,
                at);
    }

    private static boolean hasOne(ObjectNode schema, String... keywords) {
        return List.of(keywords).stream().anyMatch(schema::has);
    }

    private Gbnf ofType(String type, ObjectNode schema, String at) {
        return switch (type) {
            case "object" -> objects.of(schema, at);
            case "array" -> values.array(schema, at);
            case "string" -> values.string(schema, at);
            case "integer" -> values.number(schema, at, true);
            case "number" -> values.number(schema, at, false);
            case "boolean" -> json.bool();
            default -> Gbnf.text("null");
        };
    }
}
