package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One append-only file of records.
 *
 * <pre>
 * page      magic "STATORKV", u32 version, u64 key id, fingerprint (16)
 * records
 * record    of the index, once sealed
 * page      magic "STATORIX", u64 where the index begins, u64 its bytes, once sealed
 * </pre>
 *
 * What is sealed is not changed but for its end: a later process may cut the index off, append
 * records, and seal it again. Guarded by the tier's lock but for the file, which any thread may
 * read that has {@linkplain #readers registered}.
 */
final class Segment {
    static final long MAGIC = 0x5354_4154_4f52_4b56L;
    static final long TRAILER_MAGIC = 0x5354_4154_4f52_4958L;
    private static final Pattern NAME = Pattern.compile("segment-([0-9a-f]{16})\\.kv");

    final Folder folder;
    final long number;
    final Path path;
    final SegmentIo.File file;

    /** Blocks of others: another model's, under another key, of another version. */
    final boolean foreign;

    /** What is live and what was. */
    final List<DiskEntry> entries = new ArrayList<>();

    /** Of the file; grows while the segment is written. */
    long bytes;

    /** Bytes that it will have at most once it is sealed. */
    long mostBytes;

    /**
     * Where the records end and the index begins; 0 if it has none, and so cannot be gone on with.
     */
    long recordsEnd;

    int readers;

    /** Its index is being written, or has been, of what was live then. */
    boolean indexed;

    /** It has or will have an index that names erased blocks. */
    boolean stale;

    /** Removed as soon as the last reader has gone. */
    boolean doomed;

    Segment(
            Folder folder,
            long number,
            Path path,
            SegmentIo.File file,
            boolean foreign,
            long bytes) {
        this.folder = folder;
        this.number = number;
        this.path = path;
        this.file = file;
        this.foreign = foreign;
        this.bytes = bytes;
        this.mostBytes = bytes;
    }

    static Path path(Path folder, long number) {
        return folder.resolve("segment-%016x.kv".formatted(number));
    }

    static OptionalLong number(Path path) {
        Matcher name = NAME.matcher(path.getFileName().toString());
        return name.matches()
                ? OptionalLong.of(Long.parseUnsignedLong(name.group(1), 16))
                : OptionalLong.empty();
    }

    static void writeHead(NodeKey key, BlockKey fingerprint, ByteBuffer page) {
        int end = page.position() + RecordCodec.PAGE;
        page.putLong(MAGIC).putInt(RecordCodec.VERSION).putLong(key.id());
        RecordCodec.writeKey(fingerprint, page);
        while (page.position() < end) {
            page.put((byte) 0);
        }
    }

    /** Whether the head says that this process can read what follows. */
    static boolean isOwn(NodeKey key, BlockKey fingerprint, ByteBuffer page) {
        return page.getLong() == MAGIC
                && page.getInt() == RecordCodec.VERSION
                && page.getLong() == key.id()
                && RecordCodec.readKey(page).equals(fingerprint);
    }

    void close() {
        try {
            file.close();
        } catch (IOException _) {
            // Nothing was written that is not already known to be written.
        }
    }
}
