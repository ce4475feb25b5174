package dev.stator.cache;

/**
 * Gauges and counters of a tier at one moment; counters count from its opening.
 *
 * @param capacityBytes bytes of all slots
 * @param slots blocks that fit
 * @param used blocks present
 * @param writing reservations neither committed nor closed
 * @param leases reads not yet closed
 * @param pinned blocks present that a lease or a pin keeps from eviction
 * @param pinnedKeys keys under a pin, present or not
 * @param claims blocks that someone has promised to compute
 * @param waiters callbacks not yet called
 * @param ghosts evicted blocks whose frequency is remembered
 * @param tenants who have blocks
 * @param stored blocks committed
 * @param evictions blocks that made room for others
 * @param evictionsByQuota those of them that went because their tenant was above its quota
 * @param dropped blocks removed because an operator said so
 * @param refusedFull reservations refused because every block was in use
 * @param refusedQuota reservations refused because every block of a tenant above its quota was in
 *     use
 * @param refusedOrphan reservations refused because the parent block was absent
 * @param growthFailures first uses of a slot that the file system refused
 * @param collisions reads whose key was present with other tokens
 */
public record CacheStats(
        long capacityBytes,
        int slots,
        int used,
        int writing,
        int leases,
        int pinned,
        int pinnedKeys,
        int claims,
        int waiters,
        int ghosts,
        int tenants,
        long hits,
        long misses,
        long stored,
        long evictions,
        long evictionsByQuota,
        long dropped,
        long refusedFull,
        long refusedQuota,
        long refusedOrphan,
        long growthFailures,
        long collisions,
        long bytesWritten,
        long bytesRead) {}
