package dev.stator.bench;

import dev.stator.routing.Policy;
import dev.stator.serving.Account;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Blocks that one node fetches from another's host tier, both processes of their own in a real
 * cluster, against a plain socket between two processes that moves the same bytes in the same
 * chunks. Once without a cluster key and once with one.
 */
@Command(
        name = "peer",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Blocks from a peer's host tier, GB/s / raw TCP on the same path; bar >= 0.8.")
final class PeerBench extends Bench {
    private static final Bar BAR = Bar.atLeast(0.8);

    /** How many prompts have room in a tier. */
    private static final int PROMPTS = 2;

    @Option(
            names = "--block-kib",
            description = "Size of a block in KiB (default: ${DEFAULT-VALUE}, llama-3.2-1b).")
    private int blockKib = 1024;

    @Option(names = "--mib", description = "Bytes of one round (default: ${DEFAULT-VALUE}).")
    private int mib = 64;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 9;

    /** Rounds that do not count: slots get their space, code is compiled. */
    @Option(names = "--warm-up", description = "Rounds before (default: ${DEFAULT-VALUE}).")
    private int warmUp = 10;

    @Override
    public Integer call() {
        var report =
                report(
                        "peer",
                        BAR,
                        "block %d KiB, %d MiB a round, rounds %d".formatted(blockKib, mib, rounds));
        int blocks = (mib << 10) / blockKib;
        int bytes = blockKib << 10;
        for (boolean keyed : new boolean[] {false, true}) {
            try (var raw = new Raw(bytes, blocks);
                    var cluster = new Pair(blocks, bytes, keyed)) {
                measure(report, keyed ? "keyed" : "plain", raw, cluster);
            }
        }
        return report.end();
    }

    private void measure(Report report, String name, Raw raw, Pair cluster) {
        var ratios = new ArrayList<Double>();
        double bytes = (double) mib * (1 << 20);
        for (int round = 1 - warmUp; round <= rounds; round++) {
            double reference = raw.nanos();
            double own = cluster.fetchNanos(round > 0);
            if (round > 0) {
                ratios.add(reference / own);
                report.line(
                        "%s, round %d: from the peer %.2f GB/s, raw TCP %.2f GB/s",
                        name, round, bytes / own, bytes / reference);
            }
        }
        double ratio = Samples.of(ratios).median();
        if (name.equals("plain")) {
            report.ratio("peer.plain", ratio);
        } else {
            // The reference encrypts nothing.
            report.extra("peer." + name, ratio);
        }
    }

    /** The reference's two processes. */
    private static final class Raw implements AutoCloseable {
        private final Child sender;
        private final Child receiver;

        Raw(int chunk, int chunks) {
            var sizes = List.of(String.valueOf(chunk), String.valueOf(chunks));
            sender =
                    Child.java(
                            "the sender",
                            RawTcpProcess.class,
                            "send",
                            sizes.getFirst(),
                            sizes.getLast());
            receiver =
                    Child.java(
                            "the receiver",
                            RawTcpProcess.class,
                            "receive",
                            sizes.getFirst(),
                            sizes.getLast(),
                            sender.expect("port "));
        }

        double nanos() {
            receiver.say("all");
            return Double.parseDouble(receiver.expect("nanos "));
        }

        @Override
        public void close() {
            receiver.close();
            sender.close();
        }
    }

    /** Two nodes, which take turns, and a frontend in this process. */
    private static final class Pair implements AutoCloseable {
        private final Child first;
        private final Child second;
        private final ClusterFrontend frontend;
        private final Prompts prompts;
        private final int blocks;

        Pair(int blocks, int blockBytes, boolean keyed) {
            this.blocks = blocks;
            int port = ClusterFrontend.freePort();
            var what =
                    List.of("tier", String.valueOf(PROMPTS * blocks), String.valueOf(blockBytes));
            var model = new InstantFabric();
            first = ClusterNodeProcess.start("a", port, 0, keyed, what);
            first.expect("ready");
            second = ClusterNodeProcess.start("b", ClusterFrontend.freePort(), port, keyed, what);
            second.expect("ready");
            prompts = new Prompts(model.model().vocabularySize(), System.nanoTime());
            frontend =
                    ClusterFrontend.join(
                                    port,
                                    keyed,
                                    Policy.ROUND_ROBIN,
                                    (blocks + 2) * SyntheticNode.BLOCK_TOKENS,
                                    model.model(),
                                    model.tokenizer())
                            .awaitNodes(2);
        }

        /** One node gets all blocks of a new prompt; then the other fetches them. */
        double fetchNanos(boolean counts) {
            int[] prompt = prompts.next(blocks * SyntheticNode.BLOCK_TOKENS + 1);
            frontend.ask(prompt, 1).awaitEnd();
            ClusterFrontend.settle();
            Account account = frontend.ask(prompt, 1).awaitEnd();
            if (counts) {
                Node.expectFrom(account, "peer", blocks * SyntheticNode.BLOCK_TOKENS);
            }
            return account.stageMillis().getOrDefault("peer", 0.0) * 1e6;
        }

        @Override
        public void close() {
            frontend.close();
            second.close();
            first.close();
        }
    }
}
