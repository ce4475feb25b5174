package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ChatReadingTest {
    @Test
    void putsTheAnswerAndItsAccountTogether() {
        var heard = new ArrayList<String>();
        var reading = new ChatReading(heard::add);
        reading.event("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}");
        reading.event("{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}],\"usage\":null}");
        reading.event("{\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}");
        reading.event("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}");
        reading.event(
                "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3},\"stator\":{\"prompt_tokens\":{\"host\":3,\"device\":1,\"computed\":1}}}");
        reading.event("[DONE]");
        var answer = reading.answer(false);

        assertThat(heard).containsExactly("Hel", "lo");
        assertThat(answer.text()).isEqualTo("Hello");
        assertThat(answer.promptTokens()).isEqualTo(5);
        assertThat(answer.answerTokens()).isEqualTo(3);
        assertThat(answer.promptTokensBySource())
                .isEqualTo(Map.of("host", 3, "device", 1, "computed", 1));
    }

    @Test
    void anErrorInTheStreamIsTold() {
        var reading = new ChatReading(_ -> {});

        assertThatThrownBy(() -> reading.event("{\"error\":{\"message\":\"the engine died\"}}"))
                .isInstanceOf(Refusal.class)
                .hasMessage("the server gave up: the engine died");
    }

    @Test
    void theAccountIsOneLine() {
        assertThat(
                        new ChatAnswer(
                                        "x",
                                        false,
                                        12.3,
                                        1000,
                                        512,
                                        42,
                                        Map.of("host", 448, "device", 32, "computed", 32))
                                .account())
                .isEqualTo(
                        "ttft 12 ms · 41 tok/s · prompt 512 tokens: 480 reused (host 448, device 32), 32 computed");
        assertThat(new ChatAnswer("x", false, 1.23, 0, 5, 1, Map.of("computed", 5)).account())
                .isEqualTo("ttft 1.2 ms · prompt 5 tokens: 5 computed");
        assertThat(new ChatAnswer("x", false, 12_345, 0, 5, 1, Map.of()).account())
                .isEqualTo("ttft 12.3 s · prompt 5 tokens");
        assertThat(new ChatAnswer("x", true, 1, 0, 0, 0, Map.of()).account())
                .isEqualTo("cancelled");
    }
}
