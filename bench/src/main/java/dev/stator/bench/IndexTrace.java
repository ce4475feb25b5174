package dev.stator.bench;

import dev.stator.routing.index.BlockEvents.Change;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What a fleet's devices store and remove while conversations run on it. Prompts share prefixes as
 * in Mooncake's traces (FAST '25): all conversations begin with one of a few system prompts, each
 * turn begins with the one before, and some turns run on another worker than the last. A device
 * that is full removes what it used longest ago, deepest block first.
 */
final class IndexTrace {
    private static final int SYSTEM_PROMPTS = 8;
    private static final int MAX_BLOCKS = 1_000;

    /** Blocks that an engine's step completes, 512 tokens. */
    private static final int STEP_BLOCKS = 16;

    private static final int CONVERSATIONS_PER_WORKER = 64;
    private static final double MOVES = 0.2;

    /** Changes of one place, as it sends them. */
    record Batch(int worker, Change change, long[] keys) {
        /** What takes this back. */
        Batch inverse() {
            return new Batch(
                    worker, change == Change.STORED ? Change.REMOVED : Change.STORED, keys);
        }
    }

    private static final class Conversation {
        long[] keys = {};
        int worker;
    }

    private final SplittableRandom random;
    private final int capacity;
    private final long[][] systems = new long[SYSTEM_PROMPTS][];
    private final List<LinkedHashSet<Long>> devices = new ArrayList<>();
    private final Conversation[] conversations;
    private long events;

    /**
     * @param capacity blocks that fit into a device
     */
    IndexTrace(int workers, int capacity, long seed) {
        this.capacity = capacity;
        random = new SplittableRandom(seed);
        Arrays.setAll(systems, _ -> random.longs(10 + random.nextInt(60)).toArray());
        IntStream.range(0, workers).forEach(_ -> devices.add(new LinkedHashSet<>()));
        conversations = new Conversation[workers * CONVERSATIONS_PER_WORKER];
        Arrays.setAll(conversations, _ -> new Conversation());
    }

    static Place place(int worker) {
        return new Place(Tier.DEVICE, "worker-" + worker);
    }

    /** Goes on until every device is full. */
    List<Batch> fill() {
        var batches = new ArrayList<Batch>();
        while (devices.stream().anyMatch(device -> device.size() < capacity)) {
            turn(batches);
        }
        return batches;
    }

    /** Goes on for so many blocks stored or removed. */
    List<Batch> steady(long more) {
        var batches = new ArrayList<Batch>();
        long until = events + more;
        while (events < until) {
            turn(batches);
        }
        return batches;
    }

    private void turn(List<Batch> batches) {
        var conversation = conversations[random.nextInt(conversations.length)];
        if (conversation.keys.length == 0 || conversation.keys.length >= MAX_BLOCKS) {
            conversation.keys = systems[random.nextInt(SYSTEM_PROMPTS)];
            conversation.worker = random.nextInt(devices.size());
        } else if (random.nextDouble() < MOVES) {
            conversation.worker = random.nextInt(devices.size());
        }
        // Mostly short turns, some long documents.
        int added = 4 + (int) Math.exp(random.nextDouble() * Math.log(500));
        long[] before = conversation.keys;
        int length = Math.min(MAX_BLOCKS, before.length + added);
        conversation.keys = Arrays.copyOf(before, length);
        for (int i = before.length; i < length; i++) {
            conversation.keys[i] = random.nextLong();
        }
        run(conversation, batches);
    }

    private void run(Conversation conversation, List<Batch> batches) {
        var device = devices.get(conversation.worker);
        long[] keys = conversation.keys;
        // The first block last, so that it is removed last.
        long[] missing = Arrays.stream(keys).filter(key -> !device.contains(key)).toArray();
        for (int i = keys.length - 1; i >= 0; i--) {
            device.addLast(keys[i]);
        }
        int excess = Math.max(0, device.size() - capacity);
        long[] removed = IntStream.range(0, excess).mapToLong(_ -> device.removeFirst()).toArray();
        cut(conversation.worker, Change.REMOVED, removed, batches);
        cut(conversation.worker, Change.STORED, missing, batches);
    }

    private void cut(int worker, Change change, long[] keys, List<Batch> batches) {
        for (int from = 0; from < keys.length; from += STEP_BLOCKS) {
            int to = Math.min(keys.length, from + STEP_BLOCKS);
            batches.add(new Batch(worker, change, Arrays.copyOfRange(keys, from, to)));
        }
        events += keys.length;
    }

    /** A prompt of a conversation that goes on, filled up with blocks that nobody has. */
    long[] prompt(int blocks) {
        long[] keys = conversations[random.nextInt(conversations.length)].keys;
        long[] prompt = Arrays.copyOf(keys, blocks);
        for (int i = keys.length; i < blocks; i++) {
            prompt[i] = random.nextLong();
        }
        return prompt;
    }
}
