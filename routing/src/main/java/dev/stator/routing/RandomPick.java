package dev.stator.routing;

import java.util.random.RandomGenerator;

/** {@link Policy#RANDOM}. */
final class RandomPick implements Pick {
    private final RandomGenerator random;

    RandomPick(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public int pick(Situation situation, Positions able, Task task) {
        return able.get(random.nextInt(able.size()));
    }
}
