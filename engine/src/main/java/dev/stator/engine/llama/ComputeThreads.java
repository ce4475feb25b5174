package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.stator.engine.EngineException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * ggml's threads for one context, which owns and closes them.
 *
 * <p>Without them ggml starts and ends threads for every graph, and a step that pauses is a hundred
 * graphs. These sleep between graphs instead of spinning: the cores belong to others then.
 */
final class ComputeThreads implements AutoCloseable {
    // struct ggml_threadpool_params: bool cpumask[512]; int n_threads; enum prio; uint32_t poll;
    // bool strict_cpu, paused
    private static final long PARAMS_BYTES = 528;
    private static final long N_THREADS = 512;
    private static final long POLL = 520;
    private static final int DEFAULT_POLL = 50;

    private final MethodHandle free;
    private final MemorySegment pool;

    /**
     * @param most threads that a step will use
     */
    ComputeThreads(NativeLibraries libraries, int most) {
        var linker = Linker.nativeLinker();
        try (var arena = Arena.ofConfined()) {
            var params = arena.allocate(PARAMS_BYTES, 8);
            linker.downcallHandle(
                            libraries.function("ggml_threadpool_params_init"),
                            FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT))
                    .invokeExact(params, most);
            if (params.get(JAVA_INT, N_THREADS) != most
                    || params.get(JAVA_INT, POLL) != DEFAULT_POLL) {
                throw new EngineException(
                        "this llama.cpp library does not lay out ggml_threadpool_params as %s does. Point STATOR_LLAMA_DIR at a build of that version"
                                .formatted(Layouts.VERSION));
            }
            params.set(JAVA_INT, POLL, 0);
            free =
                    linker.downcallHandle(
                            ofCpu(libraries, arena, "ggml_threadpool_free"),
                            FunctionDescriptor.ofVoid(ADDRESS));
            pool =
                    (MemorySegment)
                            linker.downcallHandle(
                                            ofCpu(libraries, arena, "ggml_threadpool_new"),
                                            FunctionDescriptor.of(ADDRESS, ADDRESS))
                                    .invokeExact(params);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("a call into ggml failed", e);
        }
        if (pool.equals(MemorySegment.NULL)) {
            throw new EngineException("ggml cannot start %d threads".formatted(most));
        }
    }

    /** A function of the CPU library that was chosen for this machine; it is not linked by name. */
    private static MemorySegment ofCpu(NativeLibraries libraries, Arena arena, String function)
            throws Throwable {
        var linker = Linker.nativeLinker();
        var registry =
                (MemorySegment)
                        linker.downcallHandle(
                                        libraries.function("ggml_backend_reg_by_name"),
                                        FunctionDescriptor.of(ADDRESS, ADDRESS))
                                .invokeExact(arena.allocateFrom("CPU"));
        if (registry.equals(MemorySegment.NULL)) {
            throw new EngineException("the llama.cpp library has no CPU backend");
        }
        return (MemorySegment)
                linker.downcallHandle(
                                libraries.function("ggml_backend_reg_get_proc_address"),
                                FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS))
                        .invokeExact(registry, arena.allocateFrom(function));
    }

    void attachTo(NativeLibraries libraries, MemorySegment context) {
        try {
            Linker.nativeLinker()
                    .downcallHandle(
                            libraries.function("llama_attach_threadpool"),
                            FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS))
                    .invokeExact(context, pool, pool);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("a call into llama.cpp failed", e);
        }
    }

    /** After the context that it was attached to. */
    @Override
    public void close() {
        try {
            free.invokeExact(pool);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("a call into ggml failed", e);
        }
    }
}
