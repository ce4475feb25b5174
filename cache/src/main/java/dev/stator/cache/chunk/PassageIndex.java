package dev.stator.cache.chunk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The passages that prompts have in common, found by content. Thread-safe.
 *
 * <p>A passage is known because a request declared it, or because two prompts had it in common: as
 * neither their beginning, which is reused exactly, nor their end, which is the question. Chunks of
 * a new prompt are looked up; a hit counts if the token ids are the same, and reaches as far as
 * they are.
 *
 * <p>Prompts of one salt learn nothing of those of another: keys are made with the salt and a
 * secret, and a text has its salt. Memory is bounded, half for passages and half for prompts that
 * may hold some; what was used least recently goes.
 */
public final class PassageIndex {
    /**
     * Tokens of the shortest run that counts. Not all of so few are found: those of 64 tokens are,
     * also where some are lost at seams, where tokens merge with those of neighbours.
     */
    public static final int LEAST = 32;

    /** Tokens at the beginning of a passage that may be missing, as they are at a seam. */
    private static final int SEAM = 16;

    /** A prompt that repeats so much of an earlier one goes on from it, and takes its place. */
    private static final double GOES_ON = 0.9;

    private final long secret;
    private final TextBounds bounds;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Long, Place> places = new HashMap<>();
    private final Shelf passages;
    private final Shelf prompts;

    /**
     * A run of a prompt that is a run of a known passage as well.
     *
     * @param whole the passage; not to be changed
     * @param offset where in it the run begins
     */
    public record Found(int from, int to, int[] whole, int offset) {
        /** What of it stands at {@code from} and behind. */
        public Found behind(int position) {
            return position <= from
                    ? this
                    : new Found(position, to, whole, offset + position - from);
        }

        public int length() {
            return to - from;
        }
    }

    private record Place(Text text, int offset) {}

    private record Chunk(int from, int to, long key) {}

    /** The tokens {@code [from, to)} of a prompt, which a text has from {@code offset} on. */
    private record Run(Text text, int from, int to, int offset) {
        int length() {
            return to - from;
        }
    }

    /**
     * @param mostBytes memory, at least for a few prompts
     * @param secret nobody outside must be able to guess it
     * @param bounds where passages begin and end, if they do so near them
     */
    public PassageIndex(long mostBytes, long secret, TextBounds bounds) {
        this.secret = secret;
        this.bounds = bounds;
        this.passages = new Shelf(mostBytes / 2);
        this.prompts = new Shelf(mostBytes / 2);
    }

    /**
     * Finds the known passages of a prompt, and remembers the prompt: what it has in common with an
     * earlier one is known from now on, and found already.
     *
     * @param from nothing before it is looked at
     * @return in order, not overlapping
     */
    public List<Found> see(String salt, int[] prompt, int from) {
        var chunks = chunks(salt, prompt, from, prompt.length);
        lock.lock();
        try {
            var found = known(salt, prompt, from, chunks);
            var all = new ArrayList<>(found);
            int gap = from;
            for (var each : found) {
                all.addAll(common(salt, prompt, gap, each.from, chunks));
                gap = each.to;
            }
            all.addAll(common(salt, prompt, gap, prompt.length, chunks));
            remember(salt, prompt, chunks);
            all.sort(Comparator.comparingInt(Found::from));
            return List.copyOf(all);
        } finally {
            lock.unlock();
        }
    }

