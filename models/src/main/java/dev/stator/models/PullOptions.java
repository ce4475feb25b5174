package dev.stator.models;

import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What to fetch, where to and how.
 *
 * @param source {@code hf:owner/repo}, {@code hf:owner/repo:file.gguf}, {@code
 *     hf:owner/repo:Q4_K_M} or an http(s) address
 * @param folder the model cache; created if absent
 * @param endpoint of the model hub
 * @param token sent to the endpoint's host and to no other
 * @param sha256 what the file must hash to, 64 hexadecimal digits; for models of one file
 */
public record PullOptions(
        String source, Path folder, URI endpoint, Optional<String> token, Optional<String> sha256) {
    private static final String PUBLIC_HUB = "https://huggingface.co";

    public PullOptions {
        sha256 = sha256.map(digest -> digest.toLowerCase(Locale.ROOT));
        if (sha256.isPresent() && !sha256.get().matches("[0-9a-f]{64}")) {
            throw new ModelFileException(
                    "'%s' is not a SHA-256: that has 64 hexadecimal digits"
                            .formatted(sha256.get()));
        }
        var scheme = String.valueOf(endpoint.getScheme());
        if (endpoint.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
            throw new ModelFileException(
                    "the hub's endpoint '%s' is not an http(s) address; correct HF_ENDPOINT"
                            .formatted(endpoint));
        }
    }

    /**
     * Folder, endpoint and token as the environment has them: STATOR_MODELS or XDG_CACHE_HOME,
     * HF_ENDPOINT, HF_TOKEN.
     *
     * @throws ModelFileException if HF_ENDPOINT is not an http(s) address
     */
    public static PullOptions of(String source, Map<String, String> environment) {
        return new PullOptions(
                source,
                cacheFolder(environment),
                endpoint(given(environment, "HF_ENDPOINT").orElse(PUBLIC_HUB)),
                given(environment, "HF_TOKEN"),
                Optional.empty());
    }

    /** STATOR_MODELS, else {@code stator/models} in XDG_CACHE_HOME, else in {@code ~/.cache}. */
    public static Path cacheFolder(Map<String, String> environment) {
        return given(environment, "STATOR_MODELS")
                .map(Path::of)
                .orElseGet(
                        () ->
                                given(environment, "XDG_CACHE_HOME")
                                        .map(Path::of)
                                        .filter(Path::isAbsolute)
                                        .orElseGet(
                                                () ->
                                                        Path.of(
                                                                System.getProperty("user.home"),
                                                                ".cache"))
                                        .resolve("stator")
                                        .resolve("models"));
    }

    public PullOptions withFolder(Path other) {
        return new PullOptions(source, other, endpoint, token, sha256);
    }

    public PullOptions withSha256(String digest) {
        return new PullOptions(source, folder, endpoint, token, Optional.of(digest));
    }

    private static URI endpoint(String address) {
        try {
            return URI.create(address.replaceAll("/+$", ""));
        } catch (IllegalArgumentException e) {
            throw new ModelFileException(
                    "the hub's endpoint '%s' is not an http(s) address; correct HF_ENDPOINT"
                            .formatted(address),
                    e);
        }
    }

    private static Optional<String> given(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name))
                .map(String::strip)
                .filter(value -> !value.isEmpty());
    }

    /** Without the token, which must not get into logs. */
    @Override
    public String toString() {
        return "PullOptions[%s into %s from %s]".formatted(source, folder, endpoint);
    }
}
