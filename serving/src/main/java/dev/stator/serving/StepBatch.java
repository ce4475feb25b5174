package dev.stator.serving;

import dev.stator.engine.Batch;
import dev.stator.routing.Step;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * What one step computes: a token for every running answer, and of the prompts, in order of
 * arrival, as much as the budget allows. Answers that stand still because their KV was lost come
 * before prompts, and get a block a step whatever the budget: their clients see a gap in the midst
 * of a sentence. Confined to the worker's thread.
 */
final class StepBatch {
    /**
     * A step that only prefills takes about this long: requests that arrive and cancellations are
     * looked at after it, and its blocks reach others.
     */
    private static final double STEP_MILLIS = 1000;

    /** Smaller steps would spend more time on reading weights and on barriers than they save. */
    private static final int LEAST_BLOCKS = 4;

    /**
     * A step that prefills while others wait for its cores: the fewer tokens an operation is about,
     * the sooner it ends and lets them in.
     */
    private static final double STEP_MILLIS_WHEN_PRESSED = 200;

    private static final int LEAST_BLOCKS_WHEN_PRESSED = 1;

    /** A step for what nobody waits for, which everybody else has to wait for. */
    private static final double BACKGROUND_STEP_MILLIS = 30;

    private static final int LEAST_BACKGROUND_TOKENS = 8;

    private final WorkerOptions options;
    private final Ownership ownership;
    private final PrefillSpeed speed;
    private final int blockTokens;
    private final BooleanSupplier pressed;
    private final AttentionTiles tiles;
    private final Truncation cells;
    private final Batch batch = new Batch();
    private final List<Sequence> sequences = new ArrayList<>();

    /** Whether the block of a sequence that begins at a boundary is for this worker to compute. */
    @FunctionalInterface
    interface Ownership {
        boolean mayCompute(Sequence sequence, int boundary);
    }

    /** Drops all positions of a slot from the second one on. */
    @FunctionalInterface
    interface Truncation {
        void truncate(int slot, int from);
    }

    /**
     * @param pressed whether running answers want the cores of this worker's steps
     * @param cells where sequences lie
     */
    StepBatch(
            WorkerOptions options,
            Ownership ownership,
            PrefillSpeed speed,
            int blockTokens,
            BooleanSupplier pressed,
            AttentionTiles tiles,
            Truncation cells) {
        this.options = options;
        this.ownership = ownership;
        this.speed = speed;
        this.blockTokens = blockTokens;
        this.pressed = pressed;
        this.tiles = tiles;
        this.cells = cells;
    }

    Batch batch() {
        return batch;
    }

    boolean isEmpty() {
        return batch.size() == 0;
    }

    /** Those that have tokens in this step. */
    List<Sequence> sequences() {
        return sequences;
    }

    /** A sequence that ends leaves the step. */
    void forget(Sequence sequence) {
        sequences.remove(sequence);
    }

    void fill(List<Sequence> all) {
        batch.clear();
        sequences.clear();
        boolean idle = all.stream().allMatch(sequence -> sequence.request.background);
        var candidates = candidates(all, idle);
        for (var sequence : candidates) {
            if (sequence.generating()) {
                add(sequence, sequence.ready + 1);
            }
        }
        var prompts =
                candidates.stream()
                        .filter(each -> !each.generating())
                        .sorted(Comparator.comparing(each -> !each.standsStill()))
                        .toList();
        int budget = idle ? backgroundBudget() : budget(prompts);
        for (var sequence : prompts) {
            if (budget > 0) {
                int end = chunkEnd(sequence, budget);
                budget -= end - sequence.ready;
                if (end > sequence.ready) {
                    add(sequence, end);
                }
            }
        }
        if (!idle) {
            fillTile();
        }
    }

    /** Those that can go on; of those that a process may have died of, only the first. */
    private static List<Sequence> candidates(List<Sequence> all, boolean idle) {
        var candidates = new ArrayList<Sequence>();
        boolean suspected = false;
        for (var sequence : all) {
            boolean ready =
                    sequence.generating()
                            || sequence.computable && (idle || !sequence.request.background);
            if (sequence.preempted || !ready) {
                continue;
            }
            boolean suspect = sequence.request.isSuspect();
            if (!suspect || !suspected) {
                candidates.add(sequence);
            }
            suspected |= suspect;
        }
        return candidates;
    }

