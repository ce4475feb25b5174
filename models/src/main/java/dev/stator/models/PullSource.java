package dev.stator.models;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a user asks to pull. */
sealed interface PullSource {
    /**
     * A repository of a model hub.
     *
     * @param file a path in the repository, or a quantisation such as {@code Q4_K_M}
     */
    record Hub(String repository, Optional<String> file) implements PullSource {}

    record Address(URI uri) implements PullSource {}

    Pattern REPOSITORY = Pattern.compile("[A-Za-z0-9][\\w.-]{0,95}/[A-Za-z0-9][\\w.-]{0,95}");

    /** What a path from the network may consist of: names, not ways out of the folder. */
    Pattern SEGMENT = Pattern.compile("[^/\\\\:*?\"<>|\\p{Cntrl}]{1,200}");

    /**
     * @throws ModelFileException that shows the forms there are
     */
    static PullSource parse(String source) {
        if (source.startsWith("hf:")) {
            var parts = source.substring(3).split(":", 2);
            if (!REPOSITORY.matcher(parts[0]).matches() || parts[0].contains("..")) {
                throw new ModelFileException(
                        "'%s' names no repository. Write hf:owner/repo or hf:owner/repo:file.gguf"
                                .formatted(source));
            }
            return new Hub(
                    parts[0],
                    parts.length == 1 ? Optional.empty() : Optional.of(requireSafePath(parts[1])));
        }
        if (source.startsWith("https://") || source.startsWith("http://")) {
            try {
                var uri = URI.create(source);
                if (uri.getHost() != null && uri.getUserInfo() == null) {
                    return new Address(uri);
                }
            } catch (IllegalArgumentException _) {
                // Falls through to the sentence below.
            }
            throw new ModelFileException(
                    "'%s' is not an address that can be fetched (characters such as spaces must be escaped, credentials are not taken)"
                            .formatted(source));
        }
        throw new ModelFileException(
                "'%s' cannot be pulled. Write hf:owner/repo, hf:owner/repo:file.gguf or an https:// address"
                        .formatted(source));
    }

    static boolean safePath(String path) {
        return List.of(path.split("/", -1)).stream()
                .allMatch(
                        segment ->
                                SEGMENT.matcher(segment).matches()
                                        && !segment.startsWith(".")
                                        && !segment.endsWith(".")
                                        && !segment.endsWith(" "));
    }

    /**
     * @throws ModelFileException if the path could leave the folder it is meant for
     */
    static String requireSafePath(String path) {
        if (!safePath(path)) {
            throw new ModelFileException(
                    "'%s' is not a file name that Stator writes".formatted(path));
        }
        return path;
    }
}
