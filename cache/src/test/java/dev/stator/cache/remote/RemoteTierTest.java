package dev.stator.cache.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CacheException;
import dev.stator.cache.Inventory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RemoteTierTest {
    private static final Duration SHORT = Duration.ofMillis(50);

    private final MemoryStore store = new MemoryStore();
    private final Chain chain = Chain.random(1, 40);

    private RemoteTier tier() {
        return RemoteTier.open(store, Chain.options());
    }

    private RemoteTier impatient() {
        return RemoteTier.open(store, Chain.options().withTimes(SHORT, Duration.ofHours(1)));
    }

    private static void until(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 6000 && !condition.getAsBoolean(); i++) {
            TimeUnit.MILLISECONDS.sleep(5);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    @Test
    void whatOneNodeHasWrittenAnotherFinds() throws Exception {
        try (var one = tier();
                var other = tier()) {
            chain.store(one);
            assertThat(one.match(chain.keys(), 0)).isEqualTo(10);
            assertThat(other.match(chain.keys(), 0)).isZero();

            assertThat(other.lookFor(chain.keys()).get()).isEqualTo(10);

            assertThat(other.match(chain.keys(), 0)).isEqualTo(10);
            assertThat(one.stats().stored()).isEqualTo(10);
            assertThat(one.stats().bytesStored()).isEqualTo(10 * Chain.BLOCK_BYTES);
        }
    }

    @Test
    void whatIsErasedIsInTheStoreNoMoreAndNotKnownToBe() throws Exception {
        try (var tier = tier();
                var other = tier()) {
            chain.store(tier);
            var keys = new HashSet<>(chain.keys().subList(4, 10));

            tier.erase(keys).get();

            assertThat(tier.match(chain.keys(), 0)).isEqualTo(4);
            assertThat(other.lookFor(chain.keys()).get()).isEqualTo(4);
            assertThat(store.values).hasSize(4);
            // They may come again.
            chain.store(tier);
            assertThat(store.values).hasSize(10);
        }
    }

    @Test
    void whatCannotBeErasedYetIsSaidNotToBe() {
        try (var tier = tier()) {
            chain.store(tier);
            store.mood = MemoryStore.Mood.LOST;
            assertThat(tier.erase(new HashSet<>(chain.keys()))).failsWithin(Duration.ofSeconds(10));
            store.mood = MemoryStore.Mood.FINE;
            assertThat(store.values).hasSize(10);
        }
    }

    @Test
    void namesTellModelAndVersionButNotTheKey() {
        try (var tier = tier()) {
            chain.store(tier);
            for (var name : store.values.keySet()) {
                assertThat(name).startsWith("stator:1:" + Chain.MODEL + ":");
                for (var key : chain.keys()) {
                    assertThat(name).doesNotContain(key.toString());
                }
            }
        }
    }

    @Test
    void aPromptOfWhichNothingIsThereCostsOneQuestion() throws Exception {
        try (var tier = tier()) {
            var other = Chain.random(2, 4000);
            assertThat(tier.lookFor(other.keys()).get()).isZero();
            assertThat(store.questions).hasValue(1);
        }
    }

    @Test
    void theEndOfWhatIsThereIsFoundInFewQuestions() throws Exception {
        var random = new Random(7);
        for (int round = 0; round < 200; round++) {
            int blocks = 1 + random.nextInt(500);
            var prompt = Chain.random(round + 100, 4 * blocks);
            int there = random.nextInt(blocks + 1);
            try (var tier = tier()) {
                for (int block = 0; block < there; block++) {
                    store.values.put(tier.name(prompt.keys().get(block)), new byte[1]);
                }
                store.questions.set(0);
                assertThat(tier.lookFor(prompt.keys()).get()).isEqualTo(there);
                assertThat(tier.match(prompt.keys(), 0)).isEqualTo(there);
                assertThat(store.questions.get()).isLessThanOrEqualTo(4);
                tier.lookFor(prompt.keys().subList(0, there)).get();
                assertThat(store.questions.get()).isLessThanOrEqualTo(4);
            }
        }
    }

    @Test
    void aBlockWhoseBeginningIsNotThereIsNotWritten() {
        try (var tier = tier()) {
            assertThat(chain.offer(tier, 3)).isFalse();
            assertThat(tier.stats().refusedOrphan()).isEqualTo(1);
            assertThat(chain.offer(tier, 0)).isTrue();
            tier.awaitWritten();
            assertThat(chain.offer(tier, 0)).isFalse();
            assertThat(tier.stats().shed()).isZero();
        }
    }

    @Test
    void whatDoesNotFitIntoTheQueueIsShedAndReleased() throws Exception {
        store.mood = MemoryStore.Mood.SLOW_TO_WRITE;
        var released = new CopyOnWriteArrayList<Integer>();
        var longChain = Chain.random(3, 400);
        try (var tier =
                RemoteTier.open(
                        store,
                        Chain.options()
                                .withQueueBytes(3 * Chain.BLOCK_BYTES)
                                .withTimes(Duration.ofMillis(300), Duration.ZERO))) {
            for (int block = 0; block < longChain.blocks(); block++) {
                int number = block;
                tier.offer(
                        longChain.block(block),
                        longChain.tokens(block),
                        MemorySegment.ofArray(longChain.payload(block)),
                        () -> released.add(number));
            }
            assertThat(tier.stats().shed() + tier.stats().refusedOrphan()).isPositive();
            store.mood = MemoryStore.Mood.LOST;
            // What is on its way ends when the tier has no more patience with it.
        }
        until(() -> released.size() == longChain.blocks());
        assertThat(Set.copyOf(released)).hasSize(longChain.blocks());
    }

    @Test
    void aStoreThatFailsIsLeftAloneUntilItAnswersAgain() throws Exception {
        var warnings = new CopyOnWriteArrayList<String>();
        var heard = new HashSet<BlockKey>();
        var inventory =
                new Inventory() {
                    @Override
                    public void stored(BlockKey key) {
                        heard.add(key);
                    }

                    @Override
                    public void removed(BlockKey key) {
                        heard.remove(key);
                    }

                    @Override
                    public void cleared() {
                        heard.clear();
                    }
                };
        try (var tier =
                RemoteTier.open(
                        store,
                        Chain.options()
                                .withTimes(SHORT, Duration.ofHours(1))
                                .withInventory(inventory)
                                .withWarnings(warnings::add))) {
            chain.store(tier);
            assertThat(heard).hasSize(10);
            store.mood = MemoryStore.Mood.LOST;
            var other = Chain.random(4, 400);
            for (int i = 0; i < 3; i++) {
                assertThat(tier.lookFor(other.keys()).get()).isZero();
            }
            assertThat(tier.isReachable()).isFalse();
            assertThat(tier.match(chain.keys(), 0)).isZero();
            assertThat(heard).isEmpty();
            assertThat(store.resets.get()).isPositive();
            int asked = store.questions.get();
            assertThat(tier.lookFor(chain.keys()).get()).isZero();
            assertThat(chain.offer(tier, 0)).isFalse();
            assertThat(tier.stats().shed()).isPositive();
            assertThat(store.questions.get() - asked).isLessThanOrEqualTo(1);
            assertThat(warnings).hasSize(1);
            assertThat(warnings.getFirst()).contains("memory does not answer (lost)");

            store.mood = MemoryStore.Mood.FINE;
            until(tier::isReachable);
            assertThat(tier.lookFor(chain.keys()).get()).isEqualTo(10);
            until(() -> warnings.size() == 2);
            assertThat(warnings.getLast()).contains("answers again");
            assertThat(tier.stats().breakerOpenings()).isEqualTo(1);
        }
    }

    @Test
    void aStoreThatIsSilentCountsAsFailed() throws Exception {
        try (var tier = impatient()) {
            store.mood = MemoryStore.Mood.SILENT;
            for (int i = 0; i < 3; i++) {
                tier.lookFor(chain.keys()).get();
            }
            assertThat(tier.isReachable()).isFalse();
            assertThat(tier.stats().readErrors()).isEqualTo(3);
        }
    }

    @Test
    void writesThatFailAreCountedAndTriedAgainWhenOffered() throws Exception {
        try (var tier = impatient()) {
            store.mood = MemoryStore.Mood.LOST;
            chain.offer(tier, 0);
            tier.awaitWritten();
            assertThat(tier.stats().writeErrors()).isEqualTo(1);
            store.mood = MemoryStore.Mood.FINE;
            assertThat(chain.offer(tier, 0)).isTrue();
            tier.awaitWritten();
            assertThat(tier.stats().stored()).isEqualTo(1);
        }
    }

    @Test
    void whatHasOutlivedItsTimeIsWrittenAgain() throws Exception {
        try (var tier =
                RemoteTier.open(store, Chain.options().withTimes(Duration.ofSeconds(5), SHORT))) {
            chain.offer(tier, 0);
            tier.awaitWritten();
            until(() -> tier.match(chain.keys(), 0) == 0);
            assertThat(chain.offer(tier, 0)).isTrue();
        }
    }

    @Test
    void speedIsMeasuredAtTheStartAndWhenTheStoreIsBack() throws Exception {
        try (var tier = impatient()) {
            var blocks = new CopyOnWriteArrayList<Integer>();
            var first = new CountDownLatch(2);
            tier.watchSpeed(
                    (count, nanos) -> {
                        assertThat(nanos).isPositive();
                        blocks.add(count);
                        first.countDown();
                    });
            assertThat(first.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(Set.copyOf(blocks)).isEqualTo(Set.of(1, 8));
            store.mood = MemoryStore.Mood.LOST;
            for (int i = 0; i < 3; i++) {
                tier.lookFor(chain.keys()).get();
            }
            store.mood = MemoryStore.Mood.FINE;
            until(() -> blocks.size() == 4);
        }
    }

    @Test
    void aStoreThatIsNotThereAtTheStartIsLeftAloneAtOnce() throws Exception {
        store.mood = MemoryStore.Mood.LOST;
        try (var tier = impatient()) {
            tier.watchSpeed((_, _) -> {});
            until(() -> !tier.isReachable());
            store.mood = MemoryStore.Mood.FINE;
            until(tier::isReachable);
        }
    }

    @Test
    void whatIsKnownIsBoundedAndForgetsEndsBeforeBeginnings() {
        var stored = new ArrayList<BlockKey>();
        var inventory =
                new Inventory() {
                    @Override
                    public void stored(BlockKey key) {
                        stored.add(key);
                    }

                    @Override
                    public void removed(BlockKey key) {
                        stored.remove(key);
                    }

                    @Override
                    public void cleared() {
                        stored.clear();
                    }
                };
        var known = new KnownBlocks(12, Long.MAX_VALUE / 2, inventory);
        chain.keys().forEach(key -> known.add(key, 0));
        assertThat(known.match(chain.keys(), 0, 1)).isEqualTo(10);
        var other = Chain.random(9, 20);
        other.keys().forEach(key -> known.add(key, 1));
        assertThat(known.size()).isEqualTo(12);
        assertThat(stored).hasSize(12);
        assertThat(known.match(chain.keys(), 0, 1)).isEqualTo(7);
    }

    @Test
    void aKeyFileThatIsNoneIsRefusedWithWhatToDo(@TempDir Path folder) throws IOException {
        var file = folder.resolve("key");
        assertThatThrownBy(() -> SharedKey.read(file))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("cannot be read")
                .hasMessageContaining("head -c 32 /dev/urandom > " + file);
        Files.write(file, new byte[31]);
        assertThatThrownBy(() -> SharedKey.read(file))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("has 31 bytes");
        Files.write(file, new byte[32]);
        assertThat(SharedKey.read(file)).isEqualTo(Chain.KEY);
        assertThat(SharedKey.read(file).toString()).isEqualTo("shared key");
        assertThat(List.of(Chain.options()).toString()).doesNotContain("Secret");
    }
}
