package dev.stator.sim.time;

/** The way that KV takes into a worker's device memory. */
public enum Link {
    /** From another worker's device memory on the same host. */
    DEVICE_TO_DEVICE,
    /** From device or host memory of another host. */
    NETWORK,
    /** From the memory of the worker's own host. */
    HOST,
    /** From files of the worker's own host. */
    DISK,
    /** From a store that all hosts reach. */
    REMOTE
}
