package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The other endpoints through the official SDK. */
@ExtendWith(SharedServer.class)
final class OpenAiEndpointsIT {
    private static final Conversation CAFE = Conversation.of(1).getFirst();

    /** What the chat template makes of the conversation. */
    private static final String PROMPT =
            "<|im_start|>system\n%s<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n"
                    .formatted(CAFE.system(), CAFE.firstMessage());

    private static CompletionCreateParams params() {
        return CompletionCreateParams.builder()
                .model("default")
                .prompt(PROMPT)
                .temperature(0)
                .maxTokens(48)
                .build();
    }

    private static String text(Completion completion) {
        return completion.choices().stream()
                .map(choice -> choice.text())
                .collect(Collectors.joining());
    }

    @Test
    void completionsContinueAText(Served stator) {
        var whole = stator.openAi().completions().create(params());

        assertThat(CAFE.turns().getFirst().isRight(text(whole))).isTrue();
        assertThat(whole.usage().orElseThrow().completionTokens()).isPositive();
        try (var stream = stator.openAi().completions().createStreaming(params())) {
            assertThat(stream.stream().map(OpenAiEndpointsIT::text).collect(Collectors.joining()))
                    .isEqualTo(text(whole));
        }
    }

    @Test
    void theServedModelIsListedAndFoundByItsName(Served stator) {
        var models = stator.openAi().models().list().data();

        assertThat(models).isNotEmpty();
        for (var model : models) {
            assertThat(stator.openAi().models().retrieve(model.id()).id()).isEqualTo(model.id());
        }
        assertThat(models).anyMatch(model -> model.id().equals("docqa-demo"));
        assertThat(stator.openAi().models().retrieve("default").id()).isEqualTo("default");
    }
}
