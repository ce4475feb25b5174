package dev.stator.cluster;

import dev.stator.routing.Ticker;
import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * Time and threads of a member, so that a simulation can replace both. What it is given runs on a
 * thread of its own and never within the call.
 */
interface Clock extends Ticker, Executor {
    /** Runs it when so much time has passed. */
    void after(Duration delay, Runnable task);

    static Clock system() {
        return new Clock() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public void execute(Runnable task) {
                Thread.ofVirtual().start(task);
            }

            @Override
            public void after(Duration delay, Runnable task) {
                execute(
                        () -> {
                            try {
                                Thread.sleep(delay);
                            } catch (InterruptedException e) {
                                // Nobody interrupts it; whoever did would want it to end.
                                Thread.currentThread().interrupt();
                                return;
                            }
                            task.run();
                        });
            }
        };
    }
}
