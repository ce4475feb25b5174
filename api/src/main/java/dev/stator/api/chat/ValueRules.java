package dev.stator.api.chat;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** Arrays, strings, numbers and literal values of a schema as grammar rules. */
final class ValueRules {
    private static final String DATE =
            "[1-9]\\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])"
                    + "|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))";
    private static final String TIME =
            "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
    private static final String LABEL = "[a-z0-9](?:[a-z0-9]|-[a-z0-9]){0,20}";
    private static final String HOST = LABEL + "(?:\\." + LABEL + "){0,3}\\.[a-z]{2,10}";
    private static final String BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private static final String MINUTES = "\\d{1,3}M(?:\\d{1,3}S)?";
    private static final String CLOCK =
            "T(?:\\d{1,3}H(?:" + MINUTES + ")?|" + MINUTES + "|\\d{1,3}S)";
    private static final String MONTHS = "\\d{1,3}M(?:\\d{1,3}D)?";
    private static final String WORD = "[A-Za-z0-9._~-]{1,40}";

    /** Formats as expressions that are within them, if not always all of them. */
    private static final Map<String, String> FORMATS =
            Map.of(
                    "date",
                    DATE,
                    "time",
                    TIME,
                    "date-time",
                    "(?:" + DATE + ")T(?:" + TIME + ")",
                    "uuid",
                    "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                    "email",
                    "[A-Za-z0-9_+-]{1,20}(?:\\.[A-Za-z0-9_+-]{1,20}){0,2}@"
                            + LABEL
                            + "\\.[a-z]{2,6}",
                    "hostname",
                    HOST,
                    "ipv4",
                    BYTE + "(?:\\." + BYTE + "){3}",
                    "ipv6",
                    "(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
                    "duration",
                    "P(?:(?:\\d{1,4}Y(?:"
                            + MONTHS
                            + ")?|"
                            + MONTHS
                            + "|\\d{1,3}D)(?:"
                            + CLOCK
                            + ")?|"
                            + CLOCK
                            + "|\\d{1,3}W)",
                    "uri",
                    "https?://"
                            + HOST
                            + "(?::[1-9]\\d{1,3})?(?:/"
                            + WORD
                            + "){0,20}/?(?:\\?"
                            + WORD
                            + "="
                            + WORD
                            + "(?:&"
                            + WORD
                            + "="
                            + WORD
                            + "){0,20})?");

    /** Formats that say what a value is for, not how it is written. */
    private static final Set<String> LOOSE_FORMATS =
            Set.of("password", "int32", "int64", "float", "double");

    private final SchemaCompiler compiler;
    private final Grammar grammar;
    private final JsonGrammar json;

    ValueRules(SchemaCompiler compiler, Grammar grammar, JsonGrammar json) {
        this.compiler = compiler;
        this.grammar = grammar;
        this.json = json;
    }

    Gbnf literal(JsonNode value, String at) {
        var text = value.toString();
        if (text.codePoints()
                .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw SchemaKeywords.error(at, "half of a surrogate pair is no character");
        }
        return Gbnf.text(text);
    }

    Gbnf array(ObjectNode schema, String at) {
        if (schema.path("uniqueItems").asBoolean(false)) {
            throw SchemaKeywords.error(at, "\"uniqueItems\" is not supported; remove it");
        }
        int min = schema.path("minItems").asInt(0);
        int max = bound(schema, "maxItems");
        if (max != Gbnf.UNBOUNDED && max < min) {
            throw SchemaKeywords.error(at, "\"maxItems\" is below \"minItems\"");
        }
        // Before 2020, items was what prefixItems is now, and additionalItems what items is.
        boolean old = schema.path("items").isArray();
        var prefix = old ? schema.path("items") : schema.path("prefixItems");
        var items = old ? schema.get("additionalItems") : schema.get("items");
        if (prefix.isEmpty()) {
            return list(items == null ? BooleanNode.TRUE : items, min, max, at);
        }
        return tuple(prefix, items, min, max, at);
    }

    private static int bound(ObjectNode schema, String keyword) {
        return schema.path(keyword).asInt(Gbnf.UNBOUNDED);
    }

    private Gbnf list(JsonNode items, int min, int max, String at) {
        if (forbids(items)) {
            if (min > 0) {
                throw SchemaKeywords.error(
                        at, "\"minItems\" asks for items, \"items\" forbids them");
            }
            return json.list(Gbnf.text(""), 0, 0);
        }
        var item = grammar.rule("item", compiler.inside(items, at + "/items"));
        return within(at, () -> json.list(item, min, max));
    }

    private static boolean forbids(@Nullable JsonNode schema) {
        return schema != null && schema.isBoolean() && !schema.booleanValue();
    }

