package dev.stator.cache.chunk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

final class ChunkerTest {
    private static final int VOCABULARY = 32_000;

    private record Chunk(int from, int to, long key) {}

    private static List<Chunk> cut(int[] tokens) {
        return cut(tokens, 1);
    }

    private static List<Chunk> cut(int[] tokens, long seed) {
        var chunks = new ArrayList<Chunk>();
        Chunker.cut(
                tokens,
                0,
                tokens.length,
                seed,
                (from, to, key) -> chunks.add(new Chunk(from, to, key)));
        return chunks;
    }

    private static int[] random(Random random, int length, int vocabulary) {
        return random.ints(length, 0, vocabulary).toArray();
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    private static HashSet<Integer> ends(int[] tokens) {
        var ends = new HashSet<Integer>();
        cut(tokens).forEach(chunk -> ends.add(chunk.to));
        return ends;
    }

    /** Texts of many words, of few, of one, and those that repeat a few. */
    @RepeatedTest(50)
    void chunksCoverTheTextAndHaveABoundedLength(RepetitionInfo repetition) {
        var random = new Random(repetition.getCurrentRepetition());
        int length = random.nextInt(3_000);
        int[] tokens = random(random, length, 1 + random.nextInt(random.nextBoolean() ? 4 : 1_000));
        if (random.nextInt(3) == 0) {
            int period = 1 + random.nextInt(12);
            IntStream.range(period, length).forEach(i -> tokens[i] = tokens[i - period]);
        }
        int end = 0;
        for (var chunk : cut(tokens)) {
            assertThat(chunk.from).isEqualTo(end);
            assertThat(chunk.to - chunk.from).isBetween(1, Chunker.MOST);
            end = chunk.to;
        }
        assertThat(end).isEqualTo(length);
    }

    @RepeatedTest(50)
    void whatIsAddedOrRemovedMovesOnlyCutsNearby(RepetitionInfo repetition) {
        var random = new Random(repetition.getCurrentRepetition());
        int[] text = random(random, 1_000, VOCABULARY);
        int at = 200 + random.nextInt(600);
        int removed = random.nextInt(5);
        int[] added = random(random, random.nextInt(40), VOCABULARY);
        int[] edited =
                joined(
                        Arrays.copyOf(text, at),
                        added,
                        Arrays.copyOfRange(text, at + removed, text.length));
        int shift = added.length - removed;
        var before = ends(text);
        var after = ends(edited);
        for (int end = 1; end < text.length; end++) {
            if (end < at - 16) {
                assertThat(after.contains(end)).isEqualTo(before.contains(end));
            } else if (end > at + removed + 16) {
                assertThat(after.contains(end + shift)).isEqualTo(before.contains(end));
            }
        }
    }

    @RepeatedTest(50)
    void theSameTextHasTheSameChunksWhereverItStands(RepetitionInfo repetition) {
        var random = new Random(repetition.getCurrentRepetition());
        int[] passage = random(random, 64, VOCABULARY);
        var keys = new HashSet<Long>();
        cut(joined(random(random, random.nextInt(300), VOCABULARY), passage, new int[40]))
                .forEach(chunk -> keys.add(chunk.key));
        int[] other = joined(random(random, 70, VOCABULARY), passage, random(random, 20, 9));
        var shared = cut(other).stream().filter(chunk -> keys.contains(chunk.key)).toList();
        assertThat(shared).as("64 tokens hold a whole chunk").isNotEmpty();
        assertThat(shared).allMatch(chunk -> chunk.from >= 70 - 3 && chunk.to <= 70 + 64 + 3);
    }

    @Test
    void chunksAreShortEnoughForPassagesAndLongEnoughToBeFew() {
        int[] text = random(new Random(1), 100_000, VOCABULARY);
        double mean = 100_000.0 / cut(text).size();
        assertThat(mean).isBetween(10.0, 13.0);
    }

    @Test
    void aTextOfOneWordIsCutByLength() {
        var chunks = cut(new int[200]);
        assertThat(chunks.stream().map(chunk -> chunk.to - chunk.from))
                .containsExactly(64, 64, 64, 8);
        assertThat(chunks.get(0).key).isEqualTo(chunks.get(1).key);
    }

    @Test
    void keysOfAnotherSeedTellNothing() {
        int[] text = random(new Random(2), 2_000, VOCABULARY);
        var keys = new HashSet<Long>();
        cut(text, 1).forEach(chunk -> keys.add(chunk.key));
        assertThat(keys).hasSize(cut(text).size());
        assertThat(cut(text, 2)).noneMatch(chunk -> keys.contains(chunk.key));
    }

    @Test
    void aPartOfAnArrayIsCutAsIfItWereAlone() {
        int[] text = random(new Random(3), 500, VOCABULARY);
        var alone = cut(Arrays.copyOfRange(text, 100, 400));
        var chunks = new ArrayList<Chunk>();
        Chunker.cut(
                text,
                100,
                400,
                1,
                (from, to, key) -> chunks.add(new Chunk(from - 100, to - 100, key)));
        assertThat(chunks).isEqualTo(alone);
    }
}
