package dev.stator.api;

import dev.stator.api.answers.AnswerMode;
import java.time.Duration;
import java.util.Map;

/**
 * Which answers are kept and given again.
 *
 * @param mode of requests, unless they ask for less; more they may not ask for
 * @param bytes memory for them
 * @param life how long one is given again
 * @param mostErrors part of the answers to other words that may be wrong, between 0 and 1
 */
public record AnswerOptions(ByKey<AnswerMode> mode, long bytes, Duration life, double mostErrors) {
    /** None are kept. */
    public static final AnswerOptions USUAL =
            new AnswerOptions(
                    ByKey.of(AnswerMode.OFF, Map.of()), 64L << 20, Duration.ofHours(1), 0.02);

    public AnswerOptions {
        if (bytes < 0) {
            throw new IllegalArgumentException("answers cannot be kept in less than no memory");
        }
        if (!life.isPositive()) {
            throw new IllegalArgumentException("an answer must be kept for some time");
        }
        if (!(mostErrors > 0 && mostErrors < 1)) {
            throw new IllegalArgumentException(
                    "the part of answers that may be wrong must lie between 0 and 1");
        }
    }

    /** Whether anybody's answers are kept. */
    boolean any() {
        return mode.values().stream().anyMatch(each -> each != AnswerMode.OFF);
    }

    /** The mode of a tenant's requests that do not say one, and the most that they may say. */
    AnswerMode ceiling(String tenant) {
        return mode.of(tenant);
    }

    /**
     * @throws ApiException if it is more than the tenant may ask for
     */
    void check(AnswerMode asked, String tenant) {
        var most = ceiling(tenant);
        if (asked.compareTo(most) > 0) {
            throw new ApiException(
                    ApiError.invalid(
                            "answer_cache",
                            "`answer_cache` may be at most `%s` here, not `%s`; whoever runs the server sets it with --answer-cache."
                                    .formatted(most.label(), asked.label())));
        }
    }
}
