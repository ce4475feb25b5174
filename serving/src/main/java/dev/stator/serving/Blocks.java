package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLease;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.Tenant;
import dev.stator.cache.Waiting;
import dev.stator.cache.disk.Journal;
import dev.stator.routing.Plan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The cache as serving sees it. Without a host tier (turned off, or a model whose state cannot be
 * cut into blocks) nothing is ever present and everything is the caller's to compute.
 */
final class Blocks implements AutoCloseable {
    private final Optional<HostTier> tier;
    private final Optional<DiskBlocks> disk;
    private final Optional<RemoteBlocks> remote;
    private final Optional<CacheControl> control;
    private final int blockTokens;

    Blocks(
            Optional<HostTier> tier,
            Optional<DiskBlocks> disk,
            Optional<RemoteBlocks> remote,
            Optional<CacheFiles.Kind> files,
            int blockTokens) {
        this.tier = tier;
        this.disk = disk;
        this.remote = remote;
        this.control =
                tier.map(
                        host ->
                                new CacheControl(
                                        host,
                                        files.map(
                                                kind ->
                                                        new CacheFiles(
                                                                host, kind, this::published))));
        this.blockTokens = blockTokens;
    }

    boolean enabled() {
        return tier.isPresent();
    }

    int blockTokens() {
        return blockTokens;
    }

    /**
     * Finds out what other nodes have of a request that is about to be queued, within a small part
     * of what it would take to compute it.
     *
     * @param startsAtOnce false if others wait before it: then nothing is waited for
     */
    void lookFor(Request request, boolean startsAtOnce) {
        if (remote.isPresent() && near(request.promptKeys()) * blockTokens < request.reusable()) {
            remote.get().lookFor(request, startsAtOnce);
        }
    }

    /** Leading blocks that the node itself has. */
    int near(List<BlockKey> keys) {
        int inHost = tier.map(cache -> cache.match(keys)).orElse(0);
        return inHost + disk.map(its -> its.match(keys, inHost)).orElse(0);
    }

    /**
     * Begins to fetch what the plan means to have from slower tiers. Comes before the request's
     * claims, so that nobody computes what is on its way.
     */
    void fetch(Request request, Plan plan) {
        disk.ifPresent(tier -> tier.fetch(request, plan));
        remote.ifPresent(tier -> tier.fetch(request, plan));
    }

    /** A reservation was committed: slower tiers may have the block, too. */
    void published(BlockKey key, BlockKey parent, int[] tokens, int from, int to) {
        disk.ifPresent(tier -> tier.writeBehind(key, parent, tokens, from, to));
        remote.ifPresent(tier -> tier.writeBehind(key, parent, tokens, from, to));
    }

    /** Whether the host tier has all of them. */
    boolean isNear(List<BlockKey> keys) {
        return tier.map(cache -> cache.match(keys)).orElse(0) == keys.size();
    }

    /**
     * @return lets go of them; idempotent
     */
    Runnable pin(List<BlockKey> keys) {
        return tier.<Runnable>map(cache -> cache.pin(keys)::close).orElse(() -> {});
    }

    /** Blocks that the cache holds when it is full. */
    int capacity() {
        return tier.map(cache -> cache.stats().slots()).orElse(0);
    }

    /**
     * Sees to it that the first blocks of a request that will soon be bound can be had quickly:
     * they stay in the host tier, and come there from slower tiers.
     *
     * @return ends it; idempotent
     */
    Runnable keepNear(Request request, int count) {
        var unpin = pin(request.promptKeys().subList(0, count));
        var giveUp = disk.map(tier -> tier.fetchAhead(request, count)).orElse(() -> {});
        return () -> {
            giveUp.run();
            unpin.run();
        };
    }

    /**
     * Lets blocks of a prompt stay for as long as was asked, as far as pins may; those of whole
     * blocks only, as the next prompt goes on differently. To be called before they may go.
     */
    void keep(Request request) {
        int pinned = 0;
        for (var retention : request.asked().retentions()) {
            int count = Math.min(retention.tokens(), request.reusable()) / blockTokens;
            var keys = request.promptKeys().subList(0, count);
            if (count > 0
                    && control.filter(its -> its.keep(keys, retention.ttl(), request.owner()))
                            .isPresent()) {
                pinned = Math.max(pinned, count * blockTokens);
            }
        }
        request.pinned(pinned);
    }

    Optional<BlockLease> acquire(BlockKey key, int[] tokens, int from, int to) {
        return tier.flatMap(cache -> cache.acquire(key, tokens, from, to));
    }

    /** The longest block that is the beginning of this one, shorter than it. */
    Optional<BlockLease> acquirePart(BlockKey parent, int[] tokens, int from, int to) {
        return tier.flatMap(cache -> cache.acquirePart(parent, tokens, from, to));
    }

    ClaimState claim(BlockKey key, Claimant claimant) {
        return tier.map(cache -> cache.claim(key, claimant)).orElse(ClaimState.MINE);
    }

    void release(Claimant claimant) {
        tier.ifPresent(cache -> cache.release(claimant));
    }