    /** A request declares a passage. Too short ones are not remembered. */
    public void know(String salt, int[] passage) {
        if (passage.length < LEAST) {
            return;
        }
        var chunks = chunks(salt, passage, 0, passage.length);
        lock.lock();
        try {
            var found = known(salt, passage, 0, chunks);
            boolean whole = found.size() == 1 && found.getFirst().length() == passage.length;
            if (!whole) {
                add(new Text(salt, passage.clone(), keys(chunks), true), chunks);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Forgets everything of a salt that has a part of a passage. Takes time in all texts. */
    public void forget(String salt, int[] passage) {
        long[] keys = keys(chunks(salt, passage, 0, passage.length));
        Arrays.sort(keys);
        lock.lock();
        try {
            for (var shelf : List.of(passages, prompts)) {
                for (var text : shelf.all()) {
                    if (text.salt.equals(salt)
                            && Arrays.stream(text.keys)
                                    .anyMatch(key -> Arrays.binarySearch(keys, key) >= 0)) {
                        remove(text);
                    }
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Passages that are known. */
    public int size() {
        lock.lock();
        try {
            return passages.size();
        } finally {
            lock.unlock();
        }
    }

    /** Memory that is used, roughly. */
    public long bytes() {
        lock.lock();
        try {
            return passages.bytes() + prompts.bytes();
        } finally {
            lock.unlock();
        }
    }

    private List<Chunk> chunks(String salt, int[] tokens, int from, int to) {
        var chunks = new ArrayList<Chunk>();
        Chunker.cut(
                tokens,
                from,
                to,
                seed(salt),
                (at, end, key) -> chunks.add(new Chunk(at, end, key)));
        return chunks;
    }

    private long seed(String salt) {
        try {
            var sha = MessageDigest.getInstance("SHA-256");
            sha.update(ByteBuffer.allocate(Long.BYTES).putLong(0, secret));
            sha.update(salt.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(sha.digest()).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static long[] keys(List<Chunk> chunks) {
        return chunks.stream().mapToLong(Chunk::key).toArray();
    }

    private List<Found> known(String salt, int[] prompt, int from, List<Chunk> chunks) {
        var found = new ArrayList<Found>();
        int done = from;
        for (var chunk : chunks) {
            var run = match(salt, prompt, chunk, done, prompt.length, true);
            if (run.isPresent() && run.get().length() >= LEAST) {
                var accepted = accepted(run.get(), prompt, done);
                found.add(accepted);
                done = accepted.to;
            }
        }
        return found;
    }

    /** What stands in a gap between known passages and in an earlier prompt as well. */
    private List<Found> common(String salt, int[] prompt, int from, int to, List<Chunk> chunks) {
        var found = new ArrayList<Found>();
        if (to - from < LEAST) {
            return found;
        }
        int done = from;
        for (var chunk : chunks) {
            var match = chunk.to <= to ? match(salt, prompt, chunk, done, to, false) : none();
            if (match.isPresent() && match.get().length() >= LEAST) {
                var run = match.get();
                if (isBeginning(run, prompt) || isEnd(run, prompt)) {
                    done = run.to;
                } else {
                    var passage = ownPassage(run, prompt, done, to);
                    found.add(passage);
                    done = passage.to;
                }
            }
        }
        return found;
    }

    private static Optional<Run> none() {
        return Optional.empty();
    }

    private static boolean isBeginning(Run run, int[] prompt) {
        return run.offset == run.from && run.text.startsLike(prompt, run.to);
    }

    /** Two prompts that end alike ask the same: a question must see what stands before it. */
    private static boolean isEnd(Run run, int[] prompt) {
        return run.to == prompt.length && run.offset + run.length() == run.text.tokens.length;
    }

    /** The longest run around a chunk, within {@code [least, most)}. */
    private Optional<Run> match(
            String salt, int[] prompt, Chunk chunk, int least, int most, boolean known) {
        var place = places.get(chunk.key);
        if (place == null
                || chunk.from < least
                || place.text.known != known
                || !place.text.salt.equals(salt)) {
            return none();
        }
        int[] tokens = place.text.tokens;
        int at = place.offset;
        int length = chunk.to - chunk.from;
        if (at + length > tokens.length
                || !Arrays.equals(prompt, chunk.from, chunk.to, tokens, at, at + length)) {
            return none();
        }
        int from = chunk.from;
        while (from > least && at > 0 && prompt[from - 1] == tokens[at - 1]) {
            from--;
            at--;
        }
        int further = Arrays.mismatch(prompt, from, most, tokens, at, tokens.length);
        int to = further < 0 ? Math.min(most, from + tokens.length - at) : from + further;
        return Optional.of(new Run(place.text, from, to, at));
    }

    /**
     * KV of a passage's later part has seen the earlier one: at a seam that is next to nothing.
     * Where more is missing, the part is a passage of its own.
     */
    private Found accepted(Run run, int[] prompt, int least) {
        passages.use(run.text);
        return run.offset > SEAM && run.offset > run.length() / 4
                ? ownPassage(run, prompt, least, prompt.length)
                : new Found(run.from, run.to, run.text.tokens, run.offset);
    }

    /** Cut to whole lines, or else whole sentences, if nearly all of it is left. */
    private Run withinBounds(Run run, int[] prompt, int least, int most) {
        for (int bound = TextBounds.LINE; bound >= TextBounds.SENTENCE; bound--) {
            int from = run.from;
            while (from < run.to && from > least && bounds.after(prompt[from - 1]) < bound) {
                from++;
            }
            int to = run.to;
            while (to > from && to < most && bounds.after(prompt[to - 1]) < bound) {
                to--;
            }
            if (to - from >= LEAST && (to - from) * 4 >= run.length() * 3) {
                return new Run(run.text, from, to, run.offset + from - run.from);
            }
        }
        return run;
    }

    private Found ownPassage(Run common, int[] prompt, int least, int most) {
        var run = withinBounds(common, prompt, least, most);
        int[] tokens = Arrays.copyOfRange(prompt, run.from, run.to);
        var chunks = chunks(run.text.salt, tokens, 0, tokens.length);
        add(new Text(run.text.salt, tokens, keys(chunks), true), chunks);
        return new Found(run.from, run.to, tokens, 0);
    }

    private void remember(String salt, int[] prompt, List<Chunk> chunks) {
        if (chunks.isEmpty()) {
            return;
        }
        var earlier =
                chunks.stream()
                        .map(chunk -> Optional.ofNullable(places.get(chunk.key)))
                        .flatMap(Optional::stream)
                        .map(Place::text)
                        .filter(text -> !text.known && text.salt.equals(salt))
                        .distinct()
                        .filter(
                                text ->
                                        text.startsLike(
                                                prompt, (int) (text.tokens.length * GOES_ON)))
                        .toList();
        earlier.forEach(this::remove);
        add(
                new Text(salt, prompt.clone(), keys(chunks), false),
                chunks.stream().filter(chunk -> !isKnown(chunk)).toList());
    }

    private boolean isKnown(Chunk chunk) {
        var place = places.get(chunk.key);
        return place != null && place.text.known;
    }

    private void add(Text text, List<Chunk> chunks) {
        var shelf = shelf(text);
        if (!shelf.fits(text)) {
            return;
        }
        shelf.add(text);
        for (var chunk : chunks) {
            places.put(chunk.key, new Place(text, chunk.from));
        }
        for (var old = shelf.excess(); old.isPresent(); old = shelf.excess()) {
            remove(old.get());
        }
    }

    private void remove(Text text) {
        shelf(text).remove(text);
        for (long key : text.keys) {
            var place = places.get(key);
            if (place != null && place.text == text) {
                places.remove(key);
            }
        }
    }

    private Shelf shelf(Text text) {
        return text.known ? passages : prompts;
    }
}
