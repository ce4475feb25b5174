package dev.stator.cache.disk;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A folder of the tier: its lock, its key, and the segments in it. What changes in it is guarded by
 * the tier's lock.
 */
final class Folder implements AutoCloseable {
    /** A segment and what it says that it holds. */
    record Loaded(Segment segment, List<SegmentReader.Found> found) {}

    private final DiskTierOptions options;
    private final DiskFolder settings;
    private final FolderLock lock;
    private final NodeKey key;
    private final SegmentIo io;

    /** All but those in the writer's hands. */
    private final TreeMap<Long, Segment> sealed = new TreeMap<>();

    /** In the writer's hands: being filled, being sealed. */
    private final TreeMap<Long, Segment> open = new TreeMap<>();

    private long nextNumber = 1;

    /** False once reading has failed too often. */
    boolean readable = true;

    /** False once writing has failed. */
    boolean writable = true;

    int readErrorsInARow;

    private Folder(
            DiskTierOptions options,
            DiskFolder settings,
            FolderLock lock,
            NodeKey key,
            SegmentIo io) {
        this.options = options;
        this.settings = settings;
        this.lock = lock;
        this.key = key;
        this.io = io;
    }

    /**
     * @throws CacheException if it cannot be used, or another process does
     */
    static Folder open(DiskTierOptions options, DiskFolder settings, SegmentIo.Opener opener) {
        Path path = settings.path();
        try {
            FolderLock lock = FolderLock.take(path);
            try {
                NodeKey key = NodeKey.load(path, options.keyFile(), options.warnings());
                return new Folder(options, settings, lock, key, opener.open(path));
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        } catch (IOException | UnsupportedOperationException e) {
            throw unusable(path, e);
        }
    }

    static CacheException unusable(Path path, Exception e) {
        return new CacheException(
                "The disk tier cannot use %s: %s. Name a folder on a local, writable file system."
                        .formatted(path, e),
                e);
    }

    Path path() {
        return settings.path();
    }

    NodeKey key() {
        return key;
    }

    long capacityBytes() {
        return settings.capacityBytes();
    }

    long segmentBytes() {
        return settings.segmentBytes();
    }

    Collection<Segment> sealed() {
        return sealed.values();
    }

    List<Segment> all() {
        List<Segment> all = new ArrayList<>(sealed.values());
        all.addAll(open.values());
        return all;
    }

    /** Bytes of the files, or what they will have at most once they are sealed. */
    long usedBytes() {
        return all().stream().mapToLong(segment -> segment.mostBytes).sum();
    }

    long nextNumber() {
        return nextNumber++;
    }

    /** Only the writer may change it from now on, and only it lets it go. */
    void opened(Segment segment) {
        sealed.remove(segment.number);
        open.put(segment.number, segment);
        segment.mostBytes = Math.max(segment.bytes, segmentBytes());
        segment.recordsEnd = 0;
        segment.indexed = false;
        segment.stale = false;
    }

    void sealed(Segment segment) {
        open.remove(segment.number);
        sealed.put(segment.number, segment);
        segment.mostBytes = segment.bytes;
    }

    void removed(Segment segment) {
        open.remove(segment.number);
        sealed.remove(segment.number);
    }

    /**
     * Reads what there is, oldest first. What cannot be read is left alone until its room is
     * needed.
     */
    List<Loaded> load() {
        List<Path> paths;
        try (Stream<Path> files = Files.list(path())) {
            paths = files.filter(file -> Segment.number(file).isPresent()).sorted().toList();
        } catch (IOException e) {
            throw new CacheException(
                    "The disk tier's folder %s cannot be read: %s".formatted(path(), e), e);
        }
        List<Loaded> loaded = new ArrayList<>();
        SegmentReader reader = new SegmentReader(key, new ReadBuffer(options.fingerprint()));
        SegmentSealer sealer = new SegmentSealer(options.fingerprint());
        for (Path path : paths) {
            nextNumber = Math.max(nextNumber, Segment.number(path).orElseThrow() + 1);
            try {
                load(path, reader, sealer, loaded);
            } catch (IOException e) {
                options.warnings()
                        .accept("%s cannot be read and is ignored: %s".formatted(path, e));
            }
        }
        return loaded;
    }

    private void load(Path path, SegmentReader reader, SegmentSealer sealer, List<Loaded> loaded)
            throws IOException {
        long number = Segment.number(path).orElseThrow();
        SegmentIo.File file = io.open(path, false);
        long size = file.size();
        if (size == 0) {
            remove(path, file);
            return;
        }
        boolean own = size >= RecordCodec.PAGE && isOwn(file);
        if (!own) {
            loaded.add(new Loaded(new Segment(this, number, path, file, true, size), List.of()));
            return;
        }
        SegmentReader.Contents contents = reader.read(file, size);
        if (contents.found().isEmpty() && !contents.sealed()) {
            remove(path, file);
            return;
        }
        Segment segment = new Segment(this, number, path, file, false, size);
        if (contents.sealed() || seal(segment, sealer, contents)) {
            segment.recordsEnd = contents.end();
        }
        loaded.add(new Loaded(segment, contents.found()));
    }

    /** Of what a process that died had just begun. */
    private void remove(Path path, SegmentIo.File file) throws IOException {
        file.close();
        io.remove(path);
    }

    private boolean isOwn(SegmentIo.File file) throws IOException {
        ByteBuffer head = SegmentIo.buffer(RecordCodec.PAGE).limit(RecordCodec.PAGE);
        file.read(head, 0);
        return Segment.isOwn(key, options.fingerprint(), head.flip());
    }

    /** Ends a segment that a process which died was writing; false if it cannot be. */
    private boolean seal(Segment segment, SegmentSealer sealer, SegmentReader.Contents contents) {
        try (SegmentIo.File writable = io.open(segment.path, true)) {
            segment.bytes = sealer.seal(key, writable, contents.end(), contents.found());
            segment.mostBytes = segment.bytes;
            return true;
        } catch (IOException e) {
            options.warnings()
                    .accept(
                            "%s cannot be completed, so it is read through at each start: %s"
                                    .formatted(segment.path, e));
            return false;
        }
    }

    /** A new segment whose file is empty. */
    Segment create(long number) throws IOException {
        Path path = Segment.path(path(), number);
        io.create(path).close();
        try {
            return new Segment(this, number, path, io.open(path, false), false, 0);
        } catch (IOException | RuntimeException e) {
            io.remove(path);
            throw e;
        }
    }

    /** Another handle of a segment, to write with. */
    SegmentIo.File writable(Segment segment) throws IOException {
        return io.open(segment.path, true);
    }

    /** The file of a segment that has gone from the catalog. */
    void delete(Segment segment) throws IOException {
        io.remove(segment.path);
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException _) {
            // It ends with the process at the latest.
        }
    }
}
