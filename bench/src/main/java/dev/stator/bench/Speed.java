package dev.stator.bench;

/** Tokens per second. */
record Speed(double prefill, double decode) {}
