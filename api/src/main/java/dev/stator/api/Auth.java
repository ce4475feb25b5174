package dev.stator.api;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;

/** Compares API keys in a time that says nothing about them. */
final class Auth {
    private static final String SCHEME = "bearer ";

    private final List<byte[]> digests;

    Auth(List<String> keys) {
        digests = keys.stream().map(Auth::digest).toList();
    }

    /**
     * @param authorization the request's header of that name
     * @return why the request may not pass; empty if it may
     */
    Optional<ApiError> refusal(Optional<String> authorization) {
        if (digests.isEmpty()) {
            return Optional.empty();
        }
        if (authorization.isEmpty()) {
            return Optional.of(
                    new ApiError.Unauthorized(
                            "An API key is needed: send the header `Authorization: Bearer KEY`."));
        }
        var header = authorization.get();
        boolean bearer = header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        return bearer && known(header.substring(SCHEME.length()).strip())
                ? Optional.empty()
                : Optional.of(new ApiError.Unauthorized("The API key is not valid."));
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
