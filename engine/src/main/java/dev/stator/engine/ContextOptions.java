package dev.stator.engine;

/**
 * @param cells KV memory in tokens, shared by all sequences of the context
 * @param sequences usable sequence ids, 0 to {@code sequences - 1}
 * @param stepTokens the most tokens one step may carry
 * @param threads the most compute threads, all of them used at first; see {@link
 *     EngineContext#threads(int)}
 */
public record ContextOptions(int cells, int sequences, int stepTokens, int threads) {}
