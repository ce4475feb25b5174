package dev.stator.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A frontend or node of the command {@code stator}, which can be killed and started anew. */
final class ChaosMember implements AutoCloseable {
    private static final long STOP_SECONDS = 30;

    private final String name;
    private final String address;
    private final List<String> command;
    private final Path log;
    private Optional<Process> process = Optional.empty();

    /**
     * @param address of its own, at which other members reach it
     * @param log what all its starts say
     */
    ChaosMember(String name, String address, List<String> command, Path log) {
        this.name = name;
        this.address = address;
        this.command = List.copyOf(command);
        this.log = log;
    }

    String name() {
        return name;
    }

    String address() {
        return address;
    }

    /** Returns at once. */
    void start() {
        var builder =
                new ProcessBuilder(command)
                        .redirectOutput(Redirect.PIPE)
                        .redirectError(Redirect.appendTo(log.toFile()));
        builder.environment().keySet().removeIf(its -> its.startsWith("STATOR_BENCH_"));
        // Making one in the background would disturb.
        builder.environment().put("STATOR_AOT", "off");
        try {
            process = Optional.of(builder.start());
        } catch (IOException e) {
            throw new BenchException("cannot start %s: %s".formatted(name, e.getMessage()), e);
        }
    }

    /** Waits until it serves. */
    void awaitReady() {
        try {
            var out = running().inputReader(StandardCharsets.UTF_8);
            for (var said = out.readLine(); said != null; said = out.readLine()) {
                if (said.startsWith("ready ")) {
                    return;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new BenchException(name + " ended before it was ready; see " + log);
    }

    private Process running() {
        return process.orElseThrow(() -> new BenchException(name + " does not run"));
    }

    boolean isAlive() {
        return process.filter(Process::isAlive).isPresent();
    }

    /** As a crash ends it, or the kernel when memory is short. */
    void kill() {
        try {
            int _ = running().destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    void signal(String signal) {
        signal(running().toHandle(), signal);
    }

    static void signal(ProcessHandle process, String signal) {
        try {
            // Who is dead needs no signal.
            int _ =
                    new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                            .redirectError(Redirect.DISCARD)
                            .start()
                            .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    /** The processes of its workers, if they have any. */
    List<ProcessHandle> workers() {
        return new ArrayList<>(running().children().toList());
    }

    /** Asks it to stop, and insists. */
    @Override
    public void close() {
        process.filter(Process::isAlive)
                .ifPresent(
                        its -> {
                            signal("CONT");
                            its.destroy();
                            try {
                                if (!its.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                                    its.destroyForcibly();
                                }
                            } catch (InterruptedException e) {
                                its.destroyForcibly();
                                Thread.currentThread().interrupt();
                            }
                        });
    }
}
