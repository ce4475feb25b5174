package dev.stator.acceptance;

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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The real command, started by the distribution's own script. */
final class StatorProcess implements AutoCloseable {
    static final Path HOME = Path.of(System.getProperty("stator.distribution")).toAbsolutePath();

    private final Process process;
    private final ConcurrentLinkedQueue<String> out = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<String> err = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<String> firstLine = new CompletableFuture<>();
    private final List<Thread> readers;

    private StatorProcess(Process process) {
        this.process = process;
        this.readers =
                List.of(read(process.getInputStream(), out), read(process.getErrorStream(), err));
    }

    /**
     * A server on a free port, with a host tier that is no burden. One thread computes: where the
     * clients want the cores too, llama.cpp's threads would wait for each other most of the time.
     */
    static StatorProcess up(String... flags) {
        return up(Map.of(), flags);
    }

    static StatorProcess up(Map<String, String> environment, String... flags) {
        return start(environment, upArguments(flags));
    }

    private static String[] upArguments(String... flags) {
        var arguments = new ArrayList<>(List.of("up", "--port", "0"));
        if (!List.of(flags).contains("--host-cache")) {
            arguments.addAll(List.of("--host-cache", "128MiB"));
        }
        if (!List.of(flags).contains("--threads")) {
            arguments.addAll(List.of("--threads", "1"));
        }
        arguments.addAll(List.of(flags));
        return arguments.toArray(String[]::new);
    }

    /** A node of a cluster; {@code ready} says where. */
    static StatorProcess node(String name, int clusterPort, String... flags) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                "node",
                                "--member-name",
                                name,
                                "--cluster-port",
                                Integer.toString(clusterPort),
                                "--host-cache",
                                "64MiB",
                                "--threads",
                                "1"));
        arguments.addAll(List.of(flags));
        return start(arguments.toArray(String[]::new));
    }

    /** A frontend of a cluster on a free port. */
    static StatorProcess frontend(String name, int clusterPort, String... flags) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                "frontend",
                                "--port",
                                "0",
                                "--member-name",
                                name,
                                "--cluster-port",
                                Integer.toString(clusterPort)));
        arguments.addAll(List.of(flags));
        return start(arguments.toArray(String[]::new));
    }

    static StatorProcess start(String... arguments) {
        return start(Map.of(), arguments);
    }

    /** Whether {@link #upOnSmallDisk} works here: where users may have namespaces of their own. */
    static boolean canMount() {
        try {
            var process =
                    new ProcessBuilder("unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return process.waitFor() == 0;
        } catch (IOException _) {
            return false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A server that sees a file system of so many bytes in a folder. */
    static StatorProcess upOnSmallDisk(Path folder, long bytes, String... flags) {
        var mount = "mount -t tmpfs -o size=%d none \"$0\" && exec \"$@\"".formatted(bytes);
        return start(
                List.of("unshare", "-Urm", "sh", "-c", mount, folder.toString()),
                Map.of(),
                upArguments(flags));
    }

    static StatorProcess start(Map<String, String> environment, String... arguments) {
        return start(List.of(), environment, arguments);
    }

    /**
     * @param within a command that runs the one that follows it, in its own place
     */
    private static StatorProcess start(
            List<String> within, Map<String, String> environment, String... arguments) {
        var command = new ArrayList<>(within);
        command.add(HOME.resolve("stator").toString());
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("STATOR_"));
        builder.environment().put("STATOR_JAVA_HOME", System.getProperty("java.home"));
        // The cache that speeds starts up is made in the background, which would disturb tests.
        builder.environment().put("STATOR_AOT", "off");
        builder.environment().putAll(environment);
        try {
            return new StatorProcess(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Thread read(InputStream stream, ConcurrentLinkedQueue<String> lines) {
        boolean isOut = lines == out;
        // Reading a pipe holds a core's carrier of virtual threads: two would be all of two cores'.
        return Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            try (var reader =
                                    new BufferedReader(
                                            new InputStreamReader(
                                                    stream, StandardCharsets.UTF_8))) {
                                for (var line = reader.readLine();
                                        line != null;
                                        line = reader.readLine()) {
                                    lines.add(line);
                                    if (isOut) {
                                        firstLine.complete(line);
                                    }
                                }
                            } catch (IOException e) {
                                lines.add("(unreadable: " + e + ")");
                            }
                            if (isOut) {
                                firstLine.complete("(nothing)");
                            }
                        });
    }

    /** Waits for the line that says that requests are served. */
    private String readyLine() {
        if (!startsServing()) {
            throw new AssertionError("the server does not start; standard error: " + err);
        }
        return firstLine.join();
    }

    /** Waits until requests are served, or will not be. */
    boolean startsServing() {
        try {
            return firstLine.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS).startsWith("ready ");
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError("the server does not start; standard error: " + err, e);
        }
    }

    String url() {
        return readyLine().split(" ")[1];
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    OutputStream input() {
        return process.getOutputStream();
    }

    /** Sends SIGTERM, and goes on reading what the process says. */
    void terminate() {
        process.toHandle().destroy();
    }

    void kill() {
        process.toHandle().destroyForcibly();
    }

    /** Waits for the end. */
    int exitCode() {
        try {
            if (!process.waitFor(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("the process does not end; standard error: " + err);
            }
            for (var reader : readers) {
                reader.join();
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** All lines of standard output; complete after {@link #exitCode()}. */
    List<String> out() {
        return List.copyOf(out);
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
