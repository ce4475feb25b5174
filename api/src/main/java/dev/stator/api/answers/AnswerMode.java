package dev.stator.api.answers;

import java.util.Arrays;
import java.util.List;

/** Which kept answers a request may be given; each allows more than those before it. */
public enum AnswerMode {
    /** None, and its own is not kept. */
    OFF("off"),

    /** Those to the very same request. */
    EXACT("exact"),

    /**
     * Those to the same question in other words, too, where the tenant's record says that this goes
     * wrong rarely enough.
     */
    SIMILAR("similar");

    private final String label;

    AnswerMode(String label) {
        this.label = label;
    }

    /** As clients write it. */
    public String label() {
        return label;
    }

    public static List<String> labels() {
        return Arrays.stream(values()).map(AnswerMode::label).toList();
    }

    /**
     * @throws java.util.NoSuchElementException if there is none of that label
     */
    public static AnswerMode of(String label) {
        return Arrays.stream(values())
                .filter(mode -> mode.label.equals(label))
                .findFirst()
                .orElseThrow();
    }
}
