package dev.stator.api;

import java.time.Duration;
import java.util.List;

/**
 * How the HTTP server listens and what it allows.
 *
 * @param host the address to bind to
 * @param port 0 takes a free one
 * @param modelName what clients call the model; {@code default} names it as well
 * @param apiKeys requests must carry one of these; empty: no key is asked for
 * @param maxBodyBytes a larger request body is answered with 413
 * @param defaultMaxTokens the longest answer of a chat request that sets no limit; 0: up to the end
 *     of the context
 * @param eventLoops threads that read from and write to connections
 * @param maxUnreadBytes what may wait for a streaming client that does not read; beyond it the
 *     answer is cancelled
 * @param maxStall how long a streaming client may read nothing before its answer is cancelled
 * @param waiting what becomes of requests that have to wait
 * @param splicing whether documents may be spliced
 * @param reuse which reuse is usual, and which is allowed
 * @param documentQuotaBytes the most bytes of a tenant's stored documents
 * @param answers which answers are kept
 */
public record ApiOptions(
        String host,
        int port,
        String modelName,
        List<String> apiKeys,
        long maxBodyBytes,
        int defaultMaxTokens,
        int eventLoops,
        int maxUnreadBytes,
        Duration maxStall,
        WaitingOptions waiting,
        Splicing splicing,
        ReuseOptions reuse,
        long documentQuotaBytes,
        AnswerOptions answers) {
    /** What a tenant may store if nobody says otherwise. */
    public static final long USUAL_DOCUMENT_QUOTA = 64L << 20;

    /** The name that always means the served model. */
    public static final String DEFAULT_MODEL = "default";

    public ApiOptions {
        apiKeys = List.copyOf(apiKeys);
        require(port >= 0 && port <= 65535, "the port must be between 0 and 65535");
        require(!modelName.isBlank(), "the model needs a name");
        require(
                modelName.chars().noneMatch(Character::isISOControl),
                "the model's name must not hold control characters");
        require(
                apiKeys.stream().noneMatch(String::isBlank),
                "an API key must not be empty; leave the list empty to ask for no key");
        require(maxBodyBytes >= 1024, "the body limit must be at least 1024 bytes");
        require(
                maxBodyBytes <= Integer.MAX_VALUE / 2,
                "the body limit must be less than 1 GiB, as a body is kept in memory");
        require(defaultMaxTokens >= 0, "the default answer length must not be negative");
        require(eventLoops >= 1, "at least one event loop is needed");
        require(maxUnreadBytes >= 1024, "at least 1024 unread bytes must be allowed");
        require(maxStall.isPositive(), "the allowed stall must be positive");
        require(
                apiKeys.containsAll(reuse.ceiling().keys()),
                "a ceiling of reuse is set for an API key that is none of those asked for");
        require(
                apiKeys.containsAll(answers.mode().keys()),
                "a mode of kept answers is set for an API key that is none of those asked for");
        require(
                apiKeys.containsAll(waiting.cachePercent().keys()),
                "a part of the host cache is set for an API key that is none of those asked for");
        require(
                !waiting.limitsCache()
                        || !apiKeys.isEmpty()
                        || waiting.tenantBy() != WaitingOptions.TenantBy.API_KEY,
                "tenants cannot be told apart to share the host cache: set API keys, or another field that names tenants");
        require(documentQuotaBytes >= 0, "the quota of documents must not be negative");
    }

    /** Requests wait as is usual. */
    public ApiOptions(
            String host,
            int port,
            String modelName,
            List<String> apiKeys,
            long maxBodyBytes,
            int defaultMaxTokens,
            int eventLoops,
            int maxUnreadBytes,
            Duration maxStall) {
        this(
                host,
                port,
                modelName,
                apiKeys,
                maxBodyBytes,
                defaultMaxTokens,
                eventLoops,
                maxUnreadBytes,
                maxStall,
                WaitingOptions.USUAL,
                new Splicing.Refused("nobody has measured what it does to this model's answers"),
                ReuseOptions.USUAL,
                USUAL_DOCUMENT_QUOTA,
                AnswerOptions.USUAL);
    }

    public ApiOptions withWaiting(WaitingOptions other) {
        return new ApiOptions(
                host,
                port,
                modelName,
                apiKeys,
                maxBodyBytes,
                defaultMaxTokens,
                eventLoops,
                maxUnreadBytes,
                maxStall,
                other,
                splicing,
                reuse,
                documentQuotaBytes,
                answers);
    }

    public ApiOptions withSplicing(Splicing other) {
        return new ApiOptions(
                host,
                port,
                modelName,
                apiKeys,
                maxBodyBytes,
                defaultMaxTokens,
                eventLoops,
                maxUnreadBytes,
                maxStall,
                waiting,
                other,
                reuse,
                documentQuotaBytes,
                answers);
    }

    public ApiOptions withReuse(ReuseOptions other) {
        return new ApiOptions(
                host,
                port,
                modelName,
                apiKeys,
                maxBodyBytes,
                defaultMaxTokens,
                eventLoops,
                maxUnreadBytes,
                maxStall,
                waiting,
                splicing,
                other,
                documentQuotaBytes,
                answers);
    }

    public ApiOptions withDocumentQuota(long bytes) {
        return new ApiOptions(
                host,
                port,
                modelName,
                apiKeys,
                maxBodyBytes,
                defaultMaxTokens,
                eventLoops,
                maxUnreadBytes,
                maxStall,
                waiting,
                splicing,
                reuse,
                bytes,
                answers);
    }

    public ApiOptions withAnswers(AnswerOptions other) {
        return new ApiOptions(
                host,
                port,
                modelName,
                apiKeys,
                maxBodyBytes,
                defaultMaxTokens,
                eventLoops,
                maxUnreadBytes,
                maxStall,
                waiting,
                splicing,
                reuse,
                documentQuotaBytes,
                other);
    }

    /** Loopback, no key, bodies up to 32 MiB, streams that stall for up to 60 s or 1 MiB. */
    public static ApiOptions of(String modelName, int port) {
        return new ApiOptions(
                "127.0.0.1",
                port,
                modelName,
                List.of(),
                32 << 20,
                0,
                Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 8),
                1 << 20,
                Duration.ofSeconds(60));
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
