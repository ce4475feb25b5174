package dev.stator.sim.world;

/**
 * A tier below the device.
 *
 * @param bytes that it holds; 0 if there is none
 * @param bytesPerSecond that it gives all its readers together, and takes from all writers;
 *     infinite if only the readers' own links limit them
 */
public record Storage(long bytes, double bytesPerSecond) {
    public static final Storage NONE = new Storage(0, Double.POSITIVE_INFINITY);

    /** As fast as its readers. */
    public static Storage of(long bytes) {
        return new Storage(bytes, Double.POSITIVE_INFINITY);
    }
}
