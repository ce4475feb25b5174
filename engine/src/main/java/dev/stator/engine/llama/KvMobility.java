package dev.stator.engine.llama;

/** Whether the KV of a model may be placed at other positions than it was computed at. */
sealed interface KvMobility {
    record Movable(Rope rope) implements KvMobility {}

    /**
     * @param reason a sentence without its full stop
     */
    record Immovable(String reason) implements KvMobility {}
}
