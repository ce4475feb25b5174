package dev.stator.cache.disk;

import java.util.List;

/**
 * Gauges and counters of a disk tier at one moment; counters count from its opening.
 *
 * @param readable false once reading has failed too often in all folders: everything is a miss
 * @param writable false once writing has failed in all folders: nothing is stored any more
 * @param folders of the tier
 * @param foldersReadable those that can be read
 * @param foldersWritable those that can be written
 * @param bytes of all segments
 * @param foreignBytes of segments that belong to another model, key or version
 * @param blocks that can be read
 * @param liveBytes of their records
 * @param queued blocks that wait to be written
 * @param queuedBytes of their records
 * @param hits reads that found what they looked for
 * @param misses reads of what is not here
 * @param readNanos of all hits together, from the first byte to the last one decrypted
 * @param bytesRead of payload
 * @param stored blocks written, without those written again
 * @param shed blocks not taken because too many waited
 * @param refusedOrphan blocks not taken because their parent is not here
 * @param evictedRoom blocks gone because their segment had to make room
 * @param evictedOrphan blocks gone because one before them had gone
 * @param rewritten blocks that were written again so that their segment could go
 * @param checksumFailures records that are not as they were written
 * @param collisions reads whose key was here with other tokens
 * @param readErrors reads that the file system failed
 * @param late promotions given up because computing was faster than reading
 * @param bytesStored of the records of {@code stored}
 * @param bytesWritten to files, all together; ÷ {@code bytesStored} is the write amplification
 */
public record DiskStats(
        boolean readable,
        boolean writable,
        int folders,
        int foldersReadable,
        int foldersWritable,
        long capacityBytes,
        long bytes,
        long foreignBytes,
        int segments,
        int blocks,
        long liveBytes,
        int queued,
        long queuedBytes,
        long hits,
        long misses,
        long readNanos,
        long bytesRead,
        long stored,
        long shed,
        long refusedOrphan,
        long evictedRoom,
        long evictedOrphan,
        long rewritten,
        long checksumFailures,
        long collisions,
        long readErrors,
        long late,
        long bytesStored,
        long bytesWritten) {
    static DiskStats of(
            DiskTierOptions options,
            Catalog catalog,
            WriteQueue queue,
            DiskCounters counters,
            boolean closed) {
        List<Segment> segments =
                catalog.folders().stream().flatMap(folder -> folder.all().stream()).toList();
        return new DiskStats(
                catalog.isReadable(),
                !closed && catalog.isWritable(),
                catalog.folders().size(),
                (int) catalog.folders().stream().filter(folder -> folder.readable).count(),
                (int) catalog.folders().stream().filter(folder -> folder.writable).count(),
                options.capacityBytes(),
                segments.stream().mapToLong(segment -> segment.bytes).sum(),
                segments.stream().filter(s -> s.foreign).mapToLong(s -> s.bytes).sum(),
                segments.size(),
                catalog.blocks(),
                catalog.liveBytes(),
                queue.size(),
                queue.bytes(),
                counters.hits,
                counters.misses,
                counters.readNanos,
                counters.bytesRead,
                counters.stored,
                counters.shed,
                counters.refusedOrphan,
                counters.evictedRoom,
                counters.evictedOrphan,
                counters.rewritten,
                counters.checksumFailures,
                counters.collisions,
                counters.readErrors,
                counters.late,
                counters.bytesStored,
                counters.bytesWritten);
    }
}
