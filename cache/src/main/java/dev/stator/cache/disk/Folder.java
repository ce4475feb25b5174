package dev.stator.cache.disk;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The tier's folder: its lock, its key, and the segments that are found in it. */
final class Folder implements AutoCloseable {
    /** A segment and what it says that it holds. */
    record Loaded(Segment segment, List<SegmentReader.Found> found) {}

    private final DiskTierOptions options;
    private final FolderLock lock;
    private final NodeKey key;
    private final SegmentIo io;

    private Folder(DiskTierOptions options, FolderLock lock, NodeKey key, SegmentIo io) {
        this.options = options;
        this.lock = lock;
        this.key = key;
        this.io = io;
    }

    /**
     * @throws CacheException if it cannot be used, or another process does
     */
    static Folder open(DiskTierOptions options, SegmentIo.Opener opener) {
        Path path = options.directory();
        try {
            Files.createDirectories(path);
            FolderLock lock = FolderLock.take(path);
            try {
                NodeKey key = NodeKey.load(path, options.keyFile(), options.warnings());
                return new Folder(options, lock, key, opener.open(path));
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        } catch (IOException | UnsupportedOperationException e) {
            throw new CacheException(
                    "The disk tier cannot use %s: %s. Name a folder on a local, writable file system."
                            .formatted(path, e),
                    e);
        }
    }

    NodeKey key() {
        return key;
    }

    RecordCodec codec() {
        return new RecordCodec(key, options.fingerprint());
    }

    ReadBuffer readBuffer() {
        return new ReadBuffer(key, options.fingerprint());
    }

    /**
     * Reads what there is, oldest first. What cannot be read is left alone until its room is
     * needed.
     */
    List<Loaded> load() {
        List<Path> paths;
        try (Stream<Path> files = Files.list(options.directory())) {
            paths = files.filter(file -> Segment.number(file).isPresent()).sorted().toList();
        } catch (IOException e) {
            throw new CacheException(
                    "The disk tier's folder %s cannot be read: %s"
                            .formatted(options.directory(), e),
                    e);
        }
        List<Loaded> loaded = new ArrayList<>();
        SegmentReader reader = new SegmentReader(readBuffer());
        try (SegmentWriter sealer =
                new SegmentWriter(codec(), options.segmentBytes(), (_, _, _) -> {})) {
            for (Path path : paths) {
                try {
                    load(path, reader, sealer, loaded);
                } catch (IOException e) {
                    options.warnings()
                            .accept("%s cannot be read and is ignored: %s".formatted(path, e));
                }
            }
        }
        return loaded;
    }

    private void load(Path path, SegmentReader reader, SegmentWriter sealer, List<Loaded> loaded)
            throws IOException {
        long number = Segment.number(path).orElseThrow();
        SegmentIo.File file = io.open(path, false);
        long size = file.size();
        boolean own = size >= RecordCodec.PAGE && isOwn(file);
        if (!own) {
            loaded.add(new Loaded(new Segment(number, path, file, true, size), List.of()));
            return;
        }
        SegmentReader.Contents contents = reader.read(file, size);
        long bytes = contents.sealed() ? size : seal(path, size, sealer, contents);
        if (bytes == 0) {
            file.close();
            Files.deleteIfExists(path);
        } else {
            loaded.add(new Loaded(new Segment(number, path, file, false, bytes), contents.found()));
        }
    }

    private boolean isOwn(SegmentIo.File file) throws IOException {
        ByteBuffer head = SegmentIo.buffer(RecordCodec.PAGE).limit(RecordCodec.PAGE);
        file.read(head, 0);
        return Segment.isOwn(key, options.fingerprint(), head.flip());
    }

    /**
     * Ends a segment that a process which died was writing.
     *
     * @return its size, 0 if it holds nothing
     */
    private long seal(Path path, long size, SegmentWriter sealer, SegmentReader.Contents contents) {
        if (contents.found().isEmpty()) {
            return 0;
        }
        try (SegmentIo.File writable = io.open(path, true)) {
            return sealer.seal(writable, contents.end(), contents.found());
        } catch (IOException e) {
            options.warnings()
                    .accept(
                            "%s cannot be completed, so it is read through at each start: %s"
                                    .formatted(path, e));
            return size;
        }
    }

    /** A new segment that has but its head. */
    Segment create(long number) throws IOException {
        Path path = Segment.path(options.directory(), number);
        SegmentIo.File file = io.create(path);
        try {
            ByteBuffer head = SegmentIo.buffer(RecordCodec.PAGE);
            Segment.writeHead(key, options.fingerprint(), head);
            file.write(head.flip(), 0);
            return new Segment(number, path, file, false, RecordCodec.PAGE);
        } catch (IOException | RuntimeException e) {
            file.close();
            Files.deleteIfExists(path);
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
