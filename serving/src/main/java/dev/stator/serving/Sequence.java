package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Claimant;
import dev.stator.cache.Waiting;
import dev.stator.engine.Sampler;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A request's presence in one worker's memory. Owned by the worker's thread.
 *
 * <pre>
 * 0 .. ready            KV is in the engine, in this slot
 * ready .. goal         onboarded block by block, or computed where nobody has it
 * goal                  the last token known: computing it yields the next one (decode only)
 * </pre>
 */
final class Sequence {
    final Request request;
    final boolean generates;
    final int slot;
    final Claimant claimant;

    /** Keys of all full blocks up to {@code ready}, and of the prompt's. */
    final List<BlockKey> keys;

    final Optional<Sampler> sampler;
    final AnswerText text;

    int ready;

    /** Blocks before this one need not be looked at for publishing any more. */
    int publishedBlocks;

    /** Set while another worker computes the next block. */
    Optional<Waiting> waiting = Optional.empty();

    /** Told from any thread that the block waited for was published or given up. */
    final AtomicBoolean changed = new AtomicBoolean();

    long waitingSinceNanos;

    /** Whether the token at {@code ready} is this sequence's own to compute. */
    boolean computable;

    boolean tailPublished;

    /** Looked for the end of an earlier sequence in the midst of a block, which is done once. */
    boolean soughtPart;

    /** Where a block was said to be present and yet could not be acquired. */
    int contestedAt = -1;

    /** The sequence computes even what others have claimed: they took too long. */
    boolean impatient;

    /** Its cells were taken back; it goes on when there is room. */
    boolean preempted;

    /** Set when the last token was chosen. */
    Optional<FinishReason> ended = Optional.empty();

    /**
     * Tokens of this sequence in the current step, and the index of the one that asked for output,
     * or -1.
     */
    int stepTokens;

    int outputIndex = -1;

    Sequence(
            Request request,
            boolean generates,
            int slot,
            Optional<Sampler> sampler,
            List<BlockKey> keys) {
        this.request = request;
        this.generates = generates;
        this.slot = slot;
        this.sampler = sampler;
        this.keys = keys;
        this.claimant = generates ? request.decodeClaimant : request.prefillClaimant;
        this.text = new AnswerText(request.asked().stops());
    }

    /** Tokens that may be onboarded or computed without output. */
    int goal() {
        return generates ? request.size() - 1 : request.reusable();
    }

    /** So many tokens more are in the engine that were not computed by it for this sequence. */
    void moveOn(int tokens) {
        if (generates) {
            request.imported(ready, ready + tokens);
        }
        ready += tokens;
    }

    boolean generating() {
        return generates && ready == request.size() - 1 && request.generated() > 0;
    }

    /** Whether its answer has begun and cannot go on before some of its KV is computed again. */
    boolean standsStill() {
        return generates && request.generated() > 0 && !generating();
    }

    /** Keys of the full blocks whose KV is in the engine, as far as they are known. */
    List<BlockKey> fullKeys(int blockTokens) {
        return List.copyOf(keys.subList(0, Math.min(keys.size(), ready / blockTokens)));
    }

    /**
     * Whether its guard says no to what the last step computed. Asked once, before the first token,
     * so that nothing that was sent is ever taken back.
     */
    boolean isInDoubt() {
        return request.isGuarded()
                && request.generated() == 0
                && request.isInDoubt(sampler.orElseThrow().certainty(outputIndex));
    }

    boolean isWaiting() {
        return waiting.isPresent();
    }

    void stopWaiting() {
        waiting.ifPresent(Waiting::close);
        waiting = Optional.empty();
    }
}
