package dev.stator.api;

import dev.stator.cache.Tenant;
import java.time.Duration;
import java.util.Map;

/**
 * What the server makes of requests that have to wait, and how tenants share it.
 *
 * @param firstTokenWithin the deadline of the first token of a request that names none, unless its
 *     class is flex; zero: none
 * @param tenantBy who counts as one tenant
 * @param cachePercent of the host tier that a tenant's blocks may keep from others' while it is
 *     full; 100: no limit
 */
public record WaitingOptions(
        Duration firstTokenWithin, TenantBy tenantBy, ByKey<Integer> cachePercent) {
    /** No deadline; a tenant is an API key. */
    public static final WaitingOptions USUAL = new WaitingOptions(Duration.ZERO, TenantBy.API_KEY);

    /** Tenants share the server alike, so whoever can choose its tenant can take more. */
    public enum TenantBy {
        /** All who send the same key; all, if none is asked for. */
        API_KEY,
        /** As the field {@code user} says: for servers behind something that sets it. */
        USER,
        /** The same with OpenAI's newer field {@code safety_identifier}. */
        SAFETY_IDENTIFIER
    }

    public WaitingOptions {
        if (firstTokenWithin.isNegative()) {
            throw new IllegalArgumentException("the first token's deadline must not be negative");
        }
        if (cachePercent.values().stream().anyMatch(part -> part < 0 || part > Tenant.ALL)) {
            throw new IllegalArgumentException(
                    "a tenant may have 0 to 100 percent of the host cache");
        }
    }

    /** No tenant's blocks are limited. */
    public WaitingOptions(Duration firstTokenWithin, TenantBy tenantBy) {
        this(firstTokenWithin, tenantBy, ByKey.of(Tenant.ALL, Map.of()));
    }

    /** Whether some tenant's blocks are limited. */
    boolean limitsCache() {
        return cachePercent.values().stream().anyMatch(part -> part < Tenant.ALL);
    }
}
