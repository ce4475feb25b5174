package dev.stator.cache.disk;

/**
 * Gauges and counters of a disk tier at one moment; counters count from its opening.
 *
 * @param readable false once reading has failed too often: everything is a miss
 * @param writable false once writing has failed: nothing is stored any more
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
 * @param bytesStored of the records of {@code stored}
 * @param bytesWritten to files, all together; ÷ {@code bytesStored} is the write amplification
 */
public record DiskStats(
        boolean readable,
        boolean writable,
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
        long bytesStored,
        long bytesWritten) {}
