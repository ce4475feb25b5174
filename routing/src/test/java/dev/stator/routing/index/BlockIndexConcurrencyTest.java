package dev.stator.routing.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.index.Chains.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * Each block wanders among places of its own group: it is stored at the next before it is removed
 * from the last, so a reader must find it with holders, and only with holders of its group. Sets
 * are freed and numbered anew all the time, keys of no group come and go between them, and places
 * are emptied.
 */
class BlockIndexConcurrencyTest {
    private static final int ROUNDS = 400;
    private static final int GROUPS = 10;
    private static final int GROUP_PLACES = 7;
    private static final int KEYS = 300;
    private static final int READERS = 2;

    private final BlockIndex index = new BlockIndex(new IndexOptions(128 << 10));
    private final long[] keys = new SplittableRandom(1).longs(KEYS).toArray();
    private final AtomicBoolean writing = new AtomicBoolean(true);

    @Test
    void readersSeeOnlyWhatWas() throws Exception {
        Source[][] places = new Source[GROUPS][GROUP_PLACES];
        for (int group = 0; group < GROUPS; group++) {
            for (int i = 0; i < GROUP_PLACES; i++) {
                Place place = new Place(Tier.DEVICE, group + "/" + i);
                places[group][i] = new Source(place, index::apply);
            }
        }
        for (int i = 0; i < KEYS; i++) {
            places[i % GROUPS][0].stores(keys[i]);
        }
        try (var readers = Executors.newFixedThreadPool(READERS)) {
            List<Future<Integer>> reads = new ArrayList<>();
            for (int reader = 0; reader < READERS; reader++) {
                reads.add(readers.submit(reader(reader)));
            }
            try {
                write(places);
            } finally {
                writing.set(false);
            }
            for (Future<Integer> read : reads) {
                assertThat(read.get()).isPositive();
            }
        }
    }

    private void write(Source[][] places) {
        SplittableRandom random = new SplittableRandom(2);
        Source noise = new Source(new Place(Tier.HOST, "noise"), index::apply);
        int[] at = new int[KEYS];
        for (int round = 0; round < ROUNDS; round++) {
            long[] others = random.longs(500).toArray();
            noise.stores(others);
            for (int i = 0; i < KEYS; i++) {
                Source[] group = places[i % GROUPS];
                int next = (at[i] + 1 + random.nextInt(GROUP_PLACES - 1)) % GROUP_PLACES;
                group[next].stores(keys[i]);
                if (random.nextInt(4) > 0) {
                    group[at[i]].removes(keys[i]);
                }
                at[i] = next;
            }
            if (round % 8 == 0) {
                noise.clears();
            } else {
                noise.removes(others);
            }
        }
        assertThat(index.stats().forgottenBlocks()).isZero();
    }

    private Callable<Integer> reader(int seed) {
        return () -> {
            SplittableRandom random = new SplittableRandom(seed);
            Matches matches = new Matches();
            int reads = 0;
            while (writing.get() || reads == 0) {
                int i = random.nextInt(KEYS);
                index.match(new long[] {keys[i]}, 1, matches);
                assertThat(matches.places()).isPositive();
                for (int m = 0; m < matches.places(); m++) {
                    Place place = index.place(matches.place(m));
                    assertThat(place.owner()).startsWith(i % GROUPS + "/");
                }
                reads++;
            }
            return reads;
        };
    }
}
