package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Inventory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the tier holds: its folders, their segments, and the blocks in them. Decides where the next
 * segment goes and which must go for it. Guarded by the tier's lock; does no I/O.
 */
final class Catalog {
    private final DiskIndex index;
    private final Inventory inventory;
    private final DiskCounters counters;
    private final List<Folder> folders;

    Catalog(DiskTierOptions options, List<Folder> folders, DiskCounters counters) {
        this.index = new DiskIndex(options.policy());
        this.inventory = options.inventory();
        this.folders = List.copyOf(folders);
        this.counters = counters;
    }

    /** Takes over what was found, parents first, and leaves out what comes after a hole. */
    void adopt(List<Folder.Loaded> loaded) {
        Deque<Known> next = new ArrayDeque<>();
        Map<BlockKey, List<Known>> following = new HashMap<>();
        for (Folder.Loaded one : loaded) {
            Segment segment = one.segment();
            segment.folder.sealed(segment);
            for (SegmentReader.Found found : one.found()) {
                Known block = new Known(segment, found);
                if (found.block().position() == 0) {
                    next.add(block);
                } else {
                    following
                            .computeIfAbsent(found.block().parent(), _ -> new ArrayList<>())
                            .add(block);
                }
            }
        }
        adopt(next, following);
        // What comes after a hole cannot be read, but may have to be erased.
        following.values().stream().flatMap(List::stream).forEach(this::note);
    }

    private record Known(Segment segment, SegmentReader.Found found) {}

    private void note(Known left) {
        note(
                new DiskEntry(
                        left.found().block(),
                        left.segment(),
                        left.found().offset(),
                        left.found().frequency()));
    }

    /** Of a record that is in a file and that nobody can find. */
    void note(DiskEntry entry) {
        entry.gone = true;
        entry.segment.entries.add(entry);
    }

    private void adopt(Deque<Known> next, Map<BlockKey, List<Known>> following) {
        while (!next.isEmpty()) {
            Known block = next.poll();
            SegmentReader.Found found = block.found();
            // Being taken over counts as the use that its writing was.
            int frequency = Math.max(0, found.frequency() - 1);
            add(new DiskEntry(found.block(), block.segment(), found.offset(), frequency));
            List<Known> children = following.remove(found.block().key());
            if (children != null) {
                next.addAll(children);
            }
        }
    }

    Optional<DiskEntry> find(BlockKey key) {
        return index.find(key);
    }

    void use(DiskEntry entry) {
        index.use(entry);
    }

    /**
     * @return false if the block is here already, or its parent is not, or nobody could read it
     */
    boolean add(DiskEntry entry) {
        if (entry.segment.folder.readable && index.add(entry)) {
            inventory.stored(entry.block.key());
            return true;
        }
        return false;
    }

    /** The block lies there, too; from now on only there. */
    void move(DiskEntry entry, Segment to, long offset) {
        if (!entry.gone) {
            index.move(entry, to, offset);
            counters.rewritten++;
        }
    }

    /** Removes a block and all that follow it. */
    void remove(DiskEntry entry) {
        List<DiskEntry> removed = index.remove(entry);
        removed.forEach(one -> inventory.removed(one.block.key()));
        counters.evictedOrphan += Math.max(0, removed.size() - 1);
    }

    /** Removes a block that is to be erased, and all that follow it. */
    void erase(DiskEntry entry) {
        index.remove(entry).forEach(one -> inventory.removed(one.block.key()));
    }

    List<Segment> segments() {
        return folders.stream().flatMap(folder -> folder.all().stream()).toList();
    }

    /** The folder cannot be read: its blocks, and those that follow them elsewhere, are misses. */
    void forget(Folder folder) {
        folder.readable = false;
        folder.writable = false;
        if (!isReadable()) {
            forgetAll();
            return;
        }
        for (Segment segment : folder.all()) {
            List.copyOf(segment.entries).forEach(this::remove);
        }
    }

    void forgetAll() {
        index.clear();
        inventory.cleared();
    }

