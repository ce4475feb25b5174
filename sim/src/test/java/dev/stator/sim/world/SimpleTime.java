package dev.stator.sim.world;

import dev.stator.sim.time.Link;
import dev.stator.sim.time.StepWork;
import dev.stator.sim.time.TimeModel;

/**
 * Times that can be checked by hand.
 *
 * @param stepMillis of every step
 * @param promptTokenMillis for each prompt token more
 * @param answerMillis for each answer more
 * @param moveMillis for each token that moves
 */
record SimpleTime(
        double stepMillis,
        double promptTokenMillis,
        double answerMillis,
        double moveMillis,
        long kvTokens)
        implements TimeModel {
    static SimpleTime of(long kvTokens) {
        return new SimpleTime(10, 0.1, 0.5, 0.001, kvTokens);
    }

    @Override
    public double stepMillis(StepWork work) {
        return stepMillis
                + promptTokenMillis * work.prefillTokens()
                + answerMillis * work.decodes();
    }

    @Override
    public double moveMillis(long tokens, Link link) {
        return moveMillis * tokens;
    }

    @Override
    public long kvBytesPerToken() {
        return 1024;
    }
}
