package dev.stator.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;

class OutputsTest {
    @Test
    void outputsAreTracedToWhatTheyAreMadeOf() {
        var outputs =
                Template.parse(
                                """
                                {% set today = strftime_now('%d') %}{% macro named(x) %}{{ user ~ x }}{% endmacro %}
                                {% if today %}It is {{ today }}{% endif %}
                                {% for d in documents %}{{ loop.index }} {{ d.text | trim }}{% endfor %}
                                {{ named(mark) }}{{ question }}{{ 'constant' }}
                                """)
                        .outputs();

        assertThat(outputs)
                .containsExactly(
                        new Template.Output(2, Set.of("strftime_now")),
                        new Template.Output(3, Set.of("loop")),
                        new Template.Output(3, Set.of("documents")),
                        new Template.Output(4, Set.of("user", "mark")),
                        new Template.Output(4, Set.of("question")));
    }

    @Test
    void bodiesOfBlocksAreWrittenWhereTheyAreUsed() {
        var outputs =
                Template.parse(
                                """
                                {%- set head %}{{ name }}{% endset -%}
                                {%- filter trim %}{{ text }}{% endfilter -%}
                                {%- with y = other %}{{ y }}{% endwith -%}
                                {{ head }}
                                """)
                        .outputs();

        assertThat(outputs)
                .extracting(Template.Output::variables)
                .containsExactly(Set.of("text"), Set.of("other"), Set.of("name"));
    }
}
