package dev.stator.routing;

/** What a worker may be asked for. */
public enum WorkerRole {
    PREFILL,
    DECODE,
    /** Both: it prefills for itself or for others, and generates. */
    BOTH;

    public boolean prefills() {
        return this != DECODE;
    }

    public boolean generates() {
        return this != PREFILL;
    }
}
