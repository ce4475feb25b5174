package dev.stator.engine.process;

/** What a frame is about; its number on the wire is its ordinal. Both ends are of one build. */
enum Kind {
    // From the node; all but those marked are answered by DONE or FAILED.
    LOAD,
    OPEN,
    OPEN_EMBEDDER,
    IMMOVABLE,
    STEP,
    NEW_SAMPLER,
    SAMPLE,
    CERTAINTY,
    ACCEPT,
    /** Not answered. */
    CLOSE_SAMPLER,
    EXPORT,
    IMPORT,
    /** Not answered. */
    COPY,
    /** Not answered. */
    TRUNCATE,
    EMBED,

    // From the process.
    DONE,
    FAILED,
    /** In the midst of a step: may a pause be wanted? Answered by GO_ON. */
    MAY_PAUSE,
    /** No compute thread runs; the step goes on after GO_ON. */
    PAUSE,

    /** The node's answer to the latter two: whether a pause may be wanted soon. */
    GO_ON;

    private static final Kind[] ALL = values();

    static Kind of(int number) {
        return ALL[number];
    }
}
