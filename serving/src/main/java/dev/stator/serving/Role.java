package dev.stator.serving;

/** What a worker is for. */
enum Role {
    PREFILL,
    DECODE;

    String label() {
        return this == PREFILL ? "prefill" : "decode";
    }
}
