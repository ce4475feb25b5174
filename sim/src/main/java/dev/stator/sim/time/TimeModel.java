package dev.stator.sim.time;

/**
 * How long a worker of one shape (a model on a number of GPUs of one kind) takes for what it does.
 *
 * <p>Pure functions of their arguments: the same question always has the same answer, and any
 * number of threads may ask.
 */
public interface TimeModel {
    /** Milliseconds of one engine step, from its start until its tokens are known. */
    double stepMillis(StepWork work);

    /** Milliseconds until KV of {@code tokens} has moved to the device, on a link that is idle. */
    double moveMillis(long tokens, Link link);

    /** How many tokens of KV fit into the device memory beside weights and workspace. */
    long kvTokens();

    /** KV of one token, all layers and all GPUs of the worker together, in bytes. */
    long kvBytesPerToken();
}
