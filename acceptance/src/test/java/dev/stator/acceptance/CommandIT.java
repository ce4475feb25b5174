package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The other commands, as a person at a terminal uses them. */
@ExtendWith(SharedServer.class)
final class CommandIT {
    @Test
    void chatTalksToTheServerAndShowsWhatWasReused(Served stator) throws Exception {
        var conversation = Conversation.of(1).get(1);
        try (var chat =
                StatorProcess.start(
                        "chat",
                        "--url",
                        stator.process().url(),
                        "--max-tokens",
                        "40",
                        "--system",
                        conversation.system())) {
            // One line each, drawn at random: what the model says to them is not the point.
            try (var input = chat.input()) {
                for (var turn : conversation.turns()) {
                    var question = "Question: " + turn.question();
                    input.write((question + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
            assertThat(chat.exitCode()).as("%s", chat.err()).isZero();
            assertThat(chat.err()).hasSameSizeAs(conversation.turns());
            assertThat(chat.err().getLast()).contains("ttft").containsPattern("[1-9]\\d* reused");
        }
    }

    @Test
    void inspectSaysWhatAModelIs() {
        var model = StatorProcess.HOME.resolve("demo").resolve("model.gguf").toString();
        try (var inspect = StatorProcess.start("model", "inspect", model)) {
            assertThat(inspect.exitCode()).isZero();
            assertThat(String.join("\n", inspect.out()))
                    .contains("llama")
                    .contains("4,096 tokens")
                    .contains("<|im_start|>");
        }
    }
}
