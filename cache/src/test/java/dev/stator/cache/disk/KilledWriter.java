package dev.stator.cache.disk;

import java.nio.file.Path;

/** A process that stores blocks until it is killed, and says which it knows to be stored. */
final class KilledWriter {
    private KilledWriter() {}

    static Chain chain(long number) {
        return Chain.random(number, 3, 300 + (int) (number % 7) * 500);
    }

    static DiskTier open(Path folder) {
        return DiskTier.open(
                DiskTierOptions.of(folder, 256 << 20, 16 << 10, Chain.MODEL)
                        .withSegmentBytes(256 << 10)
                        .withWarnings(
                                warning -> {
                                    throw new AssertionError(warning);
                                }));
    }

    public static void main(String[] arguments) {
        var tier = open(Path.of(arguments[0]));
        for (long number = Long.parseLong(arguments[1]); ; number++) {
            var chain = chain(number);
            for (int block = 0; block < chain.blocks(); block++) {
                chain.offer(tier, block);
            }
            tier.awaitWritten();
            System.out.println(number);
        }
    }
}
