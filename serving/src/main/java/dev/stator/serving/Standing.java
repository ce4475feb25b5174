package dev.stator.serving;

import dev.stator.cache.Tenant;

/**
 * What a request may expect while others wait, or have blocks in the host tier, too.
 *
 * @param tenant whose request it is: tenants of a class share alike, however much each asks for
 * @param cachePercent of the host tier that the tenant's blocks may keep from others' while it is
 *     full; 100: no limit
 * @param deadlineNanos by {@link System#nanoTime()}, when its first token must be there: if that is
 *     predicted to be impossible it is shed; {@link Long#MAX_VALUE} if there is no hurry
 */
public record Standing(
        ServiceClass serviceClass, String tenant, int cachePercent, long deadlineNanos) {
    public static final Standing USUAL = new Standing(ServiceClass.DEFAULT, "", Long.MAX_VALUE);

    public Standing {
        if (cachePercent < 0 || cachePercent > Tenant.ALL) {
            throw new IllegalArgumentException(
                    "a tenant may have 0 to 100 percent of the cache, not " + cachePercent);
        }
    }

    /** With as much of the host tier as there is. */
    public Standing(ServiceClass serviceClass, String tenant, long deadlineNanos) {
        this(serviceClass, tenant, Tenant.ALL, deadlineNanos);
    }

    /** The same in another class, and without a deadline. */
    Standing unhurried(ServiceClass other) {
        return new Standing(other, tenant, cachePercent, Long.MAX_VALUE);
    }

    /** Whose its blocks are. */
    Tenant owner() {
        return new Tenant(tenant, cachePercent);
    }
}
