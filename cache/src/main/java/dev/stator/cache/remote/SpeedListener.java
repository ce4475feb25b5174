package dev.stator.cache.remote;

/** Hears how long it took to read blocks that were asked for together; from another thread. */
@FunctionalInterface
public interface SpeedListener {
    void read(int blocks, long nanos);
}
