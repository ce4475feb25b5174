package dev.stator.models;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** A repository of a model hub: which of its files make up the wanted model, and where they are. */
final class Hub {
    private static final int MAX_LISTING_BYTES = 32 << 20;
    private static final int MAX_NAMED = 40;
    private static final String PREFERRED = "Q4_K_M";
    private static final String SUFFIX = ".gguf";

    private final URI endpoint;
    private final PullSource.Hub source;

    Hub(URI endpoint, PullSource.Hub source) {
        this.endpoint = endpoint;
        this.source = source;
    }

    /** A file of the repository; size and hash where the hub tells them. */
    private record Entry(String name, OptionalLong bytes, Optional<String> sha256) {
        String base() {
            return name.substring(name.lastIndexOf('/') + 1);
        }

        boolean isFirstPart() {
            return SplitName.parse(base()).map(split -> split.part() == 1).orElse(true);
        }
    }

    /** Whether the source alone says which file is wanted. */
    boolean namesFile() {
        return source.file().filter(file -> file.endsWith(SUFFIX)).isPresent();
    }

    /** The named file and its other parts, without asking the hub. */
    List<RemoteFile> named() {
        return parts(source.file().orElseThrow()).stream()
                .map(name -> remote(name, OptionalLong.empty(), Optional.empty()))
                .toList();
    }

    URI listing() {
        return URI.create("%s/api/models/%s?blobs=true".formatted(endpoint, source.repository()));
    }

    /**
     * Chooses from the repository's files.
     *
     * @throws ModelFileException if there is none that fits, or several
     */
    List<RemoteFile> choose(Http.Reply reply) throws IOException, InterruptedException {
        var entries = entries(read(reply.body()));
        var model = choose(entries);
        return parts(model.name()).stream()
                .map(
                        name ->
                                entries.stream()
                                        .filter(entry -> entry.name().equals(name))
                                        .findFirst()
                                        .orElseThrow(
                                                () ->
                                                        new ModelFileException(
                                                                "%s has %s but not its other part %s"
                                                                        .formatted(
                                                                                source.repository(),
                                                                                model.name(),
                                                                                name))))
                .map(entry -> remote(entry.name(), entry.bytes(), entry.sha256()))
                .toList();
    }

    private Entry choose(List<Entry> entries) {
        var models =
                entries.stream()
                        .filter(entry -> entry.name().endsWith(SUFFIX))
                        .filter(entry -> PullSource.safePath(entry.name()))
                        .filter(entry -> !entry.base().toLowerCase(Locale.ROOT).contains("mmproj"))
                        .filter(Entry::isFirstPart)
                        .toList();
        if (models.isEmpty()) {
            throw new ModelFileException(
                    "%s has no GGUF file. Look for a repository of the same model whose name ends in -GGUF"
                            .formatted(source.repository()));
        }
        var wanted = source.file();
        if (wanted.isEmpty() && models.size() == 1) {
            return models.getFirst();
        }
        var tag = wanted.orElse(PREFERRED).toUpperCase(Locale.ROOT);
        var matching =
                models.stream()
                        .filter(entry -> hasTag(entry.base().toUpperCase(Locale.ROOT), tag))
                        .toList();
        if (matching.size() == 1) {
            return matching.getFirst();
        }
        throw new ModelFileException(
                "%s has %s. Name one as hf:%s:FILE of: %s"
                        .formatted(
                                source.repository(),
                                matching.isEmpty()
                                        ? "several GGUF files and none of them is " + tag
                                        : "several files of " + tag,
                                source.repository(),
                                (matching.isEmpty() ? models : matching)
                                        .stream()
                                                .limit(MAX_NAMED)
                                                .map(Entry::name)
                                                .collect(Collectors.joining(", "))));
    }

    /** Whether a name has the tag between separators: Q4_K_M is not in IQ4_K_M. */
    private static boolean hasTag(String name, String tag) {
        int at = name.indexOf(tag);
        while (at >= 0) {
            boolean begins = at == 0 || !Character.isLetterOrDigit(name.charAt(at - 1));
            int end = at + tag.length();
            boolean ends = end == name.length() || "-.".indexOf(name.charAt(end)) >= 0;
            if (begins && ends) {
                return true;
            }
            at = name.indexOf(tag, at + 1);
        }
        return false;
    }

    private static List<String> parts(String name) {
        int slash = name.lastIndexOf('/') + 1;
        var folder = name.substring(0, slash);
        return SplitName.parse(name.substring(slash))
                .map(split -> split.all().stream().map(folder::concat).toList())
                .orElse(List.of(name));
    }

    private RemoteFile remote(String name, OptionalLong bytes, Optional<String> sha256) {
        var encoded =
                Arrays.stream(name.split("/"))
                        .map(segment -> URLEncoder.encode(segment, StandardCharsets.UTF_8))
                        .map(segment -> segment.replace("+", "%20"))
                        .collect(Collectors.joining("/"));
        return new RemoteFile(
                URI.create(
                        "%s/%s/resolve/main/%s".formatted(endpoint, source.repository(), encoded)),
                "hf/%s/%s".formatted(source.repository(), PullSource.requireSafePath(name)),
                bytes,
                sha256);
    }

    private List<Entry> entries(byte[] json) {
        try {
            var entries = new ArrayList<Entry>();
            for (var sibling : JsonMapper.shared().readTree(json).path("siblings")) {
                var name = sibling.path("rfilename").asString("");
                var bytes = sibling.path("size");
                var sha256 = sibling.path("lfs").path("sha256").asString("");
                entries.add(
                        new Entry(
                                name,
                                bytes.isIntegralNumber()
                                        ? OptionalLong.of(bytes.asLong())
                                        : OptionalLong.empty(),
                                Optional.of(sha256).filter(hash -> hash.matches("[0-9a-f]{64}"))));
            }
            return entries;
        } catch (JacksonException e) {
            throw new ModelFileException(
                    "%s did not answer as a model hub does; check HF_ENDPOINT".formatted(listing()),
                    e);
        }
    }

    private byte[] read(BodyReader body) throws IOException, InterruptedException {
        var bytes = new ByteArrayOutputStream();
        for (var buffers = body.next(); !buffers.isEmpty(); buffers = body.next()) {
            for (ByteBuffer buffer : buffers) {
                byte[] piece = new byte[buffer.remaining()];
                buffer.get(piece);
                bytes.writeBytes(piece);
            }
            if (bytes.size() > MAX_LISTING_BYTES) {
                throw new ModelFileException(
                        "%s lists more files than Stator reads; name the file: hf:%s:FILE.gguf"
                                .formatted(listing(), source.repository()));
            }
        }
        return bytes.toByteArray();
    }
}
