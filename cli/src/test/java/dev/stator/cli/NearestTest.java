package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class NearestTest {
    private static final List<String> KNOWN = List.of("port", "host", "prefill-workers");

    @Test
    void findsWhatWasMeant() {
        assertThat(Nearest.of("prot", KNOWN)).contains("port");
        assertThat(Nearest.of("prefil-worker", KNOWN)).contains("prefill-workers");
        assertThat(Nearest.hint("hots", KNOWN)).isEqualTo(": did you mean 'host'?");
    }

    @Test
    void suggestsNothingFarAway() {
        assertThat(Nearest.of("temperature", KNOWN)).isEmpty();
        assertThat(Nearest.hint("temperature", KNOWN)).isEmpty();
    }

    @Test
    void prefersTheNearer() {
        assertThat(Nearest.of("max-quee", List.of("max-body", "max-queue"))).contains("max-queue");
    }
}
