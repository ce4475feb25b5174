package dev.stator.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Another process, spoken to in lines. */
final class Child implements AutoCloseable {
    private static final long EXIT_SECONDS = 10;

    private final String name;
    private final Process process;
    private final PrintWriter in;
    private final BufferedReader out;

    private Child(String name, Process process) {
        this.name = name;
        this.process = process;
        this.in = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8));
        this.out = process.inputReader(StandardCharsets.UTF_8);
    }

    static Child start(String name, List<String> command) {
        try {
            return new Child(
                    name,
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start());
        } catch (IOException e) {
            throw new BenchException("cannot start %s: %s".formatted(name, e.getMessage()), e);
        }
    }

    /** A JVM like this one. */
    static Child java(String name, Class<?> main, String... arguments) {
        return java(
                name, List.of(), System.getProperty("java.class.path"), main, List.of(arguments));
    }

    /**
     * A JVM like this one.
     *
     * @param flags more of them
     */
    static Child java(
            String name,
            List<String> flags,
            String classPath,
            Class<?> main,
            List<String> arguments) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:+UseCompactObjectHeaders");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("--sun-misc-unsafe-memory-access=allow");
        // As the launcher: what is encrypted is compiled soon.
        command.add("-XX:CompileCommand=quiet");
        command.add("-XX:CompileCommand=CompileThresholdScaling,com.sun.crypto.provider.*::*,0.02");
        command.addAll(flags);
        command.add("-cp");
        command.add(classPath);
        command.add(main.getName());
        command.addAll(arguments);
        return start(name, command);
    }

    void say(String line) {
        in.println(line);
        in.flush();
    }

    /** The rest of the next line, which must begin like this. */
    String expect(String start) {
        try {
            var line = Optional.ofNullable(out.readLine()).orElse("nothing more");
            if (!line.startsWith(start)) {
                throw new BenchException(
                        "%s said '%s' instead of '%s'".formatted(name, line, start));
            }
            return line.substring(start.length());
        } catch (IOException e) {
            throw new BenchException("%s broke off: %s".formatted(name, e.getMessage()), e);
        }
    }

    /** Of the process. */
    long pid() {
        return process.pid();
    }

    /** As a crash ends it, or the kernel when memory is short. */
    void kill() {
        process.destroyForcibly();
    }

    /** Ends its input, which makes it end. */
    @Override
    public void close() {
        close(EXIT_SECONDS);
    }

    /**
     * @param seconds that it may take to end
     */
    void close(long seconds) {
        in.close();
        try {
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
