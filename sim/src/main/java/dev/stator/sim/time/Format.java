package dev.stator.sim.time;

/** A number format that tensor cores multiply in. */
public enum Format {
    FP16,
    FP8,
    FP4
}
