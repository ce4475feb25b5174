package dev.stator.routing.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.index.BlockEvents.Change;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random stores, removals, clearings, losses of messages, answers, drops, expectations and restarts
 * from snapshots, against places that know what they hold. Of a place that is in step the index
 * knows exactly that.
 */
class BlockIndexPropertyTest {
    private static final int STEPS = 2_000;
    private static final int PLACES = 40;
    private static final int PROMPTS = 12;
    private static final IndexOptions OPTIONS = new IndexOptions(512 << 10);

    /** What a place holds, and what the index was told of it. */
    private static final class Holder {
        final Place place;
        final Set<Long> holds = new HashSet<>();
        final Set<Long> expected = new HashSet<>();
        long sequence;

        /** The last number that the index heard; whether one before it is missing to it. */
        long heard;

        boolean gap;
        boolean known;

        /** Numbers that it heard since the gap. */
        List<Long> later = new ArrayList<>();

        /** An earlier moment, to answer with. */
        long[] thenHeld = {};

        long thenSequence;

        Holder(Place place) {
            this.place = place;
        }

        /** Whether the index knows exactly what the place holds. */
        boolean inStep() {
            return known && !gap && heard == sequence;
        }

        void hear(long number) {
            gap |= number != heard + 1;
            heard = number;
            if (gap) {
                later.add(number);
            }
        }

        void goOn(long number) {
            known = true;
            gap = false;
            heard = number;
            later.clear();
        }
    }

    private record Expected(Holder holder, Collection<Long> keys, long until) {}

