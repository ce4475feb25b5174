package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.routing.Step;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Tier;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a router in another process hears of a node. */
final class NodeObserverTest {
    @TempDir Path folder;

    private static final class Heard implements NodeObserver {
        final ConcurrentLinkedQueue<BlockEvents> changes = new ConcurrentLinkedQueue<>();
        final AtomicInteger steps = new AtomicInteger();

        @Override
        public void changed(BlockEvents events) {
            changes.add(events);
        }

        @Override
        public void stepped(Step step, double millis) {
            steps.incrementAndGet();
        }

        @Override
        public void moved(Tier from, long tokens, double millis) {}
    }

    private static void generate(NodeFabric node, int seed, int length) throws Exception {
        var collected = new Collected();
        int[] prompt = new Random(seed).ints(length, 300, 1500).toArray();
        node.submit(DemoNode.request(prompt, 40), collected);
        collected.await();
    }

    private static TreeSet<Long> keys(Holding holding) {
        var keys = new TreeSet<Long>();
        LongStream.of(holding.keys()).forEach(keys::add);
        return keys;
    }

    @Test
    void whatItHeldAndWhatChangedSinceIsWhatItHolds() throws Exception {
        try (LlamaEngine engine = DemoNode.engine();
                // Room for some 17 blocks, so that many go again.
                var node =
                        NodeFabric.start(
                                engine, DemoNode.options(Mode.AUTO, 1, 1, DemoNode.MIB, folder))) {
            generate(node, 1, 300);
            var heard = new Heard();
            var stop = node.observe(heard);
            var before = node.holdings();
            for (int i = 2; i < 8; i++) {
                generate(node, i, 250);
            }

            assertThat(before).hasSize(1);
            var held = keys(before.getFirst());
            long sequence = before.getFirst().sequence();
            for (var events : List.copyOf(heard.changes)) {
                if (events.sequence() <= sequence) {
                    continue;
                }
                assertThat(events.place()).isEqualTo(before.getFirst().place());
                assertThat(events.sequence()).isEqualTo(++sequence);
                for (long key : events.keys()) {
                    switch (events.change()) {
                        case STORED -> held.add(key);
                        case REMOVED -> held.remove(key);
                        case CLEARED -> held.clear();
                    }
                }
            }
            assertThat(held).isEqualTo(keys(node.holdings().getFirst())).isNotEmpty();
            assertThat(heard.changes)
                    .anyMatch(events -> events.change() == BlockEvents.Change.REMOVED);
            assertThat(heard.steps.get()).isPositive();

            stop.run();
            int changes = heard.changes.size();
            generate(node, 9, 250);
            assertThat(heard.changes).hasSize(changes);
        }
    }

    @Test
    void aNodeThatIsIdleAgainSaysSo() throws Exception {
        try (LlamaEngine engine = DemoNode.engine();
                var node =
                        NodeFabric.start(
                                engine,
                                DemoNode.options(Mode.AUTO, 1, 1, 64 * DemoNode.MIB, folder))) {
            var idle = node.load(0);
            assertThat(idle.running()).isZero();
            assertThat(idle.freeTokens()).isEqualTo(node.spec("n").kvTokens());

            var collected = new Collected();
            node.submit(
                    DemoNode.request(new Random(1).ints(300, 300, 1500).toArray(), 400), collected);
            var busy = node.load(7);
            assertThat(busy.running() + busy.waitingPrompts()).isPositive();
            assertThat(busy.seen()).isEqualTo(7);
            collected.await();
            while (!node.load(0).equals(idle)) {
                Thread.sleep(5);
            }
        }
    }
}
