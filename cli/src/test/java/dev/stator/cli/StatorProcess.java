package dev.stator.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The real command, started by the distribution's own script. */
final class StatorProcess implements AutoCloseable {
    static final Path HOME =
            Path.of(System.getProperty("stator.distribution", "target/stator")).toAbsolutePath();

    /** Far beyond what anything here takes: a test that hangs ends some time. */
    private static final long PATIENCE_SECONDS = 300;

    private final Process process;
    private final BlockingQueue<String> out = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> err = new LinkedBlockingQueue<>();
    private final List<String> outSoFar = new ArrayList<>();
    private final Thread outReader;
    private final Thread errReader;

    private StatorProcess(Process process) {
        this.process = process;
        this.outReader = read(process.getInputStream(), out);
        this.errReader = read(process.getErrorStream(), err);
    }

    static StatorProcess start(String... arguments) throws IOException {
        return start(HOME.resolve("stator"), Map.of(), arguments);
    }

    static StatorProcess start(Path script, Map<String, String> environment, String... arguments)
            throws IOException {
        var command = new ArrayList<>(List.of(script.toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("STATOR_"));
        builder.environment().put("STATOR_JAVA_HOME", System.getProperty("java.home"));
        // The cache that speeds starts up is made in the background, which would disturb tests.
        builder.environment().put("STATOR_AOT", "off");
        builder.environment().putAll(environment);
        return new StatorProcess(builder.start());
    }

    private static Thread read(InputStream stream, BlockingQueue<String> lines) {
        return Thread.ofVirtual()
                .start(
                        () -> {
                            try (var reader =
                                    new BufferedReader(
                                            new InputStreamReader(
                                                    stream, StandardCharsets.UTF_8))) {
                                reader.lines().forEach(lines::add);
                            } catch (IOException | UncheckedIOException _) {
                                // The test has ended and killed the process.
                            }
                        });
    }

    /** The next line on standard output. */
    String line() throws InterruptedException {
        var line = out.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (line == null) {
            throw new AssertionError("no line on standard output; standard error: " + err);
        }
        outSoFar.add(line);
        return line;
    }

    /** Waits for the line that says that requests are served. */
    String url() throws InterruptedException {
        var line = line();
        if (!line.startsWith("ready http://")) {
            throw new AssertionError("expected the ready line, got: " + line);
        }
        return line.split(" ")[1];
    }

    OutputStream input() {
        return process.getOutputStream();
    }

    void terminate() {
        process.destroy();
    }

    int exitCode() throws InterruptedException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the process does not end; standard error: " + err);
        }
        outReader.join();
        errReader.join();
        return process.exitValue();
    }

    /** All lines of standard output; complete after {@link #exitCode()}. */
    List<String> out() {
        out.drainTo(outSoFar);
        return List.copyOf(outSoFar);
    }

    /** All lines of standard error; complete after {@link #exitCode()}. */
    List<String> err() {
        return List.copyOf(err);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
