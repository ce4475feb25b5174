package dev.stator.routing;

import java.util.random.RandomGenerator;

/** {@link Policy#LEAST_LOADED}; at random among equals. */
final class LeastLoaded implements Pick {
    private final RandomGenerator random;

    LeastLoaded(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public int pick(Situation situation, Positions able, Task task) {
        int picked = able.get(0);
        int equals = 0;
        for (int i = 0; i < able.size(); i++) {
            int at = able.get(i);
            int requests = situation.worker(at).requests();
            int least = situation.worker(picked).requests();
            if (requests < least) {
                picked = at;
                equals = 1;
            } else if (requests == least && random.nextInt(++equals) == 0) {
                picked = at;
            }
        }
        return picked;
    }
}
