package dev.stator.cache;

/**
 * A prefix that a tier holds, from the first block of its sequence to the one that names it.
 *
 * @param key of its last block
 * @param uses of its last block, the write that stored it included
 * @param idleUses uses of other blocks since it was last used
 * @param leased whether somebody reads its last block
 */
public record CachedPrefix(
        BlockKey key,
        int blocks,
        int tokens,
        int uses,
        long idleUses,
        boolean pinned,
        boolean leased) {
    /** Tokens that reading it has saved so far. */
    public long savedTokens() {
        return (long) (uses - 1) * tokens;
    }
}
