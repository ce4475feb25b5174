package dev.stator.cache.disk;

/** What has happened since the tier was opened; see {@link DiskStats}. Guarded by its lock. */
final class DiskCounters {
    long hits;
    long misses;
    long readNanos;
    long bytesRead;
    long stored;
    long shed;
    long refusedOrphan;
    long evictedRoom;
    long evictedOrphan;
    long rewritten;
    long checksumFailures;
    long collisions;
    long readErrors;
    long late;
    long bytesStored;
    long bytesWritten;
}
