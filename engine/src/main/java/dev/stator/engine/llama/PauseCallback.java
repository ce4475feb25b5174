package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;

import dev.stator.engine.Pause;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts a step into short runs of operations by way of ggml's evaluation callback.
 *
 * <p>ggml asks of every operation in turn whether somebody wants to see its result, computes up to
 * the first such one, waits for all its threads, and calls again. Nobody looks at a result here:
 * that second call is a moment at which all cores are free.
 */
final class PauseCallback {
    private static final Logger LOG = LoggerFactory.getLogger(PauseCallback.class);

    /**
     * How long a run should take. Ending one costs some ten microseconds, and whoever waits for the
     * cores waits for its end.
     */
    private static final long RUN_NANOS = 1_000_000;

    /** About three layers of a transformer. */
    private static final int MOST_OPERATIONS = 100;

    private final Pause pause;

    /**
     * Operations of a run, learned from how long runs take: a matrix product of a large model alone
     * is longer than a run should be, a small model's whole step is shorter.
     */
    private int runOperations = 2;

    private int operations;
    private long runStart;

    PauseCallback(Pause pause) {
        this.pause = pause;
    }

    /** A step begins, and a run with it. */
    void begin() {
        operations = 0;
        runStart = System.nanoTime();
    }

    /** A pointer for {@code cb_eval}, valid as long as the arena. */
    MemorySegment stub(Arena arena) {
        try {
            MethodHandle handle =
                    MethodHandles.lookup()
                            .findVirtual(
                                    PauseCallback.class,
                                    "onOperation",
                                    MethodType.methodType(
                                            boolean.class,
                                            MemorySegment.class,
                                            boolean.class,
                                            MemorySegment.class))
                            .bindTo(this);
            return Linker.nativeLinker()
                    .upcallStub(
                            handle,
                            FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, JAVA_BOOLEAN, ADDRESS),
                            arena);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private void learn(long nanos) {
        if (nanos < RUN_NANOS / 2) {
            runOperations = Math.min(MOST_OPERATIONS, operations + 1);
        } else if (nanos > RUN_NANOS) {
            runOperations = Math.max(1, runOperations / 2);
        }
    }

    // Called by ggml; an exception would end the process.
    private boolean onOperation(MemorySegment tensor, boolean asks, MemorySegment userData) {
        try {
            if (asks) {
                return ++operations >= runOperations && pause.possible();
            }
            learn(System.nanoTime() - runStart);
            pause.point();
            begin();
        } catch (RuntimeException e) {
            LOG.error("a pause failed; the step goes on", e);
        }
        return true;
    }
}
