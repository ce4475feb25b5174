package dev.stator.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.stator.jinja.Budget.Limits;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TemplateTest {
    private static String render(String source, Map<String, ?> variables) {
        return Template.parse(source).render(variables);
    }

    private static String failure(String source, Map<String, ?> variables) {
        try {
            return "rendered: " + render(source, variables);
        } catch (TemplateException e) {
            return e.getMessage();
        }
    }

    @Test
    void variablesOfEveryTypeAreSeenAsPythonsTypes() {
        var variables = new HashMap<String, Object>();
        variables.put("text", "a");
        variables.put("yes", true);
        variables.put("int", 1);
        variables.put("long", 1L << 40);
        variables.put("big", BigInteger.TWO.pow(70));
        variables.put("real", 1.0);
        variables.put("list", List.of(1, "x"));
        variables.put("map", Map.of("k", 2));
        variables.put("none", Template.NULL);
        assertThat(render("{{ [text, yes, int, long, big, real, list, map] }}", variables))
                .isEqualTo(
                        "['a', True, 1, 1099511627776, 1180591620717411303424, 1.0, [1, 'x'], {'k':"
                                + " 2}]");
    }

    @Test
    void noneIsTheConstantAndAlsoANullWithin() {
        var variables = new HashMap<String, Object>();
        variables.put("x", Template.NULL);
        variables.put("y", Arrays.asList(null, Template.NULL));
        variables.put("z", Collections.singletonMap("k", null));
        assertThat(render("{{ x is none }} {{ y }} {{ z }} {{ missing is defined }}", variables))
                .isEqualTo("True [None, None] {'k': None} False");
    }

    @Test
    void refusesVariablesItCannotShowAndNamesThem() {
        assertThat(failure("{{ when }}", Map.of("when", List.of(new Date(0)))))
                .isEqualTo(
                        "line 1: the variable 'when' holds a java.util.Date; pass strings,"
                                + " booleans, numbers, lists, maps and Template.NULL");
        assertThat(failure("{{ m }}", Map.of("m", Map.of(1, 2))))
                .isEqualTo("line 1: the variable 'm' has a map whose keys are not strings");
    }

    @Test
    void refusesVariablesThatContainThemselves() {
        var loop = new ArrayList<Object>();
        loop.add(loop);
        assertThat(failure("{{ x }}", Map.of("x", loop)))
                .isEqualTo("line 1: a value nests more than 200 deep");
    }

    @Test
    void variablesHideGlobals() {
        assertThat(render("{{ range }}", Map.of("range", "mine"))).isEqualTo("mine");
    }

    @Test
    void theClockIsTheCallers() {
        var clock = Clock.fixed(Instant.parse("2025-12-31T23:30:00Z"), ZoneId.of("Europe/Vienna"));
        assertThat(Template.parse("{{ strftime_now('%d %b %Y %H:%M') }}").render(Map.of(), clock))
                .isEqualTo("01 Jan 2026 00:30");
    }

    @Test
    void aRefusalOfTheTemplateIsItsOwnText() {
        assertThatExceptionOfType(TemplateException.class)
                .isThrownBy(() -> render("\n{{ raise_exception('No ' ~ n) }}", Map.of("n", 1)))
                .withMessage("No 1")
                .satisfies(e -> assertThat(e.raised()).isTrue())
                .satisfies(e -> assertThat(e.line()).isEqualTo(2));
    }

    @Test
    void aFailureSaysTheLineAndWhat() {
        var source = "a\n{% for m in messages %}\n  {{ m.role }}\n  {{ m.x.y }}\n{% endfor %}";
        var messages = Map.of("messages", List.of(Map.of("role", "user")));
        assertThatExceptionOfType(TemplateException.class)
                .isThrownBy(() -> render(source, messages))
                .withMessage("line 4: 'dict object' has no attribute 'x'")
                .satisfies(e -> assertThat(e.raised()).isFalse())
                .satisfies(e -> assertThat(e.line()).isEqualTo(4));
    }

    @Test
    void whatIsNotATemplateIsRefusedWithTheLineAndWhat() {
        assertThat(failure("a\n\n{{ x y }}", Map.of()))
                .isEqualTo("line 3: expected token 'end of print statement', got 'y'");
        assertThat(failure("{% if x %}\na", Map.of()))
                .isEqualTo(
                        "line 2: Unexpected end of template. Jinja was looking for the following"
                                + " tags: 'elif' or 'else' or 'endif'. The innermost block that needs"
                                + " to be closed is 'if'.");
        assertThat(failure("{% for x in y %}{% endif %}", Map.of()))
                .startsWith("line 1: Encountered unknown tag 'endif'.");
        assertThat(failure("{% include 'x' %}", Map.of()))
                .isEqualTo(
                        "line 1: {% include %} is not supported: a chat template is one text on its"
                                + " own");
        assertThat(failure("{{ x | urlize }}", Map.of()))
                .isEqualTo("line 1: The filter 'urlize' is not supported in chat templates.");
        assertThat(failure("{{ 'a'.translate({}) }}", Map.of()))
                .isEqualTo("line 1: str.translate() is not supported in chat templates");
    }

    @Test
    void aLoopThatDoesNotEndIsStopped() {
        var source =
                """
                {%- for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}""";
        assertThatExceptionOfType(TemplateException.class)
                .isThrownBy(
                        () ->
                                Template.parse(source, new Limits(10_000, 1 << 20, 100))
                                        .render(Map.of()))
                .withMessage("line 1: the template did not finish within 10000 steps");
    }

    @Test
    void textThatGrowsWithoutEndIsStopped() {
        var doubling =
                "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s"
                        + " %}{% endfor %}";
        for (var source :
                List.of(
                        doubling,
                        doubling.replace("ns.s ~ ns.s", "ns.s + ns.s"),
                        doubling.replace("ns.s ~ ns.s", "ns.s.replace('x', 'xx')"),
                        doubling.replace("ns.s ~ ns.s", "ns.s|replace('', 'xx')"),
                        doubling.replace("ns.s ~ ns.s", "[ns.s, ns.s]|join"),
                        doubling.replace("ns.s ~ ns.s", "'%s%s' % (ns.s, ns.s)"),
                        doubling.replace("ns.s ~ ns.s", "'{0}{0}'.format(ns.s)"),
                        doubling.replace("ns.s ~ ns.s", "[ns.s, ns.s]|string"),
                        doubling.replace("ns.s ~ ns.s", "[ns.s, ns.s]|tojson"),
                        "{{ 'x' * 10 ** 12 }}",
                        "{{ [1] * 10 ** 12 }}",
                        "{{ 'x'.center(10 ** 12) }}",
                        "{{ 'x'|indent(10 ** 12, true) }}",
                        "{{ '%999999999d' % 1 }}",
                        "{{ '{:999999999}'.format(1) }}",
                        "{{ [1]|tojson(indent=10 ** 12) }}",
                        "{{ [1]|batch(10 ** 9, 0)|list }}",
                        "{{ 'a\tb'.expandtabs(10 ** 9) }}",
                        "{{ 'x'.zfill(10 ** 9) }}")) {
            var template = Template.parse(source, new Limits(1_000_000, 4 << 20, 400));
            assertThatExceptionOfType(TemplateException.class)
                    .as(source)
                    .isThrownBy(() -> template.render(Map.of()))
                    .withMessageStartingWith("line 1: the template makes too much text: more than");
        }
    }

    @Test
    void numbersThatGrowWithoutEndAreStopped() {
        assertThat(failure("{{ 2 ** 100000 }}", Map.of()))
                .isEqualTo("line 1: an integer has more than 65536 bits");
        assertThat(failure("{{ '%.999999999f' % 1 }}", Map.of()))
                .isEqualTo("line 1: precision too big: at most 10000");
    }

    @Test
    void valuesThatShareTheirPartsAreNotReadWithoutEnd() {
        var doubling =
                "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(150) %}"
                        + "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}";
        for (var use : List.of("{{ ns.a }}", "{{ ns.a|tojson }}", "{{ ns.a == ns.b }}")) {
            var template = Template.parse(doubling + use, new Limits(1_000_000, 1 << 20, 1_000));
            assertThatExceptionOfType(TemplateException.class)
                    .as(use)
                    .isThrownBy(() -> template.render(Map.of()))
                    .withMessageMatching(
                            "line 1: the template (did not finish within|makes too much text).*");
        }
    }

    @Test
    void whatCallsOrNestsItselfWithoutEndIsStopped() {
        assertThat(failure("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", Map.of()))
                .isEqualTo("line 1: the template nests or calls itself more than 400 deep");
        assertThat(failure("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", Map.of()))
                .isEqualTo("line 1: the template nests or calls itself more than 400 deep");
        assertThat(
                        failure(
                                "{% set ns = namespace(s=[1]) %}{% for i in range(1000) %}{% set"
                                        + " ns.s = ns.s|map('upper') %}{% endfor %}",
                                Map.of()))
                .isEqualTo("line 1: a value nests more than 200 deep");
        assertThat(failure("{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}", Map.of()))
                .isEqualTo("line 1: the expression nests too deep");
        assertThat(failure("{{ 1" + " + 1".repeat(5000) + " }}", Map.of()))
                .isEqualTo("line 1: the expression nests too deep");
        assertThat(failure("{% if 1 %}".repeat(5000), Map.of()))
                .isEqualTo("line 1: blocks nest more than 100 deep");
    }

    @Test
    void aLongConversationIsNoProblem() {
        var messages = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < 2_000; i++) {
            messages.add(
                    Map.of(
                            "role",
                            i % 2 == 0 ? "user" : "assistant",
                            "content",
                            "word ".repeat(200)));
        }
        var text =
                Template.parse(Golden.template("Qwen-Qwen3-0.6B"))
                        .render(Map.of("messages", messages, "add_generation_prompt", true));
        assertThat(text).hasSizeGreaterThan(1_900_000).endsWith("<|im_start|>assistant\n");
    }
}
