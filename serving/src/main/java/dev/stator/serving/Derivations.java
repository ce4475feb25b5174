package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.disk.Journal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * Which blocks were made of which texts: for each prompt that holds a text, the first block that
 * does; all that follow it do, too. Kept beside the disk tier, whose blocks outlive the process.
 * Thread-safe.
 */
final class Derivations {
    /** Under a kilobyte each. */
    static final int MOST = 100_000;

    private static final byte DERIVED = 1;
    private static final byte ERASING = 2;

    /**
     * A block that holds something of a text, of which a sequence may have but the beginning.
     *
     * @param tokens of the block, as far as they are known
     * @param at the first of them that says something of the text
     */
    record Spot(BlockKey parent, List<Integer> tokens, int at) {
        Spot {
            tokens = List.copyOf(tokens);
        }

        static Spot of(BlockKey parent, int[] tokens, int at) {
            return new Spot(parent, Arrays.stream(tokens).boxed().toList(), at);
        }

        /** Of the block, and of all that are its beginning. */
        List<BlockKey> keys() {
            int[] its = tokens.stream().mapToInt(token -> token).toArray();
            return IntStream.rangeClosed(at + 1, its.length)
                    .mapToObj(end -> parent.child(its, 0, end))
                    .toList();
        }
    }

    /** A text, and a block that it is in. */
    record Pair(String text, Spot spot) {}

    private final Optional<Journal> journal;
    private final int most;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Set<Spot>> spots = new HashMap<>();

    /** All pairs, by when they were last used. */
    private final LinkedHashMap<Pair, Boolean> order = new LinkedHashMap<>(64, 0.75f, true);

    /** Texts whose erasure has begun and not ended. */
    private final Set<String> erasing = new LinkedHashSet<>();

    Derivations(Optional<Journal> journal, int most) {
        this.journal = journal;
        this.most = most;
        journal.map(Journal::read).ifPresent(entries -> entries.forEach(this::replay));
    }

    private void replay(byte[] entry) {
        var at = ByteBuffer.wrap(entry);
        byte kind = at.get();
        if (kind == DERIVED) {
            var parent = new BlockKey(at.getLong(), at.getLong());
            int first = at.getInt();
            int[] tokens = new int[at.getInt()];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = at.getInt();
            }
            remember(new Pair(text(at), Spot.of(parent, tokens, first)));
        } else if (kind == ERASING) {
            erasing.add(text(at));
        }
    }

    private static String text(ByteBuffer rest) {
        return StandardCharsets.UTF_8.decode(rest).toString();
    }

    private static byte[] derived(Pair pair) {
        byte[] text = pair.text.getBytes(StandardCharsets.UTF_8);
        var spot = pair.spot;
        var entry =
                ByteBuffer.allocate(
                                1
                                        + 2 * Long.BYTES
                                        + (2 + spot.tokens.size()) * Integer.BYTES
                                        + text.length)
                        .put(DERIVED)
                        .putLong(spot.parent.high())
                        .putLong(spot.parent.low())
                        .putInt(spot.at)
                        .putInt(spot.tokens.size());
        spot.tokens.forEach(entry::putInt);
        return entry.put(text).array();
    }

    private static byte[] erasing(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(1 + bytes.length).put(ERASING).put(bytes).array();
    }

    private boolean remember(Pair pair) {
        order.put(pair, true);
        return spots.computeIfAbsent(pair.text, _ -> new LinkedHashSet<>()).add(pair.spot);
    }

    /**
     * @return pairs that were least lately used and are too many now: their blocks must go, for
     *     nobody would know whose they are
     */
    List<Pair> add(Pair pair) {
        lock.lock();
        try {
            if (remember(pair)) {
                journal.ifPresent(its -> its.append(derived(pair)));
            }
            var tooMany = new ArrayList<Pair>();
            if (order.size() > most) {
                order.sequencedKeySet().stream()
                        .limit(order.size() - most * 9L / 10)
                        .forEach(tooMany::add);
            }
            return tooMany;
        } finally {
            lock.unlock();
        }
    }

    /** What was made of one text is made of another that says the same. */
    void rename(String from, String to) {
        lock.lock();
        try {
            for (var spot : spots.getOrDefault(from, Set.of())) {
                order.remove(new Pair(from, spot));
                remember(new Pair(to, spot));
            }
            spots.remove(from);
            rewrite();
        } finally {
            lock.unlock();
        }
    }

    List<BlockKey> of(String text) {
        lock.lock();
        try {
            return spots.getOrDefault(text, Set.of()).stream()
                    .flatMap(spot -> spot.keys().stream())
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** What is on disk of the text is going to be erased, also by a later start. */
    void beginErasing(String text) {
        lock.lock();
        try {
            if (erasing.add(text)) {
                journal.ifPresent(its -> its.append(erasing(text)));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Texts whose erasure has begun and not ended. */
    List<String> erasing() {
        lock.lock();
        try {
            return List.copyOf(erasing);
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is left that was made of the text. */
    void erased(String text) {
        lock.lock();
        try {
            erasing.remove(text);
            spots.getOrDefault(text, Set.of()).forEach(spot -> order.remove(new Pair(text, spot)));
            spots.remove(text);
            rewrite();
        } finally {
            lock.unlock();
        }
    }

    /** These blocks have gone. */
    void forget(List<Pair> pairs) {
        lock.lock();
        try {
            for (var pair : pairs) {
                order.remove(pair);
                spots.computeIfPresent(
                        pair.text,
                        (_, its) -> {
                            its.remove(pair.spot);
                            return its.isEmpty() ? null : its;
                        });
            }
            rewrite();
        } finally {
            lock.unlock();
        }
    }

    private void rewrite() {
        journal.ifPresent(
                its -> {
                    var entries = new ArrayList<byte[]>();
                    order.sequencedKeySet().forEach(pair -> entries.add(derived(pair)));
                    erasing.forEach(text -> entries.add(erasing(text)));
                    its.rewrite(entries);
                });
    }
}
