package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.stator.engine.EngineException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;

/** Reads small tensors of a model file, which llama.h does not hand out. */
final class GgufTensor {
    private static final int F32 = 0;

    /** Nothing that is read here is longer than a head. */
    private static final int MAX_ELEMENTS = 1 << 16;

    private static final StructLayout INIT_PARAMS =
            MemoryLayout.structLayout(
                    JAVA_BOOLEAN.withName("no_alloc"),
                    MemoryLayout.paddingLayout(7),
                    ADDRESS.withName("ctx"));

    private final NativeLibraries libraries;
    private final Path file;

    private GgufTensor(NativeLibraries libraries, Path file) {
        this.libraries = libraries;
        this.file = file;
    }

    /**
     * The elements of a tensor of 32-bit floats.
     *
     * @return empty if the file has no such tensor
     * @throws EngineException if the file cannot be read or the tensor is none of a few floats
     */
    static Optional<float[]> floats(NativeLibraries libraries, Path file, String name) {
        return new GgufTensor(libraries, file).read(name);
    }

    private Optional<float[]> read(String name) {
        try (var arena = Arena.ofConfined()) {
            // no_alloc and no ggml context: only the file's head is read.
            var params = arena.allocate(INIT_PARAMS);
            params.set(JAVA_BOOLEAN, 0, true);
            var gguf =
                    (MemorySegment)
                            bind("gguf_init_from_file", ADDRESS, ADDRESS, INIT_PARAMS)
                                    .invokeExact(arena.allocateFrom(file.toString()), params);
            if (gguf.equals(MemorySegment.NULL)) {
                throw new EngineException("cannot read the head of " + file);
            }
            try {
                return read(gguf, arena.allocateFrom(name));
            } finally {
                Linker.nativeLinker()
                        .downcallHandle(
                                libraries.function("gguf_free"), FunctionDescriptor.ofVoid(ADDRESS))
                        .invokeExact(gguf);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("cannot read a tensor of " + file, e);
        }
    }

    private Optional<float[]> read(MemorySegment gguf, MemorySegment name) throws Throwable {
        long id =
                (long)
                        bind("gguf_find_tensor", JAVA_LONG, ADDRESS, ADDRESS)
                                .invokeExact(gguf, name);
        if (id < 0) {
            return Optional.empty();
        }
        int type =
                (int)
                        bind("gguf_get_tensor_type", JAVA_INT, ADDRESS, JAVA_LONG)
                                .invokeExact(gguf, id);
        long bytes = ofTensor("gguf_get_tensor_size", gguf, id);
        long data = (long) bind("gguf_get_data_offset", JAVA_LONG, ADDRESS).invokeExact(gguf);
        if (type != F32 || bytes % 4 != 0 || bytes > 4L * MAX_ELEMENTS) {
            throw new EngineException(
                    "%s of %s is of type %d and %d bytes"
                            .formatted(name.getString(0), file, type, bytes));
        }
        return Optional.of(
                floatsAt(data + ofTensor("gguf_get_tensor_offset", gguf, id), (int) bytes));
    }

    private float[] floatsAt(long offset, int bytes) throws IOException {
        var buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        try (var channel = FileChannel.open(file)) {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, offset + buffer.position()) < 0) {
                    throw new EngineException(file + " ends within a tensor");
                }
            }
        }
        var floats = new float[bytes / 4];
        buffer.flip().asFloatBuffer().get(floats);
        return floats;
    }

    private long ofTensor(String function, MemorySegment gguf, long id) throws Throwable {
        return (long) bind(function, JAVA_LONG, ADDRESS, JAVA_LONG).invokeExact(gguf, id);
    }

    private MethodHandle bind(String function, MemoryLayout result, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(
                        libraries.function(function), FunctionDescriptor.of(result, arguments));
    }
}
