package dev.stator.engine;

/**
 * Lets a long step make room for others: between two operations of a step the engine offers to
 * stand still. Both methods are called on the thread that steps.
 */
public interface Pause {
    /** Never pauses. */
    Pause NEVER =
            new Pause() {
                @Override
                public boolean possible() {
                    return false;
                }

                @Override
                public void point() {}
            };

    /** Whether somebody may want a pause soon. While not, the step is not cut and pays nothing. */
    boolean possible();

    /** A moment at which no compute thread runs; the step goes on when this returns. */
    void point();
}
