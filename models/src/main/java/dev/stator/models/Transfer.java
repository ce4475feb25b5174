package dev.stator.models;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import javax.net.ssl.SSLHandshakeException;

/**
 * Fetches one file: resumes what an earlier attempt left, tries again when the connection breaks,
 * and gives the file its name only when it is whole, hashes right and is a model.
 */
final class Transfer {
    private static final Pattern CONTENT_RANGE =
            Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/(\\d{1,18})");

    /** What became of one attempt. */
    private sealed interface Outcome {
        record Complete() implements Outcome {}

        /**
         * @param atLeast how long the server asks to wait
         */
        record Broken(String why, Duration atLeast) implements Outcome {}
    }

    private final Http http;
    private final RemoteFile file;
    private final Path target;
    private final PartFile part;
    private final RetryPolicy policy;
    private final Progress progress;
    private Optional<String> sha256;
    private boolean resumed;

    Transfer(Http http, RemoteFile file, Path target, RetryPolicy policy, Progress progress) {
        this.http = http;
        this.file = file;
        this.target = target;
        this.part = new PartFile(target);
        this.policy = policy;
        this.progress = progress;
        this.sha256 = file.sha256();
    }

    /**
     * @throws ModelFileException if the file cannot be had; what came of it stays for a later
     *     attempt unless it is wrong
     */
    void run() throws InterruptedException {
        try {
            receiveAll();
            try {
                verify();
            } catch (ModelFileException e) {
                part.discard();
                if (!resumed) {
                    throw e;
                }
                // Bytes of two attempts may not belong together whatever the server said.
                receiveAll();
                verifyOrDiscard();
            }
            part.finish();
        } catch (IOException e) {
            throw Disk.failure("write", target, e);
        }
    }

    private void verifyOrDiscard() throws IOException {
        try {
            verify();
        } catch (ModelFileException e) {
            part.discard();
            throw e;
        }
    }

    private void receiveAll() throws IOException, InterruptedException {
        resumed = false;
        int failures = 0;
        while (true) {
            long before = part.size();
            switch (attempt()) {
                case Outcome.Complete _ -> {
                    return;
                }
                case Outcome.Broken(var why, var atLeast) -> {
                    boolean cameOn = part.size() - before >= RetryPolicy.PROGRESS_BYTES;
                    failures = cameOn ? 1 : failures + 1;
                    if (failures >= policy.attempts()) {
                        throw givenUp(why);
                    }
                    if (atLeast.compareTo(policy.maxDelay()) > 0) {
                        throw givenUp(
                                "%s; the server asks to wait %d s"
                                        .formatted(why, atLeast.toSeconds()));
                    }
                    var delay = policy.delay(failures);
                    Thread.sleep(delay.compareTo(atLeast) > 0 ? delay : atLeast);
                }
            }
        }
    }

    private ModelFileException givenUp(String why) throws IOException {
        long size = part.size();
        if (size == 0) {
            part.discard();
        }
        return new ModelFileException(
                "cannot fetch %s: %s. %s"
                        .formatted(
                                file.uri(),
                                why,
                                size == 0 || part.origin().isEmpty()
                                        ? "Try again later"
                                        : "Pull again to go on from %s"
                                                .formatted(ByteCount.text(size))));
    }

    private Outcome attempt() throws IOException, InterruptedException {
        var origin = part.origin().filter(known -> known.uri().equals(file.uri().toString()));
        long from = origin.isPresent() ? part.size() : 0;
        if (origin.isPresent() && from > 0 && from == origin.get().totalBytes()) {
            resumed = true;
            sha256 = sha256.or(origin.get()::sha256);
            return new Outcome.Complete();
        }
        try (var reply = http.get(file.uri(), conditions(origin, from))) {
            return switch (reply.status()) {
                case 200 -> receive(reply, 0, reply.number("content-length"));
                case 206 -> receiveRest(reply, origin, from);
                case 416 -> {
                    part.discard();
                    yield broken(
                            "the server has fewer bytes than were fetched already", Duration.ZERO);
                }
                case 408, 429 -> broken("it answers with status " + reply.status(), wait(reply));
                default -> {
                    if (reply.status() >= 500) {
                        yield broken("it answers with status " + reply.status(), wait(reply));
                    }
                    throw new ModelFileException(http.explain(reply.status(), file.uri()));
                }
            };
        } catch (DiskFailure e) {
            throw e.cause;
        } catch (IOException e) {
            refuseHopeless(file.uri(), e);
            return broken(Http.reason(e), Duration.ZERO);
        }
    }

    /** Some failures will not pass by waiting. */
    static void refuseHopeless(URI uri, IOException failure) {
        if (failure instanceof SSLHandshakeException) {
            throw new ModelFileException(
                    "%s has no certificate that this machine trusts: %s"
                            .formatted(uri, Http.reason(failure)),
                    failure);
        }
        if (failure instanceof ConnectException
                && failure.getCause() != null
                && (failure.getCause() instanceof UnresolvedAddressException
                        || failure.getCause().getCause() instanceof UnresolvedAddressException)) {
            throw new ModelFileException(
                    "no host is named %s: check the address and the network"
                            .formatted(uri.getHost()),
                    failure);
        }
    }

    private static Map<String, String> conditions(Optional<PartFile.Origin> origin, long from) {
        var headers = new HashMap<String, String>();
        if (origin.isPresent() && from > 0) {
            headers.put("Range", "bytes=%d-".formatted(from));
            headers.put("If-Range", origin.get().etag());
        }
        return headers;
    }