    /** Gives up one claim, so that others do not wait for what could not be stored. */
    void release(Claimant claimant, BlockKey key) {
        tier.ifPresent(cache -> cache.release(claimant, key));
    }

    Optional<Waiting> await(BlockKey key, Runnable onChange) {
        return tier.map(cache -> cache.await(key, onChange));
    }

    Optional<BlockReservation> reserve(
            BlockKey key,
            BlockKey parent,
            int[] tokens,
            int from,
            int to,
            long recomputeMicros,
            Tenant owner) {
        return tier.flatMap(
                cache -> cache.reserve(key, parent, tokens, from, to, recomputeMicros, owner));
    }

    /** Keys of a list of tokens cut into full blocks, appended to those that are known already. */
    void extend(List<BlockKey> keys, BlockKey root, int[] tokens, int size) {
        for (int from = keys.size() * blockTokens;
                from + blockTokens <= size;
                from += blockTokens) {
            keys.add(parent(keys, root, keys.size()).child(tokens, from, from + blockTokens));
        }
    }

    static BlockKey parent(List<BlockKey> keys, BlockKey root, int block) {
        return block == 0 ? root : keys.get(block - 1);
    }

    Optional<BlockExchange> exchange(
            PrefillSpeed speed, String fingerprint, BlockExchange.Expecting expecting) {
        return tier.map(host -> new BlockExchange(host, this, speed, fingerprint, expecting));
    }

    /** Whether there is a tier that outlives the process. */
    boolean onDisk() {
        return disk.isPresent();
    }

    /**
     * @param workers one of each kind, which the router knows
     */
    void watchSpeed(List<String> workers) {
        remote.ifPresent(its -> its.watchSpeed(workers));
    }

    /** Whether there is a tier that other nodes share. */
    boolean isShared() {
        return remote.isPresent();
    }

    /** Where the leading blocks of these are. */
    Texts.Holding holding(List<BlockKey> keys) {
        return new Texts.Holding(
                keys.size(),
                tier.map(cache -> cache.match(keys)).orElse(0),
                disk.map(its -> its.match(keys, 0)).orElse(0),
                remote.map(its -> its.match(keys)).orElse(0));
    }

    /**
     * Removes blocks, and all that follow them, from every tier.
     *
     * @param keys takes the keys of all that followed them
     * @return whether nothing is left of them
     */
    boolean erase(Set<BlockKey> keys) {
        var gone = new ArrayList<BlockKey>();
        control.ifPresent(its -> its.unpin(keys));
        boolean left = tier.map(cache -> cache.dropAll(keys, gone) > 0).orElse(false);
        keys.addAll(gone);
        left |= disk.map(its -> its.erase(keys)).orElse(false);
        left |= remote.map(its -> !its.erase(keys)).orElse(false);
        return !left;
    }

    /** A log that lives as long as the disk tier does. */
    Optional<Journal> journal(String name) {
        return disk.map(its -> its.journal(name));
    }

    /** Gauges and counters of the remote tier by name. */
    Map<String, Double> remoteStats() {
        return remote.map(RemoteBlocks::stats).orElse(Map.of());
    }

    /** Gauges and counters of the disk tier by name. */
    Map<String, Double> diskStats() {
        return disk.map(DiskBlocks::stats).orElse(Map.of());
    }

    Optional<CacheControl> control() {
        return control;
    }

    /** Slower tiers first, as they read from the host tier. */
    @Override
    public void close() {
        remote.ifPresent(RemoteBlocks::close);
        control.ifPresent(CacheControl::close);
        disk.ifPresent(DiskBlocks::close);
        tier.ifPresent(HostTier::close);
    }

    /** For statistics: gauges and counters by name. */
    Map<String, Long> stats() {
        return tier.map(HostTier::stats)
                .map(
                        stats -> {
                            var map = new LinkedHashMap<String, Long>();
                            map.put("blocks", (long) stats.used());
                            map.put("blocks_capacity", (long) stats.slots());
                            map.put("blocks_pinned", (long) stats.pinned());
                            map.put("blocks_claimed", (long) stats.claims());
                            map.put("blocks_writing", (long) stats.writing());
                            map.put("tenants", (long) stats.tenants());
                            map.put("bytes_capacity", stats.capacityBytes());
                            map.put("leases", (long) stats.leases());
                            map.put("hits", stats.hits());
                            map.put("misses", stats.misses());
                            map.put("stored", stats.stored());
                            map.put("evictions_room", stats.evictions() - stats.evictionsByQuota());
                            map.put("evictions_quota", stats.evictionsByQuota());
                            map.put("evictions_dropped", stats.dropped());
                            map.put("refused_full", stats.refusedFull());
                            map.put("refused_quota", stats.refusedQuota());
                            map.put("refused_orphan", stats.refusedOrphan());
                            map.put("growth_failures", stats.growthFailures());
                            map.put("bytes_written", stats.bytesWritten());
                            map.put("bytes_read", stats.bytesRead());
                            return Map.copyOf(map);
                        })
                .orElse(Map.of());
    }
}
