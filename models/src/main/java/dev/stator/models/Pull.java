package dev.stator.models;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Fetches models from a hub or any http(s) address into a cache folder. A broken transfer is taken
 * up again where it broke, by the next attempt or the next call; nothing gets its final name before
 * its length, its hash (where one is known) and its structure are right.
 */
public final class Pull {
    private final PullOptions options;
    private final Progress progress;
    private final RetryPolicy policy;

    private Pull(PullOptions options, Progress progress, RetryPolicy policy) {
        this.options = options;
        this.progress = progress;
        this.policy = policy;
    }

    /**
     * @param model the file to load: the only one or the first part
     * @param files all parts
     * @param downloaded false if everything was there already
     */
    public record Pulled(Path model, List<Path> files, boolean downloaded) {
        public Pulled {
            files = List.copyOf(files);
        }
    }

    /**
     * Fetches what is not there yet. Two calls for the same file, in this process or another, do
     * not disturb each other: the later one waits and finds the file.
     *
     * @throws ModelFileException if the model cannot be had, saying what to do
     */
    public static Pulled fetch(PullOptions options, Progress progress) {
        return fetch(options, progress, RetryPolicy.DEFAULT);
    }

    static Pulled fetch(PullOptions options, Progress progress, RetryPolicy policy) {
        return new Pull(options, progress, policy).fetch();
    }

    private Pulled fetch() {
        try (var http = new Http(options.endpoint(), options.token(), policy.stall())) {
            var files = withHash(locate(http));
            var paths = new ArrayList<Path>();
            boolean downloaded = false;
            for (var file : files) {
                var target = options.folder().resolve(file.path());
                paths.add(target);
                downloaded |= fetch(http, file, target);
            }
            return new Pulled(paths.getFirst(), paths, downloaded);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ModelFileException("the download was interrupted; pull again to go on", e);
        } catch (IOException e) {
            throw Disk.failure("fetch into", options.folder(), e);
        }
    }

    private List<RemoteFile> locate(Http http) throws IOException, InterruptedException {
        return switch (PullSource.parse(options.source())) {
            case PullSource.Address(var uri) -> addressed(uri);
            case PullSource.Hub source -> {
                var hub = new Hub(options.endpoint(), source);
                yield hub.namesFile() ? hub.named() : chosen(http, hub);
            }
        };
    }

    /** Asks the hub what there is; a hub that stumbles is asked again. */
    private List<RemoteFile> chosen(Http http, Hub hub) throws InterruptedException {
        for (int failures = 1; ; failures++) {
            String why;
            var wait = Duration.ZERO;
            try (var reply = http.get(hub.listing(), Map.of())) {
                int status = reply.status();
                if (status == 200) {
                    return hub.choose(reply);
                }
                if (status != 429 && status < 500) {
                    throw new ModelFileException(http.explain(status, hub.listing()));
                }
                why = "it answers with status " + status;
                wait = Transfer.wait(reply);
            } catch (IOException e) {
                Transfer.refuseHopeless(hub.listing(), e);
                why = Http.reason(e);
            }
            if (failures >= policy.attempts() || wait.compareTo(policy.maxDelay()) > 0) {
                throw new ModelFileException(
                        "cannot ask %s: %s. Try again later".formatted(hub.listing(), why));
            }
            var delay = policy.delay(failures);
            Thread.sleep(delay.compareTo(wait) > 0 ? delay : wait);
        }
    }

    private List<RemoteFile> withHash(List<RemoteFile> files) {
        if (options.sha256().isEmpty()) {
            return files;
        }
        if (files.size() > 1) {
            throw new ModelFileException(
                    "the model has %d files, so one SHA-256 cannot check it; leave it out"
                            .formatted(files.size()));
        }
        var file = files.getFirst();
        return List.of(new RemoteFile(file.uri(), file.path(), file.bytes(), options.sha256()));
    }

    private static List<RemoteFile> addressed(URI uri) {
        var raw = uri.getRawPath();
        var rawName = raw.substring(raw.lastIndexOf('/') + 1);
        var name = URLDecoder.decode(rawName.replace("+", "%2B"), StandardCharsets.UTF_8);
        if (name.isEmpty()) {
            throw new ModelFileException(
                    "%s names no file; give the address of a .gguf file".formatted(uri));
        }
        var split = SplitName.parse(name);
        if (split.isEmpty()) {
            var fileName = name.endsWith(".gguf") ? name : name + ".gguf";
            return List.of(addressed(uri, folder(uri), fileName));
        }
        var rawSplit = SplitName.parse(rawName).orElseThrow(() -> unsafe(uri));
        var first = sibling(uri, rawSplit.name(1));
        var files = new ArrayList<RemoteFile>();
        for (int part = 1; part <= split.get().parts(); part++) {
            files.add(
                    addressed(
                            sibling(uri, rawSplit.name(part)),
                            folder(first),
                            split.get().name(part)));
        }
        return files;
    }

    private static ModelFileException unsafe(URI uri) {
        return new ModelFileException("%s names no file that Stator writes".formatted(uri));
    }

    private static RemoteFile addressed(URI uri, String folder, String name) {
        return new RemoteFile(
                uri,
                folder + PullSource.requireSafePath(name),
                OptionalLong.empty(),
                Optional.empty());
    }

    /** A folder of its own for each address, since many servers have a model.gguf. */
    private static String folder(URI uri) {
        var host = uri.getHost().replaceAll("[^A-Za-z0-9.-]", "_");
        return "web/%s/%s/"
                .formatted(
                        host,
                        Disk.sha256(uri.toString().getBytes(StandardCharsets.UTF_8))
                                .substring(0, 12));
    }

    private static URI sibling(URI uri, String rawName) {
        var text = uri.toString();
        int query = text.indexOf('?');
        var tail = query < 0 ? "" : text.substring(query);
        var path = query < 0 ? text : text.substring(0, query);
        return URI.create(path.substring(0, path.lastIndexOf('/') + 1) + rawName + tail);
    }

    /**
     * @return whether it had to be downloaded
     */
    private boolean fetch(Http http, RemoteFile file, Path target)
            throws IOException, InterruptedException {
        if (isThere(file, target)) {
            return false;
        }
        Disk.folder(target);
        var part = new PartFile(target);
        var name = String.valueOf(target.getFileName());
        try (var _ =
                FileGuard.hold(
                        target,
                        () -> progress.report(name, part.size(), OptionalLong.empty(), 0))) {
            if (isThere(file, target)) {
                return false;
            }
            new Transfer(http, file, target, policy, progress).run();
            return true;
        }
    }

    /** A file has its name only once it was whole; one that was damaged since is fetched again. */
    private static boolean isThere(RemoteFile file, Path target) throws IOException {
        if (!Files.isRegularFile(target)) {
            return false;
        }
        try {
            var found = GgufFile.read(target);
            return file.bytes().orElse(found.fileBytes()) == found.fileBytes()
                    && (file.sha256().isEmpty() || file.sha256().get().equals(Disk.sha256(target)));
        } catch (ModelFileException _) {
            return false;
        }
    }
}