    private Outcome receiveRest(Http.Reply reply, Optional<PartFile.Origin> origin, long from)
            throws IOException, InterruptedException {
        var range = CONTENT_RANGE.matcher(reply.header("content-range").orElse(""));
        boolean continues =
                range.matches()
                        && Long.parseLong(range.group(1)) == from
                        && origin.isPresent()
                        && reply.header("etag").map(origin.get().etag()::equals).orElse(true)
                        && (origin.get().totalBytes() < 0
                                || origin.get().totalBytes() == Long.parseLong(range.group(2)));
        if (!continues) {
            part.discard();
            return broken("it sent another range than was asked for", Duration.ZERO);
        }
        resumed |= from > 0;
        return receive(reply, from, OptionalLong.of(Long.parseLong(range.group(2))));
    }

    private Outcome receive(Http.Reply reply, long from, OptionalLong total)
            throws IOException, InterruptedException {
        checkAnnouncement(reply, total);
        var earlier = from > 0 ? sha256 : Optional.<String>empty();
        sha256 = file.sha256().or(reply::sha256).or(() -> earlier);
        long at = from;
        try (var channel = open(reply, from, total)) {
            var meter =
                    new ProgressMeter(progress, String.valueOf(target.getFileName()), from, total);
            try {
                for (var buffers = reply.body().next();
                        !buffers.isEmpty();
                        buffers = reply.body().next()) {
                    for (var buffer : buffers) {
                        at += write(channel, buffer);
                    }
                    if (total.isPresent() && at > total.getAsLong()) {
                        part.discard();
                        throw new ModelFileException(
                                "%s sends more than the %d bytes that it announces"
                                        .formatted(file.uri(), total.getAsLong()));
                    }
                    meter.at(at);
                }
            } finally {
                meter.end(at);
            }
            force(channel);
        }
        return total.isPresent() && at < total.getAsLong()
                ? broken(
                        "the connection ended at byte %d of %d".formatted(at, total.getAsLong()),
                        Duration.ZERO)
                : new Outcome.Complete();
    }

    private void checkAnnouncement(Http.Reply reply, OptionalLong total) {
        reply.header("content-encoding")
                .filter(encoding -> !encoding.equalsIgnoreCase("identity"))
                .ifPresent(
                        encoding -> {
                            throw new ModelFileException(
                                    "%s sends the file encoded as %s although that was not asked for"
                                            .formatted(file.uri(), encoding));
                        });
        for (var stated : new OptionalLong[] {file.bytes(), reply.linkedSize()}) {
            if (stated.isPresent()
                    && total.isPresent()
                    && stated.getAsLong() != total.getAsLong()) {
                throw new ModelFileException(
                        "%s announces %d bytes, but the hub says that the file has %d"
                                .formatted(file.uri(), total.getAsLong(), stated.getAsLong()));
            }
        }
    }

    private FileChannel open(Http.Reply reply, long from, OptionalLong total) throws DiskFailure {
        try {
            Disk.requireRoom(Disk.folder(target), total.orElse(from) - from);
            var channel = part.open(from);
            part.remember(
                    reply.header("etag")
                            .filter(etag -> etag.startsWith("\""))
                            .map(
                                    etag ->
                                            new PartFile.Origin(
                                                    file.uri().toString(),
                                                    etag,
                                                    total.orElse(-1),
                                                    sha256)));
            return channel;
        } catch (IOException e) {
            throw new DiskFailure(e);
        }
    }

    private static int write(FileChannel channel, ByteBuffer buffer) throws DiskFailure {
        int count = buffer.remaining();
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw new DiskFailure(e);
        }
        return count;
    }

    private static void force(FileChannel channel) throws DiskFailure {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw new DiskFailure(e);
        }
    }

    private void verify() throws IOException {
        long size = part.size();
        if (file.bytes().isPresent() && file.bytes().getAsLong() != size) {
            throw new ModelFileException(
                    "%s sent %d bytes, but the hub says that the file has %d"
                            .formatted(file.uri(), size, file.bytes().getAsLong()));
        }
        if (sha256.isPresent()) {
            var actual = Disk.sha256(part.path());
            if (!actual.equals(sha256.get())) {
                throw new ModelFileException(
                        "what %s sent has the SHA-256 %s instead of %s: it was damaged or exchanged on the way. It was deleted"
                                .formatted(file.uri(), actual, sha256.get()));
            }
        }
        try {
            GgufFile.read(part.path());
        } catch (ModelFileException e) {
            throw new ModelFileException(
                    "what %s sent is not a model and was deleted: %s"
                            .formatted(file.uri(), e.getMessage()),
                    e);
        }
    }

    private static Outcome broken(String why, Duration atLeast) {
        return new Outcome.Broken(why, atLeast);
    }

    /** Retry-After in either of its forms. */
    static Duration wait(Http.Reply reply) {
        var header = reply.header("retry-after").orElse("").strip();
        if (header.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(header));
        }
        try {
            var until =
                    ZonedDateTime.parse(header, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            var wait = Duration.between(Instant.now(), until);
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeParseException _) {
            return Duration.ZERO;
        }
    }

    /** Keeps failures of the disk apart from those of the network, which are tried again. */
    private static final class DiskFailure extends IOException {
        private static final long serialVersionUID = 1L;

        private final IOException cause;

        DiskFailure(IOException cause) {
            super(cause);
            this.cause = cause;
        }
    }
}
