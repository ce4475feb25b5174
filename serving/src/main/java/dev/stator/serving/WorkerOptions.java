package dev.stator.serving;

import dev.stator.routing.index.Place;

/**
 * @param id {@code prefill-0}, {@code decode-1}, …
 * @param running the most sequences at once
 * @param stepTokens the most prompt tokens of one step
 * @param mixedTokens the most prompt tokens of a step that also generates: each of them delays
 *     every running answer
 * @param residentCells cells that ended sequences may keep
 * @param host where blocks come from and go to
 */
record WorkerOptions(
        String id,
        Role role,
        int running,
        int stepTokens,
        int mixedTokens,
        int residentCells,
        Place host) {}
