package dev.stator.serving;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Requests that nodes or the engine's processes died of, by what they ask. They are refused for a
 * while when a client sends them again, so that a request that crashes engines does not go through
 * the whole fleet. Thread-safe.
 */
public final class Quarantine {
    public static final Duration TERM = Duration.ofMinutes(10);

    /** So many die of a request without a token between them, and it is to blame. */
    public static final int BLAMED_AFTER = 2;

    private static final int MOST = 1024;

    /** When each is let go, by its digest. Guarded by this. */
    private final Map<String, Long> until =
            new LinkedHashMap<>() {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
                    return size() > MOST;
                }
            };

    public void add(GenerationRequest request, long nowNanos) {
        var digest = digest(request);
        synchronized (this) {
            until.put(digest, nowNanos + TERM.toNanos());
        }
    }

    public boolean holds(GenerationRequest request, long nowNanos) {
        synchronized (this) {
            // Mostly it is empty, and nothing needs to be hashed.
            until.values().removeIf(end -> end - nowNanos <= 0);
            if (until.isEmpty()) {
                return false;
            }
        }
        var digest = digest(request);
        synchronized (this) {
            return until.containsKey(digest);
        }
    }

    private static String digest(GenerationRequest request) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            var tokens = ByteBuffer.allocate(4 * request.prompt().length);
            tokens.asIntBuffer().put(request.prompt());
            digest.update(tokens);
            digest.update(
                    "%s %d %s"
                            .formatted(request.salt(), request.maxTokens(), request.sampling())
                            .getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
