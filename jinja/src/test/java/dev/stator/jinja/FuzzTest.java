package dev.stator.jinja;

import static org.assertj.core.api.Assertions.fail;

import dev.stator.jinja.Budget.Limits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever the template and the variables are, rendering ends, and fails only as it says it does.
 */
class FuzzTest {
    private static final Limits SMALL = new Limits(200_000, 4 << 20, 400);
    private static final int TEMPLATES = 1_500;
    private static final int SNIPPETS = 6_000;

    private static final List<String> PIECES =
            List.of(
                    "{{",
                    "}}",
                    "{%",
                    "%}",
                    "{#",
                    "#}",
                    "-",
                    "+",
                    "{%- ",
                    " -%}",
                    "(",
                    ")",
                    "[",
                    "]",
                    "{",
                    "}",
                    "'",
                    "\"",
                    "\\",
                    "|",
                    "~",
                    "**",
                    "//",
                    "%",
                    ".",
                    ",",
                    ":",
                    "=",
                    "==",
                    " in ",
                    " not ",
                    " is ",
                    " if ",
                    " else ",
                    "{% else %}",
                    "{% endif %}",
                    "{% endfor %}",
                    "{% for x in messages %}",
                    "{% set x = x ~ x %}",
                    "{% break %}",
                    "{% endmacro %}",
                    "{% macro m(a) %}",
                    "{% raw %}",
                    "loop",
                    "loop.index",
                    "none",
                    "messages",
                    "namespace()",
                    "ns",
                    "0",
                    "-1",
                    "1e308",
                    "999999999999999999999",
                    "::",
                    "[::-1]",
                    "|tojson",
                    "|list",
                    "|map('upper')",
                    ".items()",
                    "|join",
                    "|sort",
                    "\n",
                    "\u0000",
                    "é",
                    "🙂",
                    "\ud83d",
                    "caller()",
                    "recursive");

    private final Random random = new Random(20261125);

    @Test
    void mutatedTemplatesFailOnlyAsTemplates() {
        var names = Golden.templateNames();
        var conversations =
                Golden.read("conversations.json").properties().stream()
                        .map(entry -> Golden.variables(entry.getValue()))
                        .toList();
        var sources = names.stream().map(Golden::template).toList();
        for (int i = 0; i < TEMPLATES; i++) {
            var source = pick(sources);
            int mutations = 1 + random.nextInt(4);
            for (int m = 0; m < mutations; m++) {
                source = mutate(source, pick(sources));
            }
            render(source, mutateMap(pick(conversations)));
        }
    }

    @Test
    void mutatedSnippetsFailOnlyAsTemplates() {
        var golden = Golden.read("snippets.json");
        var variables = Golden.variables(golden.get("variables"));
        var sources =
                golden.get("snippets")
                        .valueStream()
                        .map(snippet -> snippet.get("template").asString())
                        .toList();
        for (int i = 0; i < SNIPPETS; i++) {
            render(mutate(pick(sources), pick(sources)), variables);
        }
    }

    private static void render(String source, Map<String, Object> variables) {
        try {
            Template.parse(source, SMALL).render(variables, Golden.CLOCK);
        } catch (TemplateException e) {
            if (e.getMessage().isEmpty() && !e.raised()) {
                fail("an error without a message for: " + source, e);
            }
        } catch (RuntimeException | StackOverflowError e) {
            fail("%s\nfor the template\n%s\nand %s".formatted(e, source, variables), e);
        }
    }

    private <T> T pick(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    private String mutate(String source, String other) {
        int at = random.nextInt(source.length() + 1);
        int to = Math.min(source.length(), at + random.nextInt(12));
        return switch (random.nextInt(4)) {
            case 0 -> source.substring(0, at) + pick(PIECES) + source.substring(at);
            case 1 -> source.substring(0, at) + source.substring(to);
            case 2 -> source.substring(0, at) + pick(PIECES) + source.substring(to);
            default -> {
                int from = random.nextInt(other.length() + 1);
                int end = Math.min(other.length(), from + random.nextInt(60));
                yield source.substring(0, at) + other.substring(from, end) + source.substring(at);
            }
        };
    }

    private Map<String, Object> mutateMap(Map<String, Object> map) {
        var mutated = new LinkedHashMap<String, Object>();
        map.forEach((key, value) -> mutated.put(key, mutateValue(value)));
        return mutated;
    }

    @SuppressWarnings("unchecked")
    private Object mutateValue(Object value) {
        if (random.nextInt(40) == 0) {
            return switch (random.nextInt(7)) {
                case 0 -> Template.NULL;
                case 1 -> "";
                case 2 -> 7;
                case 3 -> List.of();
                case 4 -> Map.of();
                case 5 -> 1.5;
                default -> true;
            };
        }
        return switch (value) {
            case null -> Template.NULL;
            case Map<?, ?> map -> mutateMap((Map<String, Object>) map);
            case List<?> list -> {
                var items = new ArrayList<Object>();
                list.forEach(item -> items.add(mutateValue(item)));
                yield items;
            }
            default -> value;
        };
    }
}
