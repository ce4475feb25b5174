package dev.stator.bench;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.disk.DiskTier;
import dev.stator.cache.disk.DiskTierOptions;
import dev.stator.cache.disk.Promoter;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CountDownLatch;

/**
 * A process that opens a large disk tier and brings one conversation of it up: {@code FOLDER
 * BLOCK_BYTES CHAIN}; says when it has done either.
 */
final class DiskRestartProcess {
    static final int BLOCK_TOKENS = 32;
    static final int CHAIN_BLOCKS = 32;
    static final BlockKey ROOT = BlockKey.root("bench");

    private DiskRestartProcess() {}

    static DiskTierOptions options(Path folder, int blockBytes) {
        return DiskTierOptions.of(folder, 25L << 30, blockBytes, ROOT);
    }

    static int[] tokens(int chain) {
        return new Random(chain).ints((long) CHAIN_BLOCKS * BLOCK_TOKENS, 0, 128_000).toArray();
    }

    public static void main(String[] arguments) throws InterruptedException {
        int blockBytes = Integer.parseInt(arguments[1]);
        int[] tokens = tokens(Integer.parseInt(arguments[2]));
        try (var disk = DiskTier.open(options(Path.of(arguments[0]), blockBytes));
                var host =
                        HostTier.open(
                                HostTierOptions.of(
                                        Bench.memoryFolder(),
                                        2L * CHAIN_BLOCKS * blockBytes,
                                        blockBytes,
                                        BLOCK_TOKENS));
                var promoter = new Promoter(host, disk)) {
            var stats = disk.stats();
            System.out.println(
                    "opened %d blocks, %.1f GB".formatted(stats.blocks(), stats.bytes() / 1e9));
            var keys = BlockKey.chain(ROOT, tokens, BLOCK_TOKENS);
            var ended = new CountDownLatch(1);
            promoter.promote(
                    new Promoter.Prompt(ROOT, keys, tokens, tokens.length, BLOCK_TOKENS),
                    new Promoter.Listener() {
                        @Override
                        public void promoted(int tokens) {}

                        @Override
                        public void ended(int brought, long nanos) {
                            if (brought == tokens.length) {
                                ended.countDown();
                            }
                        }
                    });
            ended.await();
            System.out.println("hit");
        }
    }
}
