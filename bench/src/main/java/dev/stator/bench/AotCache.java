package dev.stator.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/**
 * What a JVM keeps of a run so that later ones start faster, as the {@code stator} script makes for
 * what it starts. A JVM takes such a cache only with a class path of jars, so the folders of this
 * one are packed.
 */
final class AotCache implements AutoCloseable {
    private static final long MAKING_SECONDS = 120;

    private final Path place;
    private final String classPath;

    AotCache() {
        try {
            place = Files.createTempDirectory("stator-bench-");
            var jars = new ArrayList<String>();
            for (var entry : System.getProperty("java.class.path").split(":")) {
                var path = Path.of(entry);
                jars.add(
                        Files.isDirectory(path)
                                ? packed(path, place.resolve(jars.size() + ".jar")).toString()
                                : entry);
            }
            classPath = String.join(":", jars);
        } catch (IOException e) {
            throw new BenchException("the class path cannot be packed: " + e.getMessage(), e);
        }
    }

    private static Path packed(Path folder, Path jar) throws IOException {
        try (var out = new JarOutputStream(new BufferedOutputStream(Files.newOutputStream(jar)));
                var files = Files.walk(folder)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new JarEntry(folder.relativize(file).toString()));
                Files.copy(file, out);
                out.closeEntry();
            }
        }
        return jar;
    }

    /** A process whose run is kept when it is closed with {@link #make}. */
    Child training(String name, Class<?> main, List<String> arguments) {
        return Child.java(
                name,
                List.of("-XX:AOTCacheOutput=" + file(), "-Xlog:disable"),
                classPath,
                main,
                arguments);
    }

    void make(Child trained) {
        trained.close(MAKING_SECONDS);
        if (!Files.exists(file())) {
            throw new BenchException("the JVM has made no cache");
        }
    }

    /** A process that starts with what was kept. */
    Child start(String name, Class<?> main, List<String> arguments) {
        return Child.java(
                name,
                List.of("-XX:AOTCache=" + file(), "-Xlog:aot=off", "-Xlog:cds=off"),
                classPath,
                main,
                arguments);
    }

    private Path file() {
        return place.resolve("frontend.aot");
    }

    @Override
    public void close() {
        try {
            DiskTierBench.remove(place);
        } catch (IOException e) {
            throw new BenchException("cannot remove " + place + ": " + e.getMessage(), e);
        }
    }
}
