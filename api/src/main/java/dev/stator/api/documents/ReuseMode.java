package dev.stator.api.documents;

import java.util.Arrays;
import java.util.List;

/** What a client allows for the sake of reuse; each allows more than those before it. */
public enum ReuseMode {
    /** The model reads exactly what was sent, in that order. */
    EXACT("exact"),

    /**
     * The documents are a set: any order of them, and each but once, is what was meant. What the
     * model then reads is computed exactly.
     */
    EXACT_REORDER("exact-reorder"),

    /** As {@link #SPLICED}, but if the model then hesitates the prompt is computed exactly. */
    SPLICED_GUARDED("spliced-guarded"),

    /**
     * Documents may be read as they were computed behind other ones: an approximation, which pays
     * where the same documents come in ever new company.
     */
    SPLICED("spliced");

    private final String label;

    ReuseMode(String label) {
        this.label = label;
    }

    /** As clients write it. */
    public String label() {
        return label;
    }

    /** Whether what the model reads may be an approximation. */
    public boolean splices() {
        return this == SPLICED || this == SPLICED_GUARDED;
    }

    public static List<String> labels() {
        return Arrays.stream(values()).map(ReuseMode::label).toList();
    }

    /**
     * @throws java.util.NoSuchElementException if there is none of that label
     */
    public static ReuseMode of(String label) {
        return Arrays.stream(values())
                .filter(mode -> mode.label.equals(label))
                .findFirst()
                .orElseThrow();
    }
}