    /** All of the prefix, and more only if the schema says of what kind or asks for it. */
    private Gbnf tuple(JsonNode prefix, @Nullable JsonNode items, int min, int max, String at) {
        int fixed = max == Gbnf.UNBOUNDED ? prefix.size() : Math.min(max, prefix.size());
        if (fixed == 0) {
            return json.list(Gbnf.text(""), 0, 0);
        }
        var parts = new ArrayList<Gbnf>(List.of(Gbnf.text("["), json.blanks()));
        for (int i = 0; i < fixed; i++) {
            var item = compiler.inside(prefix.get(i), at + "/prefixItems/" + i);
            parts.add(i == 0 ? item : json.separated(item));
        }
        int least = Math.max(0, min - fixed);
        if (least > 0 && forbids(items)) {
            throw SchemaKeywords.error(at, "\"minItems\" asks for more items than are allowed");
        }
        if (least > 0 || (items != null && !forbids(items))) {
            var more = items == null ? BooleanNode.TRUE : items;
            var item = json.separated(compiler.inside(more, at + "/items"));
            int most = max == Gbnf.UNBOUNDED ? max : max - fixed;
            parts.add(within(at, () -> grammar.repeat(item, least, items == null ? least : most)));
        }
        parts.add(json.blanks());
        parts.add(Gbnf.text("]"));
        return new Gbnf.Sequence(parts);
    }

    Gbnf string(ObjectNode schema, String at) {
        int min = schema.path("minLength").asInt(0);
        int max = bound(schema, "maxLength");
        if (max != Gbnf.UNBOUNDED && max < min) {
            throw SchemaKeywords.error(at, "\"maxLength\" is below \"minLength\"");
        }
        var format = format(schema, at);
        boolean pattern = schema.has("pattern");
        boolean length = min > 0 || max != Gbnf.UNBOUNDED;
        if ((pattern && length)
                || (pattern && format.isPresent())
                || (length && format.isPresent())) {
            throw SchemaKeywords.error(
                    at,
                    "\"pattern\", \"format\" and lengths cannot be combined; say the length in the pattern");
        }
        var expression = pattern ? Optional.of(schema.get("pattern").stringValue()) : format;
        if (expression.isPresent()) {
            return JsonGrammar.quoted(
                    within(at, () -> StringPattern.of(expression.get(), grammar)));
        }
        return length ? within(at, () -> json.string(min, max)) : json.string();
    }

    private static Optional<String> format(ObjectNode schema, String at) {
        var format = schema.path("format").stringValue("");
        if (format.isEmpty() || LOOSE_FORMATS.contains(format)) {
            return Optional.empty();
        }
        var expression = FORMATS.get(format);
        if (expression == null) {
            throw SchemaKeywords.error(
                    at,
                    "\"format\": \"%s\" is not supported, only %s"
                            .formatted(format, new TreeSet<>(FORMATS.keySet())));
        }
        return Optional.of("^(?:" + expression + ")$");
    }

    Gbnf number(ObjectNode schema, String at, boolean integer) {
        if (schema.has("multipleOf")
                && !(integer
                        && schema.get("multipleOf").decimalValue().compareTo(BigDecimal.ONE)
                                == 0)) {
            throw SchemaKeywords.error(at, "\"multipleOf\" is not supported; remove it");
        }
        var range = range(schema);
        if (range.lower() == null && range.upper() == null) {
            return integer ? json.integer() : json.number();
        }
        var found = within(at, () -> integer ? range.integers() : range.numbers());
        return grammar.rule(
                "range",
                found.orElseThrow(
                        () -> SchemaKeywords.error(at, "no number is within the bounds")));
    }

    private static NumberRange range(ObjectNode schema) {
        var minimum = decimal(schema, "minimum");
        var above = decimal(schema, "exclusiveMinimum");
        var maximum = decimal(schema, "maximum");
        var below = decimal(schema, "exclusiveMaximum");
        boolean strictlyAbove = above != null && (minimum == null || above.compareTo(minimum) >= 0);
        boolean strictlyBelow = below != null && (maximum == null || below.compareTo(maximum) <= 0);
        return new NumberRange(
                strictlyAbove ? above : minimum,
                strictlyAbove,
                strictlyBelow ? below : maximum,
                strictlyBelow);
    }

    private static @Nullable BigDecimal decimal(ObjectNode schema, String keyword) {
        var value = schema.get(keyword);
        return value == null ? null : value.decimalValue();
    }

    private static <T> T within(String at, Supplier<T> made) {
        try {
            return made.get();
        } catch (ChatException e) {
            throw new ChatException("schema at " + at + ": " + e.getMessage(), e);
        }
    }
}