    private SplittableRandom random = new SplittableRandom();
    private BlockIndex index = new BlockIndex(OPTIONS);
    private final List<long[]> prompts = new ArrayList<>();
    private final Map<Integer, Holder> holders = new LinkedHashMap<>();
    private final List<Expected> expectations = new ArrayList<>();
    private final Map<String, Integer> happened = new TreeMap<>();
    private long now;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 42, 20_260_101})
    void theIndexKnowsWhatPlacesInStepHold(long seed) throws IOException {
        random = new SplittableRandom(seed);
        for (int i = 0; i < PROMPTS; i++) {
            long[] rest = Chains.chain(random, 5 + random.nextInt(60));
            long[] parent = i < 3 ? new long[0] : prompts.get(random.nextInt(i));
            prompts.add(Chains.branch(parent, random.nextInt(parent.length + 1), rest));
        }
        for (int step = 0; step < STEPS; step++) {
            Holder holder =
                    holders.computeIfAbsent(
                            random.nextInt(PLACES), number -> new Holder(Chains.device(number)));
            step(holder);
            if (step % 20 == 0) {
                compareBlocks();
                comparePrompts();
            }
        }
        assertThat(happened.keySet())
                .contains("lost", "answered", "cleared", "dropped", "expired", "restarted");
        IndexStats stats = index.stats();
        assertThat(stats.forgottenBlocks() + stats.forgottenMemberships()).isZero();
    }

    private void step(Holder holder) throws IOException {
        long[] prompt = prompts.get(random.nextInt(PROMPTS));
        int from = random.nextInt(prompt.length);
        int to = from + 1 + random.nextInt(prompt.length - from);
        switch (random.nextInt(32)) {
            case 0 -> tell(holder, Change.CLEARED, new long[0]);
            case 1 -> drop(holder);
            case 2, 3, 4, 5 -> expect(holder, prompt, from, to);
            case 6 -> expire();
            case 7, 8 -> answer(holder);
            case 9 -> remember(holder);
            case 10 -> restart();
            case 11, 12, 13, 14, 15, 16 ->
                    tell(holder, Change.REMOVED, Arrays.copyOfRange(prompt, from, to));
            case 17, 18, 19 -> tell(holder, Change.STORED, Arrays.copyOfRange(prompt, from, to));
            default -> tell(holder, Change.STORED, Arrays.copyOf(prompt, to));
        }
    }

    private void tell(Holder holder, Change change, long[] keys) {
        holder.sequence++;
        List<Long> list = Arrays.stream(keys).boxed().toList();
        switch (change) {
            case STORED -> holder.holds.addAll(list);
            case REMOVED -> holder.holds.removeAll(list);
            case CLEARED -> holder.holds.clear();
        }
        if (random.nextInt(25) == 0) {
            happened("lost");
            return;
        }
        holder.known |= holder.sequence == 1;
        if (holder.known && change == Change.CLEARED) {
            happened("cleared");
            holder.goOn(holder.sequence);
            endExpectations(holder);
        } else if (holder.known) {
            holder.hear(holder.sequence);
            holder.expected.removeAll(list);
        }
        assertThat(index.apply(new BlockEvents(holder.place, holder.sequence, change, keys)))
                .isEqualTo(holder.known && !holder.gap);
    }

    private void answer(Holder holder) {
        boolean old = random.nextBoolean();
        long sequence = old ? holder.thenSequence : holder.sequence;
        long[] keys = old ? holder.thenHeld : keys(holder);
        if (!holder.known || holder.gap || sequence >= holder.heard) {
            List<Long> later = List.copyOf(holder.later);
            holder.goOn(sequence);
            later.stream().filter(number -> number > sequence).forEach(holder::hear);
            endExpectations(holder);
            happened("answered");
        }
        assertThat(index.resync(holder.place, sequence, keys)).isEqualTo(!holder.gap);
    }

    private void remember(Holder holder) {
        holder.thenHeld = keys(holder);
        holder.thenSequence = holder.sequence;
    }

    private static long[] keys(Holder holder) {
        return holder.holds.stream().mapToLong(Long::longValue).toArray();
    }

    private void drop(Holder holder) {
        index.drop(holder.place);
        endExpectations(holder);
        holders.values().remove(holder);
        happened("dropped");
    }

    private void expect(Holder holder, long[] prompt, int from, int to) {
        if (!holder.inStep()) {
            return;
        }
        long until = now + random.nextInt(100);
        index.expect(index.place(holder.place), prompt, from, to, until);
        List<Long> keys = Arrays.stream(prompt, from, to).boxed().toList();
        expectations.add(new Expected(holder, keys, until));
        keys.stream().filter(key -> !holder.holds.contains(key)).forEach(holder.expected::add);
    }

    private void expire() {
        now += random.nextInt(50);
        index.expire(now);
        expectations.removeIf(
                over -> {
                    if (over.until <= now) {
                        over.holder.expected.removeAll(over.keys);
                        happened("expired");
                    }
                    return over.until <= now;
                });
    }

    private void endExpectations(Holder holder) {
        holder.expected.clear();
        expectations.removeIf(over -> over.holder == holder);
    }

    private void restart() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        index.write(out);
        index = BlockIndex.read(new ByteArrayInputStream(out.toByteArray()), OPTIONS);
        holders.values().forEach(this::endExpectations);
        holders.values().forEach(holder -> holder.later.clear());
        happened("restarted");
    }

    private void happened(String what) {
        happened.merge(what, 1, Integer::sum);
    }

    private boolean holds(Holder holder, long key) {
        return holder.holds.contains(key) || holder.expected.contains(key);
    }

    private void compareBlocks() {
        Map<Long, Set<Place>> expected = new HashMap<>();
        for (Holder holder : holders.values()) {
            if (holder.inStep()) {
                holder.holds.forEach(key -> add(expected, key, holder.place));
                holder.expected.forEach(key -> add(expected, key, holder.place));
            }
        }
        Set<Place> unsure = new HashSet<>();
        holders.values().stream()
                .filter(holder -> !holder.inStep())
                .forEach(h -> unsure.add(h.place));
        for (long[] prompt : prompts) {
            for (long key : prompt) {
                Set<Place> actual = new HashSet<>();
                match(key).forEach((place, _) -> actual.add(place));
                actual.removeAll(unsure);
                assertThat(actual).isEqualTo(expected.getOrDefault(key, Set.of()));
            }
        }
    }

    private static void add(Map<Long, Set<Place>> map, long key, Place place) {
        map.computeIfAbsent(key, _ -> new HashSet<>()).add(place);
    }

    /** Exact where nobody has a hole; where somebody has, the depth ends at one. */
    private void comparePrompts() {
        for (long[] prompt : prompts) {
            Map<Place, Integer> depths = match(prompt);
            boolean holes = !holders.values().stream().allMatch(h -> hasNoHole(h, prompt));
            for (Holder holder : holders.values()) {
                if (!holder.inStep()) {
                    continue;
                }
                int depth = depths.getOrDefault(holder.place, 0);
                int exact = prefix(holder, prompt);
                if (holes) {
                    assertThat(depth).isGreaterThanOrEqualTo(exact);
                    assertThat(depth > 0).isEqualTo(exact > 0);
                    assertThat(depth == 0 || holds(holder, prompt[depth - 1])).isTrue();
                    assertThat(depth == prompt.length || !holds(holder, prompt[depth])).isTrue();
                } else {
                    assertThat(depth).isEqualTo(exact);
                }
            }
        }
    }

    private boolean hasNoHole(Holder holder, long[] prompt) {
        long held = Arrays.stream(prompt).filter(key -> holds(holder, key)).count();
        return holder.inStep() && held == prefix(holder, prompt);
    }

    private int prefix(Holder holder, long[] prompt) {
        int depth = 0;
        while (depth < prompt.length && holds(holder, prompt[depth])) {
            depth++;
        }
        return depth;
    }

    private Map<Place, Integer> match(long... keys) {
        Matches matches = new Matches();
        index.match(keys, keys.length, matches);
        Map<Place, Integer> depths = new HashMap<>();
        for (int i = 0; i < matches.places(); i++) {
            assertThat(depths.put(index.place(matches.place(i)), matches.depth(i))).isNull();
        }
        return depths;
    }
}
