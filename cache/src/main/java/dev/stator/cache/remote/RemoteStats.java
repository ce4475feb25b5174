package dev.stator.cache.remote;

/**
 * Gauges and counters of a remote tier at one moment; counters count from its opening.
 *
 * @param reachable false while the store is not asked, because it has failed
 * @param known blocks that are known to be in the store
 * @param queued blocks that wait to be written
 * @param queuedBytes of their payloads
 * @param hits reads that found what they looked for
 * @param misses reads of what is not there, or not to be used
 * @param readNanos of all hits together, from the moment when somebody waits for the value
 * @param bytesRead of payload
 * @param bytesReceived of values, good or bad
 * @param stored blocks written
 * @param bytesStored of their payloads
 * @param bytesSent of their values
 * @param shed blocks not written because too many waited, or the store was not to be reached
 * @param refusedOrphan blocks not taken because their parent is not known to be there
 * @param checksumFailures values that are not as they were written under our key
 * @param foreign values of another format version or model
 * @param collisions values of other tokens than the ones asked for
 * @param readErrors questions that failed or took too long
 * @param writeErrors writes that failed or took too long
 * @param givenUp promotions that ended because computing was not slower any more
 * @param probes questions what is there
 * @param probeNanos of those that were answered, all together
 * @param breakerOpenings how often the store was given up for a while
 */
public record RemoteStats(
        boolean reachable,
        int known,
        int queued,
        long queuedBytes,
        long hits,
        long misses,
        long readNanos,
        long bytesRead,
        long bytesReceived,
        long stored,
        long bytesStored,
        long bytesSent,
        long shed,
        long refusedOrphan,
        long checksumFailures,
        long foreign,
        long collisions,
        long readErrors,
        long writeErrors,
        long givenUp,
        long probes,
        long probeNanos,
        long breakerOpenings) {}
