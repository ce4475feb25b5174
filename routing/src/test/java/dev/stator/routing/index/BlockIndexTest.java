package dev.stator.routing.index;

import static dev.stator.routing.index.Chains.branch;
import static dev.stator.routing.index.Chains.chain;
import static dev.stator.routing.index.Chains.depths;
import static dev.stator.routing.index.Chains.device;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.routing.index.BlockEvents.Change;
import dev.stator.routing.index.Chains.Source;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BlockIndexTest {
    private static final IndexOptions SMALL = new IndexOptions(1 << 20);

    private final SplittableRandom random = new SplittableRandom(1);
    private final BlockIndex index = new BlockIndex(SMALL);

    @Test
    void anEmptyIndexKnowsNobody() {
        assertThat(depths(index, 1, 2, 3)).isEmpty();
        assertThat(depths(index)).isEmpty();
        assertThat(index.stats().places()).isZero();
    }

    @Test
    void everyPlaceHasItsOwnDepth() {
        long[] prompt = chain(random, 1_000);
        Map<String, Integer> expected = new TreeMap<>();
        for (int worker = 0; worker < 100; worker++) {
            int depth = 1 + random.nextInt(1_000);
            new Source(device(worker), index::apply).stores(Arrays.copyOf(prompt, depth));
            expected.put("worker-" + worker, depth);
        }

        assertThat(depths(index, prompt)).isEqualTo(expected);
    }

    @Test
    void matchesComeShallowestFirst() {
        long[] prompt = chain(random, 64);
        new Source(device(0), index::apply).stores(prompt);
        new Source(device(1), index::apply).stores(Arrays.copyOf(prompt, 5));
        Matches matches = new Matches();

        index.match(prompt, prompt.length, matches);

        assertThat(matches.places()).isEqualTo(2);
        assertThat(matches.depth(0)).isEqualTo(5);
        assertThat(matches.depth(1)).isEqualTo(64);
        assertThat(matches.place(1)).isEqualTo(index.place(device(0)));
    }

    @Test
    void onlyAsManyBlocksAsAskedForAreLookedAt() {
        long[] prompt = chain(random, 64);
        new Source(device(0), index::apply).stores(prompt);
        Matches matches = new Matches();

        index.match(prompt, 10, matches);

        assertThat(matches.depth(0)).isEqualTo(10);
    }

    @Test
    void promptsShareWhatTheyBeginWith() {
        long[] one = chain(random, 100);
        long[] other = branch(one, 37, chain(random, 63));
        new Source(device(0), index::apply).stores(one);

        assertThat(depths(index, other)).containsExactly(Map.entry("worker-0", 37));
    }

    @Test
    void aPlaceWithoutTheFirstBlockDoesNotCount() {
        long[] prompt = chain(random, 10);
        Source source = new Source(device(0), index::apply);
        source.stores(prompt);
        source.removes(prompt[0]);

        assertThat(depths(index, prompt)).isEmpty();
    }

    @Test
    void removedBlocksEndThePrefix() {
        long[] prompt = chain(random, 100);
        Source source = new Source(device(0), index::apply);
        source.stores(prompt);
        source.removes(Arrays.copyOfRange(prompt, 60, 100));

        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 60));
        assertThat(index.stats().blocks()).isEqualTo(60);
        assertThat(index.stats().memberships()).isEqualTo(60);
    }

    @Test
    void keysNeedNotBeRandom() {
        long[] prompt = new long[5_000];
        Arrays.setAll(prompt, i -> i);
        Source source = new Source(device(0), index::apply);
        source.stores(prompt);

        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 5_000));
        assertThat(index.stats().blocks()).isEqualTo(5_000);
    }

    @Test
    void tiersOfOneOwnerAreDifferentPlaces() {
        long[] prompt = chain(random, 10);
        Place host = new Place(Tier.HOST, "node");
        Place disk = new Place(Tier.DISK, "node");
        new Source(host, index::apply).stores(Arrays.copyOf(prompt, 3));
        new Source(disk, index::apply).stores(prompt);
        Matches matches = new Matches();

        index.match(prompt, prompt.length, matches);

        assertThat(index.place(matches.place(0))).isEqualTo(host);
        assertThat(index.place(matches.place(1))).isEqualTo(disk);
    }

    @Test
    void aClearedPlaceHoldsNothingAtOnceAndMayStoreAgain() {
        long[] prompt = chain(random, 10);
        Source source = new Source(device(0), index::apply);
        source.stores(prompt);
        source.clears();
        assertThat(depths(index, prompt)).isEmpty();

        source.stores(Arrays.copyOf(prompt, 4));
        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 4));
    }

    @Test
    void aDroppedPlaceIsGoneAtOnceAndOthersStay() {
        long[] prompt = chain(random, 10);
        new Source(device(0), index::apply).stores(prompt);
        new Source(device(1), index::apply).stores(prompt);

        index.drop(device(0));

        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-1", 10));
        assertThat(index.stats().places()).isEqualTo(1);
    }

    @Test
    void whatADroppedPlaceHeldIsReclaimedByLaterChanges() {
        Source gone = new Source(device(0), index::apply);
        gone.stores(chain(random, 10_000));
        Source stays = new Source(device(1), index::apply);
        stays.stores(chain(random, 1_000));
        index.drop(device(0));
        assertThat(index.stats().reclaiming()).isEqualTo(1);

        for (int i = 0; index.stats().reclaiming() > 0; i++) {
            assertThat(i).as("batches until all is reclaimed").isLessThan(1_000);
            stays.stores(chain(random, 16));
        }

        assertThat(index.stats().blocks()).isLessThan(1_000 + 1_000 * 16);
        assertThat(index.stats().blocks()).isEqualTo(index.stats().memberships());
    }

    @Test
    void numbersOfDroppedPlacesAreUsedAgainOnceReclaimed() {
        for (int worker = 0; worker < 2_000; worker++) {
            Source source = new Source(device(worker), index::apply);
            source.stores(chain(random, 100));
            assertThat(index.place(device(worker))).isLessThan(500);
            index.drop(device(worker));
        }
    }

    @Test
    void moreTenuresThanThereIsRoomForAreReclaimedFirst() {
        Source source = new Source(device(0), index::apply);
        long[] prompt = chain(random, 3);
        for (int i = 0; i < HolderSets.MAX_TENURES + 10; i++) {
            source.stores(prompt);
            source.clears();
        }
        source.stores(prompt);

        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 3));
    }

    @Test
    void unknownNumbersAreRefused() {
        assertThatThrownBy(() -> index.place(3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "no place has number 3; numbers come from place(Place) and from matches");
    }

    @Test
    void boundsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> new IndexOptions(1_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("maxBytes (1000) must be between 65536 and ");
    }

    @Test
    void expectedBlocksCountAsHeldUntilTheirTimeIsOver() {
        long[] prompt = chain(random, 100);
        Source source = new Source(device(0), index::apply);
        source.stores(Arrays.copyOf(prompt, 10));
        index.expect(index.place(device(0)), prompt, 10, 100, 5_000);
        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 100));

        index.expire(4_999);
        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 100));
        index.expire(5_000);
        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 10));
        assertThat(index.stats().expectations()).isZero();
    }

    @Test
    void expectedBlocksThatWereStoredStay() {
        long[] prompt = chain(random, 100);
        Source source = new Source(device(0), index::apply);
        index.expect(index.place(device(0)), prompt, 0, 100, 5_000);
        source.stores(Arrays.copyOf(prompt, 40));

        index.expire(5_000);

        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 40));
    }

    @Test
    void expectationsOfAPlaceThatWasClearedDoNotTouchWhatComesAfter() {
        long[] prompt = chain(random, 20);
        Source source = new Source(device(0), index::apply);
        int place = index.place(device(0));
        index.expect(place, prompt, 0, 20, 5_000);
        source.clears();
        assertThat(depths(index, prompt)).isEmpty();
        index.expect(place, prompt, 0, 10, 9_000);

        index.expire(5_000);

        assertThat(depths(index, prompt)).containsExactly(Map.entry("worker-0", 10));
    }

    @Test
    void expectingOfADroppedPlaceDoesNothing() {
        long[] prompt = chain(random, 20);
        int place = index.place(device(0));
        index.drop(device(0));

        index.expect(place, prompt, 0, 20, 5_000);

        assertThat(depths(index, prompt)).isEmpty();
    }

    @Test
    void expectationsBeyondTheirShareOfMemoryEndEarly() {
        int place = index.place(device(0));
        for (int i = 0; i < 100; i++) {
            index.expect(place, chain(random, 1_000), 0, 1_000, i);
        }

        IndexStats stats = index.stats();
        assertThat(stats.forgottenExpectations()).isPositive();
        assertThat(stats.expectations() + stats.forgottenExpectations()).isEqualTo(100);
        assertThat(stats.memberships()).isEqualTo(stats.expectations() * 1_000L);
        assertThat(stats.bytes()).isLessThanOrEqualTo(stats.maxBytes());
    }

    @Test
    void aFullIndexForgetsAndNeverGrows() {
        Source source = new Source(device(0), index::apply);
        int stored = 0;
        while (index.stats().forgottenBlocks() < 100_000) {
            source.stores(chain(random, 100));
            stored += 100;
            IndexStats stats = index.stats();
            assertThat(stats.bytes()).isLessThanOrEqualTo(stats.maxBytes());
            assertThat(stats.blocks() + stats.forgottenBlocks()).isEqualTo(stored);
        }
        assertThat(index.stats().forgottenMemberships()).isEqualTo(index.stats().forgottenBlocks());
    }

    @Test
    void aFullIndexKeepsWhatDispatchedRequestsRead() {
        Source source = new Source(device(0), index::apply);
        int place = index.place(device(0));
        long[] system = chain(random, 200);
        long[] unread = chain(random, 200);
        source.stores(system);
        source.stores(unread);

        while (index.stats().forgottenBlocks() < 200_000) {
            source.stores(chain(random, 100));
            index.expect(place, system, system.length, system.length, 0);
        }

        for (long key : system) {
            assertThat(depths(index, key)).isNotEmpty();
        }
        assertThat(Arrays.stream(unread).filter(key -> !depths(index, key).isEmpty())).isEmpty();
    }

    @Test
    void withoutRoomForAnotherSetHoldersAreLeftOutAndCounted() {
        // Every block has holders of its own, so there are as many sets as blocks.
        int workers = 60;
        Source[] sources = new Source[workers];
        Arrays.setAll(sources, worker -> new Source(device(worker), index::apply));
        long[] keys = chain(random, 20_000);
        for (long key : keys) {
            for (int i = 0; i < 5; i++) {
                sources[random.nextInt(workers)].stores(key);
            }
            assertThat(depths(index, key)).isNotEmpty();
        }

        IndexStats stats = index.stats();
        assertThat(stats.forgottenBlocks()).isZero();
        assertThat(stats.forgottenMemberships()).isPositive();
        assertThat(stats.bytes()).isLessThanOrEqualTo(stats.maxBytes());
        assertThat(stats.memberships())
                .isEqualTo(Arrays.stream(keys).map(key -> depths(index, key).size()).sum());
    }

    @Test
    void aFleetOfThousandsMayHoldTheSameBlocks() {
        long[] prompt = chain(random, 50);
        BlockIndex large = new BlockIndex(new IndexOptions(16 << 20));
        for (int worker = 0; worker < 3_000; worker++) {
            large.apply(
                    new BlockEvents(
                            device(worker),
                            1,
                            Change.STORED,
                            Arrays.copyOf(prompt, 1 + worker % 50)));
        }

        TreeMap<String, Integer> depths = depths(large, prompt);

        assertThat(depths).hasSize(3_000);
        assertThat(depths)
                .allSatisfy(
                        (owner, depth) ->
                                assertThat(depth)
                                        .isEqualTo(1 + Integer.parseInt(owner.substring(7)) % 50));
    }
}
