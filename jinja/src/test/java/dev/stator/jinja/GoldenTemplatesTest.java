package dev.stator.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The chat templates of well-known models render as Python renders them, byte for byte. */
class GoldenTemplatesTest {
    static List<String> templates() {
        return Golden.templateNames();
    }

    @ParameterizedTest
    @MethodSource("templates")
    void rendersAsPythonDoes(String name) {
        var source = Golden.template(name);
        var conversations = Golden.read("conversations.json");
        var golden = Golden.read("templates/" + name + ".json");
        var expected = new LinkedHashMap<String, String>();
        var actual = new LinkedHashMap<String, String>();
        for (var conversation : conversations.properties()) {
            var variables = Golden.variables(conversation.getValue());
            expected.put(conversation.getKey(), Golden.expected(golden.get(conversation.getKey())));
            actual.put(conversation.getKey(), Golden.outcome(source, variables));
        }
        assertThat(actual).isEqualTo(expected);
    }

    @Test
    void coversTheWellKnownFamilies() {
        assertThat(String.join(" ", templates()))
                .contains(
                        "Llama-3.1", "Llama-3.3", "Mistral", "Qwen2.5", "Qwen3", "QwQ", "Hermes-3")
                .contains("DeepSeek-V3", "DeepSeek-R1", "gemma-2", "gemma-4", "Phi-3.5", "phi-4")
                .contains("command-r", "SmolLM3", "granite", "functionary", "firefunction")
                .contains("gpt-oss", "Kimi", "GLM", "MiniMax", "Nemotron", "stator-demo");
    }

    @Test
    void oneParsedTemplateRendersManyConversations() {
        var template = Template.parse(Golden.template("Qwen-Qwen3-0.6B"));
        var golden = Golden.read("templates/Qwen-Qwen3-0.6B.json");
        for (int round = 0; round < 2; round++) {
            for (var conversation : Golden.read("conversations.json").properties()) {
                var expected = golden.get(conversation.getKey());
                if (expected.has("output")) {
                    assertThat(
                                    template.render(
                                            Golden.variables(conversation.getValue()),
                                            Golden.CLOCK))
                            .isEqualTo(expected.get("output").asString());
                }
            }
        }
    }
}