    boolean isReadable() {
        return folders.stream().anyMatch(folder -> folder.readable);
    }

    boolean isWritable() {
        return folders.stream().anyMatch(folder -> folder.writable);
    }

    List<Folder> folders() {
        return folders;
    }

    void endWriting() {
        folders.forEach(folder -> folder.writable = false);
    }

    /**
     * Where the next segment goes: the folder that is emptiest; if all are full, the one that has
     * the segment of least worth. Empty if none can be written.
     */
    Optional<Folder> next() {
        List<Folder> writable = folders.stream().filter(folder -> folder.writable).toList();
        Optional<Folder> roomy =
                writable.stream()
                        .filter(folder -> room(folder) >= 2 * folder.segmentBytes())
                        .max(Comparator.comparingDouble(f -> room(f) / (double) f.capacityBytes()));
        if (roomy.isPresent()) {
            return roomy;
        }
        return DiskIndex.victim(writable.stream().flatMap(f -> f.sealed().stream()).toList())
                .map(victim -> victim.folder)
                .or(() -> writable.stream().findFirst());
    }

    private static long room(Folder folder) {
        return folder.capacityBytes() - folder.usedBytes();
    }

    /**
     * A segment of the folder that earlier processes have left part empty, and that has room for
     * another record: the fewer bytes it has, the better. It is in the writer's hands from then on.
     */
    Optional<Segment> resume(Folder folder, int recordBytes) {
        Optional<Segment> found =
                folder.sealed().stream()
                        .filter(segment -> hasRoom(segment, recordBytes))
                        .min(Comparator.comparingLong(segment -> segment.bytes));
        found.ifPresent(
                segment -> {
                    long end = segment.recordsEnd;
                    folder.opened(segment);
                    segment.bytes = end;
                });
        return found;
    }

    private static boolean hasRoom(Segment segment, int recordBytes) {
        long most = segment.folder.segmentBytes();
        long needed = recordBytes + SegmentSealer.bytes(segment.entries.size() + 1);
        // What is nearly full was filled by one process.
        return segment.recordsEnd > 0
                && segment.bytes <= most / 4 * 3
                && segment.recordsEnd + needed <= most;
    }

    /** The segment that is to go so that so many more bytes fit the folder. */
    Optional<Segment> victim(Folder folder, long moreBytes) {
        return folder.usedBytes() + moreBytes > folder.capacityBytes()
                ? DiskIndex.victim(folder.sealed())
                : Optional.empty();
    }

    List<DiskEntry> keepers(Segment victim, long mostBytes) {
        return index.keepers(victim, mostBytes);
    }

    /** Removes a segment and what is in it; its file is the caller's to remove. */
    void evict(Segment victim) {
        index.evicted(victim);
        for (DiskEntry entry : List.copyOf(victim.entries)) {
            if (!entry.gone) {
                counters.evictedRoom++;
                remove(entry);
            }
        }
        victim.folder.removed(victim);
        close(victim);
    }

    /** What is live in a segment. */
    static List<SegmentReader.Found> live(Segment segment) {
        return segment.entries.stream()
                .filter(entry -> !entry.gone)
                .map(e -> new SegmentReader.Found(e.block, e.offset, e.frequency))
                .toList();
    }

    /** Closes all segments, each once nobody reads it any more. */
    void close() {
        forgetAll();
        for (Folder folder : folders) {
            folder.readable = false;
            folder.writable = false;
            folder.all().forEach(Catalog::close);
        }
    }

    private static void close(Segment segment) {
        segment.doomed = true;
        if (segment.readers == 0) {
            segment.close();
        }
    }

    static void leave(Segment segment) {
        segment.readers--;
        if (segment.doomed && segment.readers == 0) {
            segment.close();
        }
    }

    int blocks() {
        return index.size();
    }

    long liveBytes() {
        return index.bytes();
    }

    void checkIntegrity() {
        index.checkIntegrity(folders.stream().flatMap(f -> f.all().stream()).toList());
    }
}
