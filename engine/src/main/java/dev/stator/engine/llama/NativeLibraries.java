package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.stator.engine.EngineException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shared libraries of one llama.cpp build, opened for the life of the process (they cannot be
 * unloaded safely), and their log.
 */
final class NativeLibraries {
    private static final Logger LOG = LoggerFactory.getLogger("dev.stator.engine.llama.native");
    private static final int REMEMBERED_ERRORS = 8;

    /** Dependencies first: Windows finds an already opened module by its name. */
    private static final List<String> ORDER = List.of("ggml-base", "ggml", "llama");

    private final Path folder;
    private final List<SymbolLookup> lookups = new ArrayList<>();
    private final Deque<String> errors = new ArrayDeque<>();

    private NativeLibraries(Path folder) {
        this.folder = folder;
    }

    static NativeLibraries load(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new EngineException(
                    "no llama.cpp libraries: %s is not a folder. Build Stator with npm on the PATH, or point STATOR_LLAMA_DIR at a build of %s"
                            .formatted(folder, Layouts.VERSION));
        }
        var libraries = new NativeLibraries(folder.toAbsolutePath());
        for (var name : ORDER) {
            var file = libraries.find(name);
            try {
                libraries.lookups.add(SymbolLookup.libraryLookup(file, Arena.global()));
            } catch (IllegalArgumentException e) {
                throw new EngineException(
                        "cannot open %s: it is no library for this machine, or one that it needs is missing"
                                .formatted(file),
                        e);
            }
        }
        libraries.startLog();
        libraries.loadBackends();
        return libraries;
    }

    Path folder() {
        return folder;
    }

    MemorySegment function(String name) {
        for (var lookup : lookups) {
            var found = lookup.find(name);
            if (found.isPresent()) {
                return found.get();
            }
        }
        throw new EngineException(
                "the llama.cpp library in %s has no function %s, so it is not %s. Point STATOR_LLAMA_DIR at a build of that version"
                        .formatted(folder, name, Layouts.VERSION));
    }

    /** What the library complained of last, newest last; cleared by the call. */
    String complaints() {
        synchronized (errors) {
            var text = String.join("; ", errors);
            errors.clear();
            return text.isEmpty() ? "the library gave no reason" : text;
        }
    }

    private Path find(String name) {
        var pattern =
                Pattern.compile(
                        "(lib)?" + name + "(\\.v?[0-9.]+[0-9])?\\.(so|dylib|dll)(\\.[0-9.]+)?");
        try (var files = Files.list(folder)) {
            return files.filter(file -> pattern.matcher(file.getFileName().toString()).matches())
                    .sorted()
                    .findFirst()
                    .orElseThrow(
                            () ->
                                    new EngineException(
                                            "no library named %s in %s. Point STATOR_LLAMA_DIR at a folder with a build of llama.cpp %s"
                                                    .formatted(name, folder, Layouts.VERSION)));
        } catch (IOException e) {
            throw new EngineException("cannot read the folder " + folder, e);
        }
    }

    private void loadBackends() {
        var linker = Linker.nativeLinker();
        var count =
                linker.downcallHandle(
                        function("ggml_backend_dev_count"), FunctionDescriptor.of(JAVA_LONG));
        var loadAll =
                linker.downcallHandle(
                        function("ggml_backend_load_all_from_path"),
                        FunctionDescriptor.ofVoid(ADDRESS));
        var init =
                linker.downcallHandle(function("llama_backend_init"), FunctionDescriptor.ofVoid());
        try (var arena = Arena.ofConfined()) {
            // The registry belongs to the process: a second engine would register every device
            // again, and two at once would break it, for it has no lock of its own.
            synchronized (NativeLibraries.class) {
                if ((long) count.invokeExact() == 0) {
                    loadAll.invokeExact(arena.allocateFrom(folder.toString()));
                    init.invokeExact();
                }
            }
            if ((long) count.invokeExact() == 0) {
                throw new EngineException(
                        "none of the ggml backends in %s works on this machine: %s"
                                .formatted(folder, complaints()));
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("cannot start llama.cpp's backends", e);
        }
    }

    private void startLog() {
        try {
            var handle =
                    MethodHandles.lookup()
                            .bind(
                                    this,
                                    "log",
                                    MethodType.methodType(
                                            void.class,
                                            int.class,
                                            MemorySegment.class,
                                            MemorySegment.class));
            var stub =
                    Linker.nativeLinker()
                            .upcallStub(
                                    handle,
                                    FunctionDescriptor.ofVoid(
                                            JAVA_INT,
                                            ADDRESS.withTargetLayout(
                                                    java.lang.foreign.MemoryLayout.sequenceLayout(
                                                            Long.MAX_VALUE,
                                                            java.lang.foreign.ValueLayout
                                                                    .JAVA_BYTE)),
                                            ADDRESS),
                                    Arena.global());
            Linker.nativeLinker()
                    .downcallHandle(
                            function("llama_log_set"), FunctionDescriptor.ofVoid(ADDRESS, ADDRESS))
                    .invokeExact(stub, MemorySegment.NULL);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("cannot take over llama.cpp's log", e);
        }
    }

    /**
     * Called from native code: must never throw. Levels of ggml: 1 debug, 2 info, 3 warn, 4 error,
     * 5 continuation.
     */
    @SuppressWarnings("unused")
    private void log(int level, MemorySegment text, MemorySegment userData) {
        try {
            var line = text.getString(0).strip();
            if (line.isEmpty() || line.chars().allMatch(c -> c == '.')) {
                return;
            }
            if (level == 4) {
                synchronized (errors) {
                    errors.addLast(line);
                    if (errors.size() > REMEMBERED_ERRORS) {
                        errors.removeFirst();
                    }
                }
            }
            // The library calls many things an error that its caller handles; people read our
            // messages instead.
            LOG.debug("{}", line);
        } catch (Throwable e) {
            LOG.debug("unreadable line in llama.cpp's log");
        }
    }
}
