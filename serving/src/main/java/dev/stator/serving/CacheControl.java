package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CachedPrefix;
import dev.stator.cache.HostTier;
import dev.stator.cache.Tenant;
import dev.stator.cache.TenantUse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an operator can see and do of the host tier. Prefixes are named by the key of their last
 * block, which says nothing of their text. Thread-safe.
 */
public final class CacheControl implements AutoCloseable {
    /** How prefixes are ordered. */
    public enum Order {
        /** Those first whose reads have saved most tokens. */
        SAVED,
        /** Those first that were used last. */
        LATEST
    }

    /**
     * @param key of its last block, 32 hexadecimal digits
     * @param uses of its last block, the write that stored it included
     * @param savedTokens tokens that reading it has saved so far
     */
    public record Prefix(
            String key, int blocks, int tokens, int uses, long savedTokens, boolean pinned) {}

    /**
     * What a tenant has in the host tier.
     *
     * @param tag as {@link #tag} makes it
     * @param quota the most blocks that it may keep from others; empty: no limit
     */
    public record TenantShare(String tag, int blocks, long bytes, OptionalInt quota) {}

    /** What became of a wish to pin. */
    public sealed interface Pinned {
        record Done(int blocks, Duration forHowLong) implements Pinned {}

        /** There is no such prefix. */
        record Unknown() implements Pinned {}

        /** Pins have as many blocks, or there are as many, as may be. */
        record TooMany(int blocks, int pinnedBlocks, int mostBlocks, int mostPins)
                implements Pinned {}
    }

    private static final int TAG_BYTES = 6;

    private final HostTier tier;
    private final Optional<CacheFiles> files;
    private final Pins pins;
    private final byte[] secret = new byte[32];

    CacheControl(HostTier tier, Optional<CacheFiles> files) {
        this.tier = tier;
        this.files = files;
        this.pins = new Pins(tier);
        new SecureRandom().nextBytes(secret);
    }

    /** Those tenants that have most blocks, most first. */
    public List<TenantShare> tenants(int most) {
        long bytes = tier.options().blockBytes(tier.options().blockTokens());
        return tier.tenants().stream()
                .sorted(Comparator.comparingInt(TenantUse::blocks).reversed())
                .limit(most)
                .map(
                        use ->
                                new TenantShare(
                                        tag(use.name()),
                                        use.blocks(),
                                        use.blocks() * bytes,
                                        use.quota() == Integer.MAX_VALUE
                                                ? OptionalInt.empty()
                                                : OptionalInt.of(use.quota())))
                .toList();
    }

    /**
     * What a tenant is called by those who may see others, too: the same while this process lives,
     * and nothing from which the tenant could be found out, not even by guessing.
     *
     * @param tenant as in {@link Standing}
     */
    public String tag(String tenant) {
        try {
            var sha = MessageDigest.getInstance("SHA-256");
            sha.update(secret);
            byte[] digest = sha.digest(tenant.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, TAG_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Prefixes as files; empty if there is no key for them. */
    public Optional<CacheFiles> files() {
        return files;
    }

    /** Takes time in the number of blocks; the tier stands still for a part of it. */
    public List<Prefix> prefixes(Order order, int most) {
        var comparator =
                order == Order.SAVED
                        ? Comparator.comparingLong(CachedPrefix::savedTokens).reversed()
                        : Comparator.comparingLong(CachedPrefix::idleUses);
        return tier.prefixes().stream()
                .sorted(comparator)
                .limit(most)
                .map(
                        prefix ->
                                new Prefix(
                                        prefix.key().toString(),
                                        prefix.blocks(),
                                        prefix.tokens(),
                                        prefix.uses(),
                                        prefix.savedTokens(),
                                        prefix.pinned()))
                .toList();
    }

    /**
     * Keeps a prefix from eviction for a while; a prefix that is pinned already is pinned anew.
     *
     * @param key 32 hexadecimal digits
     */
    public Pinned pin(String key, Duration ttl) {
        var keys = parsed(key).map(tier::chain).orElse(List.of());
        if (keys.isEmpty()) {
            return new Pinned.Unknown();
        }
        return pins.pin(keys, ttl, Tenant.NOBODY)
                ? new Pinned.Done(keys.size(), ttl)
                : new Pinned.TooMany(keys.size(), pins.blocks(), pins.mostBlocks(), Pins.MOST);
    }

    /**
     * Keeps the first blocks of a prompt for a while, also those that are not there yet; a pin that
     * lasts longer stays as it is.
     *
     * @param keys of at least one block
     * @param tenant who asks for it
     * @return false if pins, or the tenant's, keep as much as they may
     */
    boolean keep(List<BlockKey> keys, Duration ttl, Tenant tenant) {
        return pins.pinAtLeast(keys, ttl, tenant);
    }

    /**
     * @return whether it was pinned by this key
     */
    public boolean unpin(String key) {
        return parsed(key).filter(pins::unpin).isPresent();
    }

    /** Ends the pins of blocks that are going to go. */
    void unpin(Collection<BlockKey> keys) {
        keys.forEach(pins::unpin);
    }

    /**
     * Removes a block and all that follow it from the host tier, pinned or not; what a request
     * reads now stays. Workers and the disk tier keep what they have.
     *
     * @return blocks gone; empty if there is no such block
     */
    public Optional<Integer> drop(String key) {
        unpin(key);
        return parsed(key).filter(last -> !tier.chain(last).isEmpty()).map(tier::drop);
    }

    /**
     * Checks the tier's tables against each other. The tier stands still meanwhile.
     *
     * @return what is wrong
     */
    public Optional<String> verify() {
        try {
            tier.checkIntegrity();
            return Optional.empty();
        } catch (IllegalStateException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<BlockKey> parsed(String key) {
        return BlockKey.parse(key);
    }

    @Override
    public void close() {
        pins.close();
    }
}
