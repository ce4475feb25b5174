package dev.stator.api;

/** Whether requests may ask for spliced documents. */
public sealed interface Splicing {
    /**
     * @param boundary see {@link dev.stator.serving.Splice#boundary}
     */
    record Allowed(int boundary) implements Splicing {}

    /**
     * @param why a sentence without its full stop, which says what to do
     */
    record Refused(String why) implements Splicing {}
}
