package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.lint.Finding;
import dev.stator.api.lint.TemplateLint;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TemplateLintTest {
    private static final String CHATML =
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private static List<String> found(String template) {
        return TemplateLint.of(template).stream().map(Finding::name).toList();
    }

    @Test
    void whatChangesStandsBehindWhatIsShared() {
        assertThat(
                        found(
                                "{{ system }}\n{% for d in documents %}{{ d.text }}\n{% endfor %}It is {{ strftime_now('%H:%M') }}, {{ user }}.\n{{ question }}"))
                .isEmpty();
    }

    @Test
    void aClockOrAVariableBeforeTheDocuments() {
        var findings =
                TemplateLint.of(
                        "{% set now = strftime_now('%H:%M') %}\n{{ system }}\nIt is {{ now }} for {{ user.name }}.\n{% for d in documents %}{{ loop.index }} {{ d.text }}\n{% endfor %}{{ question }}");
        assertThat(findings)
                .extracting(Finding::name)
                .containsExactly("clock", "variable-before-documents");
        assertThat(findings.get(0).examples()).containsExactly("line 3: strftime_now");
        assertThat(findings.get(1).problem()).contains("`user`", "(line 4)");
    }

    @Test
    void chatsThatOnlyAdd() {
        assertThat(found(CHATML)).isEmpty();
    }

    @Test
    void aTemplateWithADateInItsHead() {
        assertThat(found("{{ '<|system|>Today: ' + strftime_now('%d %b %Y') + '\n' }}" + CHATML))
                .containsExactly("clock");
    }

    @Test
    void aTemplateThatRewritesWhatItHasWritten() {
        assertThat(
                        found(
                                "{% for m in messages %}{% if loop.last %}LAST {% endif %}{{ m.role }}: {{ m.content }}\n{% endfor %}"))
                .containsExactly("history-rewritten");
        assertThat(
                        found(
                                "{% for m in messages %}{{ m.role }}: {{ m.content if loop.last else m.content.split('</think>')[-1] }}\n{% endfor %}"))
                .containsExactly("reasoning-cut");
    }

    @Test
    void toolsBesideTheLastMessage() {
        assertThat(
                        found(
                                "{% for m in messages %}{% if tools and loop.last %}TOOLS {{ tools | tojson }}\n{% endif %}{{ m.role }}: {{ m.content }}\n{% endfor %}"))
                .contains("tools-move");
        assertThat(found("{% if tools %}{{ tools | tojson }}\n{% endif %}" + CHATML))
                .containsExactly("tools-first");
    }

    @Test
    void whatIsNoTemplateIsRefused() {
        assertThatThrownBy(() -> TemplateLint.of("{% for %}"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line 1");
    }
}
