package dev.stator.engine;

/** What became of a request for cells. */
public enum StepResult {
    DONE,
    /** Too few free cells: free some, or ask for less. */
    NO_ROOM
}
