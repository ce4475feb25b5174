package dev.stator.api;

/** Whether requests may ask for spliced documents. */
public sealed interface Splicing {
    /**
     * @param boundary see {@link dev.stator.serving.Splice#boundary}
     * @param budget the most of the moved passages, from 0 to 1, that is computed in its place
     *     because the question is about it
     */
    record Allowed(int boundary, double budget) implements Splicing {}

    /**
     * @param why a sentence without its full stop, which says what to do
     */
    record Refused(String why) implements Splicing {}
}
