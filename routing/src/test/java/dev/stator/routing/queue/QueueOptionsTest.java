package dev.stator.routing.queue;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class QueueOptionsTest {
    private static final QueueOptions GOOD = QueueOptions.of(10, 10);

    @Test
    void badOptionsAreNamed() {
        refused(() -> QueueOptions.of(-1, 10), "maxRequests must not be negative, but is -1");
        refused(() -> QueueOptions.of(10, 0), "maxTokens must be at least 1, not 0");
        refused(() -> GOOD.withPassing(0, 1, Duration.ZERO), "lookahead must be at least 1, not 0");
        refused(
                () -> GOOD.withPassing(1, -1, Duration.ZERO),
                "maxPasses must not be negative, but is -1");
        refused(
                () -> GOOD.withPassing(1, 1, Duration.ofSeconds(-1)),
                "passTime must be between 0 and PT24H, not PT-1S");
        refused(
                () -> GOOD.withTenantWeights(Map.of("a", 0.0)),
                "the weight of tenant a must be positive and finite, not 0.0");
    }

    @Test
    void badClassesAreNamed() {
        refused(() -> GOOD.withClasses(List.of()), "at least one class is needed");
        refused(
                () -> GOOD.withClasses(List.of(named("low", 0), named("high", 1))),
                "classes must be in order of minPriority, highest first: high follows low");
        refused(
                () -> GOOD.withClasses(List.of(named("a", 1), named("a", 0))),
                "two classes have the same name");
        refused(
                () -> new ClassOptions("a", 0, Double.NaN, Duration.ZERO),
                "the weight of class a must be positive and finite, not NaN");
        refused(
                () -> named("a", 0).withMaxRequests(-1),
                "maxRequests of class a must not be negative, but is -1");
        refused(
                () -> new ClassOptions("a", 0, 1, Duration.ofDays(2)),
                "patience of class a must be between 0 and PT24H, not PT48H");
    }

    @Test
    void estimatesThatAreNoNumbersAreRefused() {
        refused(() -> new Estimate(0, 1), "workMillis must be positive and finite, not 0.0");
        refused(
                () -> new Estimate(1, Double.NaN),
                "firstTokenMillis must be finite and not negative, not NaN");
    }

    private static ClassOptions named(String name, int minPriority) {
        return new ClassOptions(name, minPriority, 1, Duration.ZERO);
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
