package dev.stator.sim.trace;

/** 64-bit names of text that a trace identifies only by numbers. */
final class Fingerprint {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private Fingerprint() {}

    /**
     * A number that looks random and depends on both; the finaliser of SplitMix64 (Steele, Lea and
     * Flood, OOPSLA 2014).
     */
    static long mix(long a, long b) {
        long z = (a ^ Long.rotateLeft(b, 32)) + GOLDEN * (b | 1);
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
