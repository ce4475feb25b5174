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
     * A transformer layer is some thirty operations, of which seven, the matrix products, take the
     * time: a run of two holds hardly more than one of those.
     */
    private static final int OPERATIONS = 2;

    private final Pause pause;
    private int operations;

    PauseCallback(Pause pause) {
        this.pause = pause;
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

    // Called by ggml; an exception would end the process.
    private boolean onOperation(MemorySegment tensor, boolean asks, MemorySegment userData) {
        try {
            if (asks) {
                return ++operations % OPERATIONS == 0 && pause.possible();
            }
            pause.point();
        } catch (RuntimeException e) {
            LOG.error("a pause failed; the step goes on", e);
        }
        return true;
    }
}
