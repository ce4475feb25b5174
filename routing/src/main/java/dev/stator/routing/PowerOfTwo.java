package dev.stator.routing;

import java.util.random.RandomGenerator;

/**
 * {@link Policy#POWER_OF_TWO}: M. Mitzenmacher, The Power of Two Choices in Randomized Load
 * Balancing.
 */
final class PowerOfTwo implements Pick {
    private final RandomGenerator random;

    PowerOfTwo(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public int pick(Situation situation, Positions able, Task task) {
        int first = random.nextInt(able.size());
        if (able.size() == 1) {
            return able.get(first);
        }
        int other = able.get((first + 1 + random.nextInt(able.size() - 1)) % able.size());
        int one = able.get(first);
        return situation.worker(one).requests() <= situation.worker(other).requests() ? one : other;
    }
}
