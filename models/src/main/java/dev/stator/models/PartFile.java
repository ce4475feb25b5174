package dev.stator.models;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * A file that is being fetched: its bytes in {@code NAME.part} and, beside them in {@code
 * NAME.part.json}, what they are the beginning of, so that a later attempt may go on.
 */
final class PartFile {
    /**
     * @param uri what was asked for
     * @param etag the server's strong name of the content
     * @param totalBytes of the whole file; negative while unknown
     * @param sha256 of the whole file where the server stated it
     */
    record Origin(String uri, String etag, long totalBytes, Optional<String> sha256) {}

    private final Path target;
    private final Path bytes;
    private final Path origin;

    PartFile(Path target) {
        this.target = target;
        this.bytes = target.resolveSibling(target.getFileName() + ".part");
        this.origin = target.resolveSibling(target.getFileName() + ".part.json");
    }

    Path path() {
        return bytes;
    }

    long size() throws IOException {
        return Files.exists(bytes) ? Files.size(bytes) : 0;
    }

    /** Where the bytes come from; empty if that is not known, so that they are worth nothing. */
    Optional<Origin> origin() {
        try {
            return Optional.of(
                    JsonMapper.shared().readValue(Files.readAllBytes(origin), Origin.class));
        } catch (IOException | JacksonException _) {
            return Optional.empty();
        }
    }

    /** Opens the file for writing from {@code position} on; what stood there is dropped. */
    FileChannel open(long position) throws IOException {
        var channel = FileChannel.open(bytes, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
        try {
            return channel.truncate(position).position(position);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    void remember(Optional<Origin> known) throws IOException {
        if (known.isPresent()) {
            Files.write(origin, JsonMapper.shared().writeValueAsBytes(known.get()));
        } else {
            Files.deleteIfExists(origin);
        }
    }

    void discard() {
        Disk.deleteQuietly(origin);
        Disk.deleteQuietly(bytes);
    }

    /** Gives the whole file its name. */
    void finish() throws IOException {
        Disk.publish(bytes, target);
        Disk.deleteQuietly(origin);
    }
}
