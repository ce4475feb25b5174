package dev.stator.api;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Compares API keys in a time that says nothing about them. */
final class Auth {
    private static final String SCHEME = "bearer ";
    private static final int FINGERPRINT_BYTES = 8;

    private final List<byte[]> digests;

    Auth(List<String> keys) {
        digests = keys.stream().map(Auth::digest).toList();
    }

    /**
     * @param authorization the request's header of that name
     * @param apiKey the header in which Anthropic's clients send their key
     * @return why the request may not pass; empty if it may
     */
    Optional<ApiError> refusal(Optional<String> authorization, Optional<String> apiKey) {
        if (digests.isEmpty()) {
            return Optional.empty();
        }
        if (authorization.isEmpty() && apiKey.isEmpty()) {
            return Optional.of(
                    new ApiError.Unauthorized(
                            "An API key is needed: send the header `Authorization: Bearer KEY`, or `x-api-key: KEY`."));
        }
        return key(authorization, apiKey).filter(this::known).isPresent()
                ? Optional.empty()
                : Optional.of(new ApiError.Unauthorized("The API key is not valid."));
    }

    /** Of two keys the bearer's counts. */
    private static Optional<String> key(Optional<String> authorization, Optional<String> apiKey) {
        return authorization
                .filter(header -> header.regionMatches(true, 0, SCHEME, 0, SCHEME.length()))
                .map(header -> header.substring(SCHEME.length()))
                .or(() -> apiKey)
                .map(String::strip);
    }

    /**
     * Whose request it is, if a key is asked for: the same for all who send the same one, and
     * nothing that could be used as one.
     *
     * <p>The headers are those of a request that may pass.
     */
    String tenant(Optional<String> authorization, Optional<String> apiKey) {
        return digests.isEmpty()
                ? ""
                : key(authorization, apiKey).map(Auth::fingerprint).orElse("");
    }

    /** A short name for a text that may be long or secret. */
    static String fingerprint(String text) {
        return HexFormat.of().formatHex(digest(text), 0, FINGERPRINT_BYTES);
    }

    private boolean known(String key) {
        byte[] digest = digest(key);
        boolean known = false;
        for (byte[] candidate : digests) {
            known |= MessageDigest.isEqual(candidate, digest);
        }
        return known;
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
