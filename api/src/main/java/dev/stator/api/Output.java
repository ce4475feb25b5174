package dev.stator.api;

import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Writes the answers of one exchange. Called on its event loop only. */
interface Output {
    /** All answers are admitted. */
    void open();

    void token(int choice, GeneratedToken token);

    /** The answer ended before this string, one of its stops; comes before {@link #finish}. */
    default void stopped(int choice, String stop) {}

    void finish(int choice, FinishReason reason, String tail);

    /**
     * All answers have finished.
     *
     * @param account the value of {@code stator}, if the client asked for it
     */
    void complete(Usage usage, Optional<ObjectNode> account);

    /** The last call if the answers cannot be completed. */
    void fail(ApiError error);
}
