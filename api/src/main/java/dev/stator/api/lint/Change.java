package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import java.util.List;
import java.util.Map;

/** Something that a pipeline could do otherwise. */
interface Change {
    String name();

    /** What is wrong where the change would help: a sentence without its full stop. */
    String problem();

    String advice();

    /** All requests, changed where it applies. */
    Made make(List<LoggedRequest> requests);

    /**
     * @param changed by line, what was found there
     */
    record Made(List<LoggedRequest> requests, Map<Integer, String> changed) {}
}
