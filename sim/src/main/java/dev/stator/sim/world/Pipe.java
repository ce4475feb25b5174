package dev.stator.sim.world;

/**
 * Something that moves bytes at a fixed rate, such as a link or a disk. Transfers share it by
 * taking turns: first come, first served.
 */
final class Pipe {
    private long freeAt;

    /** When a transfer ends that takes {@code nanos} alone and may begin at {@code now}. */
    long reserve(long now, long nanos) {
        freeAt = Math.max(now, freeAt) + nanos;
        return freeAt;
    }

    /** The same over two pipes that are busy together. */
    static long reserve(Pipe one, Pipe other, long now, long nanos) {
        long end = Math.max(now, Math.max(one.freeAt, other.freeAt)) + nanos;
        one.freeAt = end;
        other.freeAt = end;
        return end;
    }
}
