package dev.stator.sim.time;

/**
 * A link as one GPU sees it.
 *
 * @param gigabytesPerSecond nominal, in one direction, in units of 10^9 bytes
 * @param efficiency share of the nominal rate that large transfers reach
 * @param latencyMillis from asking to the first byte
 */
public record Wire(double gigabytesPerSecond, double efficiency, double latencyMillis) {
    double bytesPerSecond() {
        return gigabytesPerSecond * 1e9 * efficiency;
    }
}
