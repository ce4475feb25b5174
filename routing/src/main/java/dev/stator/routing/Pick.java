package dev.stator.routing;

/** A rule that picks one of several workers. Confined to its router's lock. */
interface Pick {
    /** What the worker is picked for. */
    enum Task {
        /** The prompt and the answer. */
        ALL,
        PROMPT,
        ANSWER
    }

    /**
     * @param able workers that can start it, at least one
     * @return a position of {@code able}
     */
    int pick(Situation situation, Positions able, Task task);

    default void dispatched(Decision decision) {}

    default void firstToken(long request) {}

    default void finished(long request) {}
}
