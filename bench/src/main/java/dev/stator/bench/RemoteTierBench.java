package dev.stator.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.remote.RemoteBlock;
import dev.stator.cache.remote.RemotePromoter;
import dev.stator.cache.remote.RemoteTier;
import dev.stator.cache.remote.RemoteTierOptions;
import dev.stator.cache.remote.SharedKey;
import dev.stator.remote.RemoteStores;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import redis.embedded.RedisServer;

/**
 * Writes blocks to the remote tier in a real redis-server and brings them to another node's host
 * tier, against a bare pipelined client that moves values of the same size and looks at none.
 */
@Command(
        name = "remote-tier",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Remote tier write and read / a bare pipelined Redis client; bar >= 0.8.")
final class RemoteTierBench extends Bench {
    private static final Bar BAR = Bar.atLeast(0.8);
    private static final int BLOCK_TOKENS = 32;

    /** As many as the tier asks for at a time. */
    private static final int PIPELINE = 16;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /**
     * Until then the host tier's memory has been touched, and the compiler, which takes more of the
     * cores than anything else in the first gigabytes, has done its work.
     */
    private static final int WARM_UP_ROUNDS = 15;

    @Option(
            names = "--block-kib",
            description = "Size of a block in KiB (default: ${DEFAULT-VALUE}, llama-3.2-1b).")
    private int blockKib = 1024;

    @Option(names = "--mib", description = "Bytes of one round (default: ${DEFAULT-VALUE}).")
    private int mib = 256;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 7;

    @Option(names = "--lossless", description = "Compress; the payload is half noise, as f16 is.")
    private boolean lossless;

    /** One prompt, of which all blocks have the same rows. */
    private record Prompt(BlockKey model, int[] tokens, List<BlockKey> keys) {
        static Prompt of(int round, int blocks) {
            int[] tokens = new Random(round).ints((long) blocks * BLOCK_TOKENS, 0, 1000).toArray();
            var model = BlockKey.root("bench");
            return new Prompt(model, tokens, BlockKey.chain(model, tokens, BLOCK_TOKENS));
        }

        BlockKey parent(int block) {
            return block == 0 ? model : keys.get(block - 1);
        }
    }

    @Override
    public Integer call() throws IOException {
        int blockBytes = blockKib << 10;
        int blocks = Math.max(1, (int) (((long) mib << 20) / blockBytes));
        long bytes = (long) blocks * blockBytes;
        var report =
                report(
                        "remote-tier",
                        BAR,
                        "block %d KiB, %d MiB a round, rounds %d, codec %s, pipeline %d; reference: a bare client on one socket"
                                .formatted(
                                        blockKib,
                                        bytes >> 20,
                                        rounds,
                                        lossless ? "lossless" : "raw",
                                        PIPELINE));
        var write = new ArrayList<Double>();
        var read = new ArrayList<Double>();
        int port = freePort();
        var server =
                RedisServer.newRedisServer()
                        .bind("127.0.0.1")
                        .port(port)
                        .setting("save \"\"")
                        .build();
        server.start();
        try (var bare = new BareRedis(port);
                var host =
                        HostTier.open(
                                HostTierOptions.of(
                                        memoryFolder(), bytes, blockBytes, BLOCK_TOKENS));
                var writer = tier(port, blockBytes, 2 * bytes);
                var reader = tier(port, blockBytes, 1);
                var promoter = new RemotePromoter(host, reader)) {
            for (int round = 1 - WARM_UP_ROUNDS; round <= rounds; round++) {
                var rows = rows(blockBytes, round);
                var prompt = Prompt.of(round, blocks);
                bare.flush();
                double bareWrite = bare.write(blocks, blockBytes, PIPELINE);
                long before = cpuNanos();
                double bareRead = bare.read(blocks, blockBytes, PIPELINE);
                long bareCpu = cpuNanos() - before;
                double tierWrite = write(writer, prompt, rows, blockBytes);
                var tierRead = read(reader, promoter, prompt);
                if (round < 1) {
                    continue;
                }
                report.line(
                        "round %d: write tier %.2f bare %.2f GB/s, read tier %.2f bare %.2f GB/s",
                        round,
                        bytes / tierWrite,
                        bytes / bareWrite,
                        bytes / tierRead.nanos,
                        bytes / bareRead);
                report.line(
                        "round %d: client's processor seconds per GB read: tier %.2f bare %.2f",
                        round, tierRead.cpuNanos / (double) bytes, bareCpu / (double) bytes);
                write.add(bareWrite / tierWrite);
                read.add(bareRead / tierRead.nanos);
            }
        } finally {
            server.stop();
        }
        report.ratio("remote-tier.write", median(write));
        report.ratio("remote-tier.read", median(read));
        return report.end();
    }

    /** Of all threads of this process. */
    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private static double median(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(v -> v).toArray()).median();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static MemorySegment rows(int bytes, int seed) {
        byte[] content = new byte[bytes];
        var random = new Random(seed);
        random.nextBytes(content);
        for (int i = 1; i < bytes; i += 2) {
            content[i] = (byte) (0x38 + random.nextInt(8));
        }
        return MemorySegment.ofBuffer(ByteBuffer.allocateDirect(bytes).put(content).flip());
    }

    private RemoteTier tier(int port, int blockBytes, long queueBytes) {
        return RemoteTier.open(
                RemoteStores.open("redis://127.0.0.1:" + port, PATIENCE),
                RemoteTierOptions.of(
                                SharedKey.of(new byte[32]),
                                BlockKey.root("bench"),
                                BLOCK_TOKENS,
                                blockBytes)
                        .withTimes(PATIENCE, Duration.ofHours(1))
                        .withQueueBytes(queueBytes)
                        .withCodec(lossless ? new PayloadCodec.Lossless(2) : PayloadCodec.RAW));
    }

    private static double write(
            RemoteTier tier, Prompt prompt, MemorySegment rows, int blockBytes) {
        int blocks = prompt.keys.size();
        long before = tier.stats().stored();
        await(tier.lookFor(prompt.keys));
        long start = System.nanoTime();
        for (int block = 0; block < blocks; block++) {
            int from = block * BLOCK_TOKENS;
            tier.offer(
                    new RemoteBlock(
                            prompt.keys.get(block),
                            prompt.parent(block),
                            from,
                            BLOCK_TOKENS,
                            blockBytes,
                            1),
                    Arrays.copyOfRange(prompt.tokens, from, from + BLOCK_TOKENS),
                    rows,
                    () -> {});
        }
        tier.awaitWritten();
        if (tier.stats().stored() - before != blocks) {
            throw new BenchException("the tier has not written every block");
        }
        return System.nanoTime() - start;
    }

    private record Spent(double nanos, long cpuNanos) {}

    private static Spent read(RemoteTier tier, RemotePromoter promoter, Prompt prompt) {
        await(tier.lookFor(prompt.keys));
        var brought = new CompletableFuture<Integer>();
        long cpu = cpuNanos();
        long start = System.nanoTime();
        promoter.promote(
                new RemotePromoter.Prompt(
                        prompt.model,
                        prompt.keys,
                        prompt.tokens,
                        prompt.tokens.length,
                        BLOCK_TOKENS),
                PATIENCE.toNanos(),
                new RemotePromoter.Listener() {
                    @Override
                    public void promoted(int tokens) {}

                    @Override
                    public void ended(int tokens, long nanos) {
                        brought.complete(tokens);
                    }
                });
        if (await(brought) != prompt.tokens.length) {
            throw new BenchException("the tier has lost a block");
        }
        return new Spent(System.nanoTime() - start, cpuNanos() - cpu);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new BenchException("the store does not answer: " + e);
        } catch (InterruptedException e) {
            throw new BenchException("interrupted");
        }
    }
}
