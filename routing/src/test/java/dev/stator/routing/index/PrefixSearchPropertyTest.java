package dev.stator.routing.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lookups of long prompts in a large fleet, against a walk down the prompt. */
class PrefixSearchPropertyTest {
    private static final int PLACES = 100;
    private static final int ROUNDS = 60;

    private final BlockIndex index = new BlockIndex(new IndexOptions(8 << 20));

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void everyDepthIsExactWhereNobodyHasAHole(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Chains.Source> sources = sources();
        for (int round = 0; round < ROUNDS; round++) {
            long[] prompt = Chains.chain(random, 1 + random.nextInt(1_200));
            int[] depths = store(random, sources, prompt);
            for (int count : new int[] {1, prompt.length, 1 + random.nextInt(prompt.length)}) {
                assertThat(Chains.depths(index, Arrays.copyOf(prompt, count)))
                        .isEqualTo(expected(depths, count));
            }
        }
    }

    /** A depth is then at a hole or, if the search did not come by one, at the end. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void holesMakeADepthEndAtOneOfThemButNeverTooEarly(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Chains.Source> sources = sources();
        for (int round = 0; round < ROUNDS; round++) {
            long[] prompt = Chains.chain(random, 2 + random.nextInt(1_200));
            int[] depths = store(random, sources, prompt);
            int place = random.nextInt(PLACES);
            int hole = 1 + random.nextInt(prompt.length - 1);
            sources.get(place).removes(prompt[hole]);
            TreeMap<String, Integer> found = Chains.depths(index, prompt);
            int depth = depths[place];
            int actual = found.getOrDefault("worker-" + place, 0);
            if (hole < depth) {
                assertThat(actual).isIn(hole, depth);
                found.put("worker-" + place, depth);
            }
            assertThat(found).isEqualTo(expected(depths, prompt.length));
        }
    }

    private List<Chains.Source> sources() {
        List<Chains.Source> sources = new ArrayList<>();
        for (int i = 0; i < PLACES; i++) {
            sources.add(new Chains.Source(Chains.device(i), index::apply));
        }
        return sources;
    }

    /** Some places store leading blocks, several of them as many as others. */
    private static int[] store(
            SplittableRandom random, List<Chains.Source> sources, long[] prompt) {
        List<Integer> common = new ArrayList<>(Collections.nCopies(3, 0));
        common.replaceAll(_ -> random.nextInt(prompt.length + 1));
        int[] depths = new int[PLACES];
        int holders = 1 + random.nextInt(PLACES);
        for (int i = 0; i < holders; i++) {
            int place = random.nextInt(PLACES);
            int depth =
                    random.nextBoolean()
                            ? common.get(random.nextInt(common.size()))
                            : random.nextInt(prompt.length + 1);
            depths[place] = Math.max(depths[place], depth);
            sources.get(place).stores(Arrays.copyOf(prompt, depth));
        }
        return depths;
    }

    private static TreeMap<String, Integer> expected(int[] depths, int count) {
        TreeMap<String, Integer> expected = new TreeMap<>();
        for (int place = 0; place < PLACES; place++) {
            if (depths[place] > 0) {
                expected.put("worker-" + place, Math.min(count, depths[place]));
            }
        }
        return expected;
    }
}
