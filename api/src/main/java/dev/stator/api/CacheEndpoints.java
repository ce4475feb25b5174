package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.answers.AnswerMode;
import dev.stator.serving.CacheControl;
import dev.stator.serving.CacheControl.Order;
import dev.stator.serving.CacheControl.Pinned;
import dev.stator.serving.CacheFiles;
import java.time.Duration;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code GET /admin/cache} shows the tiers, what the host tier holds and for whom; {@code POST
 * /admin/cache/pin}, {@code unpin}, {@code drop} and {@code verify} steer it.
 */
final class CacheEndpoints {
    /** More than anybody reads; sorting stays quick. */
    static final int MAX_PREFIXES = 10_000;

    /** Tenants that are listed, those with most blocks. */
    private static final int TENANTS = 20;

    private static final int MAX_TTL_SECONDS = 86_400;

    private final Service service;

    CacheEndpoints(Service service) {
        this.service = service;
    }

    /** The tiers' gauges and counters, and so many prefixes. */
    void show(Exchange exchange, int prefixes, Order order) {
        var stats = service.fabric().stats();
        var json = Json.object();
        var host = json.putObject("host");
        new TreeMap<>(stats.cache()).forEach(host::put);
        var disk = json.putObject("disk");
        new TreeMap<>(stats.disk()).forEach(disk::put);
        service.answers().ifPresent(its -> answers(its.stats(), json.putObject("answers")));
        service.fabric().cache().ifPresent(cache -> tenants(cache, exchange, json));
        var list = json.putArray("prefixes");
        service.fabric()
                .cache()
                .ifPresent(
                        cache ->
                                cache.prefixes(order, prefixes)
                                        .forEach(
                                                prefix ->
                                                        list.addObject()
                                                                .put("key", prefix.key())
                                                                .put("blocks", prefix.blocks())
                                                                .put("tokens", prefix.tokens())
                                                                .put("uses", prefix.uses())
                                                                .put(
                                                                        "saved_tokens",
                                                                        prefix.savedTokens())
                                                                .put("pinned", prefix.pinned())));
        Service.reply(exchange, json);
    }

    /** By tags, of which whoever asks learns his own. */
    private static void tenants(CacheControl cache, Exchange exchange, ObjectNode json) {
        json.put("tenant", cache.tag(exchange.tenant()));
        var list = json.putArray("tenants");
        for (var share : cache.tenants(TENANTS)) {
            var one =
                    list.addObject()
                            .put("tag", share.tag())
                            .put("blocks", share.blocks())
                            .put("bytes", share.bytes());
            share.quota().ifPresent(most -> one.put("quota_blocks", most));
        }
    }

    private static void answers(AnswerCache.Stats stats, ObjectNode json) {
        json.put("bytes", stats.bytes())
                .put("bytes_capacity", stats.capacityBytes())
                .put("entries", stats.entries())
                .put("false", stats.wrong())
                .put("false_rate", stats.falseRate())
                .put("false_rate_upper_95", stats.falseRateAtMost())
                .put("hits_exact", stats.hits(AnswerMode.EXACT))
                .put("hits_similar", stats.hits(AnswerMode.SIMILAR))
                .put("misses", stats.misses())
                .put("serving_tenants", stats.servingTenants())
                .put("verified", stats.right());
    }

    static Order order(String text) {
        return switch (text) {
            case "saved" -> Order.SAVED;
            case "latest" -> Order.LATEST;
            default ->
                    throw new ApiException(
                            ApiError.invalid("order", "`order` must be saved or latest."));
        };
    }

    /** {@code key}, and {@code ttl}: {@code 5m} (the default), {@code 1h}, or seconds. */
    void pin(Exchange exchange, byte[] body) {
        var fields = Fields.of(Json.parse(body));
        var key = key(fields);
        switch (cache().pin(key, ttl(fields))) {
            case Pinned.Done done ->
                    Service.reply(
                            exchange,
                            Json.object()
                                    .put("pinned_blocks", done.blocks())
                                    .put("ttl_seconds", done.forHowLong().toSeconds()));
            case Pinned.Unknown _ -> throw unknown(key);
            case Pinned.TooMany full ->
                    throw fields.wrong(
                            "key",
                            "The prefix has %d blocks, but pins may keep %d blocks in %d pins and keep %d blocks already; unpin others first."
                                    .formatted(
                                            full.blocks(),
                                            full.mostBlocks(),
                                            full.mostPins(),
                                            full.pinnedBlocks()));
        }
    }

    private static Duration ttl(Fields fields) {
        var given = fields.value("ttl");
        if (given.isEmpty()) {
            return Duration.ofMinutes(5);
        }
        if (given.get().isString()) {
            return switch (given.get().stringValue()) {
                case "5m" -> Duration.ofMinutes(5);
                case "1h" -> Duration.ofHours(1);
                default ->
                        throw fields.wrong("ttl", "`ttl` must be 5m, 1h, or a number of seconds.");
            };
        }
        return Duration.ofSeconds(fields.integer("ttl", 1, MAX_TTL_SECONDS).orElse(0));
    }

    void unpin(Exchange exchange, byte[] body) {
        var key = key(Fields.of(Json.parse(body)));
        if (!cache().unpin(key)) {
            throw new ApiException(
                    new ApiError.UnknownPath("Nothing is pinned by the key %s.".formatted(key)));
        }
        Service.reply(exchange, Json.object().put("unpinned", true));
    }

    /** Removes a block and all that follow it from the host tier. */
    void drop(Exchange exchange, byte[] body) {
        var key = key(Fields.of(Json.parse(body)));
        int gone = cache().drop(key).orElseThrow(() -> unknown(key));
        Service.reply(exchange, Json.object().put("dropped_blocks", gone));
    }

    void verify(Exchange exchange, byte[] body) {
        Fields.of(Json.parse(body));
        var wrong = cache().verify();
        var json = Json.object().put("ok", wrong.isEmpty());
        wrong.ifPresent(words -> json.put("wrong", words));
        Service.reply(exchange, json);
    }

    CacheFiles files() {
        return cache().files()
                .orElseThrow(
                        () ->
                                new ApiException(
                                        ApiError.invalid(
                                                "This server has no key for prefixes in files; start it with --cache-key-file.")));
    }

    private CacheControl cache() {
        return service.fabric()
                .cache()
                .orElseThrow(
                        () ->
                                new ApiException(
                                        ApiError.invalid(
                                                "This server has no host tier: it was turned off, or the model's state cannot be cut into blocks.")));
    }

    private static String key(Fields fields) {
        var key = fields.string("key").orElseThrow(() -> fields.wrong("key", "`key` is missing."));
        if (!isKey(key)) {
            throw fields.wrong(
                    "key", "`key` must be 32 hexadecimal digits as GET /admin/cache lists them.");
        }
        return key;
    }

    /** Whether it can be the key of a block. */
    static boolean isKey(String text) {
        return text.matches("[0-9a-f]{32}");
    }

    static ApiException unknown(String key) {
        return new ApiException(
                new ApiError.UnknownPath(
                        "The host tier holds no block with the key %s.".formatted(key)));
    }
}
