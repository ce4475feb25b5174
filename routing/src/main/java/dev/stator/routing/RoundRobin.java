package dev.stator.routing;

import java.util.Arrays;

/** {@link Policy#ROUND_ROBIN}. */
final class RoundRobin implements Pick {
    private final int[] last = new int[Task.values().length];

    RoundRobin() {
        Arrays.fill(last, -1);
    }

    @Override
    public int pick(Situation situation, Positions able, Task task) {
        int picked = able.get(0);
        for (int i = 0; i < able.size(); i++) {
            if (able.get(i) > last[task.ordinal()]) {
                picked = able.get(i);
                break;
            }
        }
        last[task.ordinal()] = picked;
        return picked;
    }
}
