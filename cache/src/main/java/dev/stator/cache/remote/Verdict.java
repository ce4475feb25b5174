package dev.stator.cache.remote;

/** What a value turned out to be. */
enum Verdict {
    /** What was asked for, as it was written. */
    INTACT,
    /** Not as it was written under our key, or never written under it. */
    CORRUPT,
    /** Of another format version or another model. */
    FOREIGN,
    /** Authentic, but of other tokens or another place in a sequence. */
    COLLISION
}
