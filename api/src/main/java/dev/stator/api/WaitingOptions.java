package dev.stator.api;

import java.time.Duration;

/**
 * What the server makes of requests that have to wait.
 *
 * @param firstTokenWithin the deadline of the first token of a request that names none, unless its
 *     class is flex; zero: none
 * @param tenantBy who counts as one tenant
 */
public record WaitingOptions(Duration firstTokenWithin, TenantBy tenantBy) {
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
    }
}
