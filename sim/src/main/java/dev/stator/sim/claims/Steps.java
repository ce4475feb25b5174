package dev.stator.sim.claims;

import java.util.function.DoubleConsumer;

/** Hears of parts from 0 to 1 and passes on one in ten percent. */
final class Steps implements DoubleConsumer {
    private static final int STEPS = 10;

    private final DoubleConsumer listener;
    private int said;

    Steps(DoubleConsumer listener) {
        this.listener = listener;
    }

    @Override
    public void accept(double part) {
        int step = (int) (part * STEPS);
        if (step > said) {
            said = step;
            listener.accept(part);
        }
    }
}