    private int budget(List<Sequence> prompts) {
        int most = options.stepTokens() - batch.size();
        if (isEmpty()) {
            return Math.min(promptBudget(), most);
        }
        boolean stall = prompts.stream().anyMatch(Sequence::standsStill);
        int budget = stall ? Math.max(options.mixedTokens(), blockTokens) : options.mixedTokens();
        int context = prompts.stream().mapToInt(each -> each.ready).max().orElse(0);
        boolean fills = tiles.worthFilling(batch.size() + budget, context);
        return Math.min(fills ? tiles.tokens() - batch.size() : budget, most);
    }

    /**
     * The short rest of a long prompt takes longer alone than with the tokens before it, so these
     * are computed again. Passages are left where they were put.
     */
    private void fillTile() {
        if (batch.size() == 0) {
            return;
        }
        var last = sequences.getLast();
        if (last.generating()
                || last.ready + last.stepTokens < last.goal()
                || !last.request.stretches().isEmpty()
                || !tiles.worthFilling(batch.size(), last.ready)) {
            return;
        }
        int again = tiles.tokens() - batch.size();
        if (again > last.ready) {
            return;
        }
        int end = last.ready + last.stepTokens;
        last.ready -= again;
        cells.truncate(last.slot, last.ready);
        batch.shrink(batch.size() - last.stepTokens);
        sequences.removeLast();
        add(last, end);
    }

    /**
     * Learns from how long the step took, before its sequences have moved on.
     *
     * @return what it computed
     */
    Step measure(double millis) {
        int answers = 0;
        long context = 0;
        double attended = 0;
        for (var sequence : sequences) {
            if (sequence.generating()) {
                answers++;
                context += sequence.ready + 1;
            } else {
                attended += Step.attended(sequence.ready, sequence.stepTokens);
            }
        }
        // Small steps are slow ones: what they take says nothing of prompts that somebody waits
        // for.
        if (answers == 0 && sequences.stream().noneMatch(each -> each.request.background)) {
            speed.prefilled(batch.size(), millis);
        }
        return new Step(batch.size() - answers, attended, answers, context);
    }

    /** A step ends before a request that comes meanwhile has waited for long. */
    private int backgroundBudget() {
        int wanted = (int) (BACKGROUND_STEP_MILLIS / Math.max(1e-6, speed.millisPerToken()));
        return Math.clamp(wanted, LEAST_BACKGROUND_TOKENS, blockTokens);
    }

    private int promptBudget() {
        return pressed.getAsBoolean()
                ? promptBudget(STEP_MILLIS_WHEN_PRESSED, LEAST_BLOCKS_WHEN_PRESSED)
                : promptBudget(STEP_MILLIS, LEAST_BLOCKS);
    }

    private int promptBudget(double millis, int leastBlocks) {
        int wanted = (int) (millis / Math.max(1e-6, speed.millisPerToken()));
        int least = Math.min(leastBlocks * blockTokens, options.stepTokens());
        return Math.clamp(wanted / blockTokens * blockTokens, least, options.stepTokens());
    }

    /** As far as the budget goes without entering a block that another worker has or computes. */
    private int chunkEnd(Sequence sequence, int budget) {
        int limit =
                Math.min(
                        sequence.ready + budget,
                        sequence.generates ? sequence.request.size() : sequence.goal());
        if (sequence.ready < sequence.request.asked().prompt().length) {
            limit = Math.min(limit, sequence.request.nextStretch(sequence.ready));
        }
        int end = (sequence.ready / blockTokens + 1) * blockTokens;
        while (end < limit && ownership.mayCompute(sequence, end)) {
            end += blockTokens;
        }
        return Math.min(end, limit);
    }

    private void add(Sequence sequence, int end) {
        var request = sequence.request;
        sequence.outputIndex = -1;
        for (int position = sequence.ready; position < end; position++) {
            boolean output = sequence.generates && position == request.size() - 1;
            int index = batch.add(request.tokens()[position], position, sequence.slot, output);
            if (output) {
                sequence.outputIndex = index;
                promise(sequence, index);
            }
        }
        sequence.stepTokens = end - sequence.ready;
        sequences.add(sequence);
    }

    /** A guard looks at a first token's certainty before it is sampled, if it is. */
    private void promise(Sequence sequence, int index) {
        if (!sequence.request.isGuarded() || sequence.request.generated() > 0) {
            sequence.sampler.ifPresent(sampler -> batch.willSample(index, sampler));
        }
    }
}
