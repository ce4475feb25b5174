package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** When a tenant is forbidden splicing. */
final class ShadowAuditTest {
    private final ShadowAudit audit =
            new ShadowAudit(
                    1,
                    (_, _) -> {
                        throw new IllegalStateException("nothing is asked here");
                    },
                    new Random(1));

    private void count(String salt, int same, int different) {
        for (int i = 0; i < same; i++) {
            audit.count(salt, true);
        }
        for (int i = 0; i < different; i++) {
            audit.count(salt, false);
        }
    }

    @Test
    void oneAnswerThatDiffersProvesNothing() {
        count("a", 0, 1);
        assertThat(audit.forbids("a")).isFalse();
    }

    @Test
    void twoOfTwoDo() {
        count("a", 0, 2);
        assertThat(audit.forbids("a")).isTrue();
        assertThat(audit.forbids("b")).as("another tenant").isFalse();
        assertThat(audit.stats()).containsEntry("breaker_openings", 1L);
    }

    @Test
    void aFewAmongManyAreWhatTheCardPromised() {
        count("a", 97, 3);
        assertThat(audit.forbids("a")).isFalse();
    }

    @Test
    void manyAmongManyAreTooMany() {
        count("a", 90, 10);
        assertThat(audit.forbids("a")).isTrue();
    }

    /** Answers that differ as often as promised hardly ever open it, those that differ more do. */
    @Test
    void itTellsBadFromGood() {
        assertThat(opened(0.02)).isLessThan(20);
        assertThat(opened(0.15)).isGreaterThan(95);
    }

    private int opened(double different) {
        int opened = 0;
        var random = new Random(9);
        for (int tenant = 0; tenant < 100; tenant++) {
            var salt = different + " " + tenant;
            for (int i = 0; i < 150 && !audit.forbids(salt); i++) {
                audit.count(salt, random.nextDouble() >= different);
            }
            opened += audit.forbids(salt) ? 1 : 0;
        }
        return opened;
    }

    @Test
    void whoCameLastIsRemembered() {
        count("bad", 0, 2);
        for (int i = 0; i < 3000; i++) {
            count("tenant " + i, 1, 0);
            assertThat(audit.forbids("bad")).isTrue();
        }
    }
}
