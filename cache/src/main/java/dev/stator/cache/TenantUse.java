package dev.stator.cache;

/**
 * What a tenant has in a tier.
 *
 * @param name as in {@link Tenant}
 * @param blocks that it had stored, those included that are being written
 * @param quota the most blocks that it may keep from others; {@link Integer#MAX_VALUE}: no limit
 */
public record TenantUse(String name, int blocks, int quota) {}
