package dev.stator.api;

import dev.stator.api.documents.ReuseMode;
import dev.stator.serving.Guard;
import java.util.Optional;

/** Whether requests may ask for spliced documents, and how that is done. */
public sealed interface Splicing {
    /**
     * @param boundary see {@link dev.stator.serving.Splice#boundary}
     * @param budget the most of the moved passages, from 0 to 1, that is computed in its place
     *     because the question is about it
     */
    record Way(int boundary, double budget) {}

    /**
     * Either or both.
     *
     * @param plain for {@code spliced}
     * @param guarded for {@code spliced-guarded}
     */
    record Allowed(Optional<Way> plain, Optional<Guarded> guarded) implements Splicing {
        /**
         * @param guard when a prompt is computed exactly after all
         */
        public record Guarded(Way way, Guard guard) {}

        /** How a mode splices; empty if it does not, or is not allowed. */
        Optional<Way> way(ReuseMode mode) {
            return switch (mode) {
                case EXACT, EXACT_REORDER -> Optional.empty();
                case SPLICED -> plain;
                case SPLICED_GUARDED -> guarded.map(Guarded::way);
            };
        }

        /** Without a guard, and only so. */
        public Allowed(int boundary, double budget) {
            this(Optional.of(new Way(boundary, budget)), Optional.empty());
        }
    }

    /**
     * @param why a sentence without its full stop, which says what to do
     */
    record Refused(String why) implements Splicing {}

    /** Why a mode is not allowed; empty if it is. A sentence without its full stop. */
    default Optional<String> refusal(ReuseMode mode) {
        if (!mode.splices()) {
            return Optional.empty();
        }
        return switch (this) {
            case Refused(String why) -> Optional.of(why);
            case Allowed allowed -> {
                yield allowed.way(mode).isPresent()
                        ? Optional.empty()
                        : Optional.of(
                                mode == ReuseMode.SPLICED_GUARDED
                                        ? "the reuse card has no guard; `spliced` is allowed"
                                        : "by the reuse card it changes this model's answers too much; `spliced-guarded` is allowed");
            }
        };
    }
}
