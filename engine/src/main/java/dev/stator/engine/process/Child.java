package dev.stator.engine.process;

import dev.stator.engine.EngineException;
import dev.stator.engine.EngineLostException;
import dev.stator.engine.Pause;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One process, as the node sees it: calls that are answered one after the other. Thread-safe; a
 * context's calls come from one thread, and now and then another asks something about the model.
 *
 * <p>A call that cannot be answered kills the process and waits for its end before it says so: then
 * nothing writes any more to memory that the caller lent to it.
 */
final class Child implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Child.class);

    /** From its start to its first words; a JVM takes half a second where nobody is in its way. */
    private static final Duration GREETING = Duration.ofMinutes(2);

    private static final FileAttribute<?> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private static final long GLANCE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** So often it is looked at within the silence that is allowed. */
    private static final int LOOKS = 10;

    private final Process process;
    private final Link link;
    private final Pulse pulse;
    private final ReentrantLock calling = new ReentrantLock();
    private final Thread watch;
    private volatile Pause pause = Pause.NEVER;
    private volatile Optional<String> end = Optional.empty();

    private Child(Process process, Link link, Pulse pulse, Duration silence) {
        this.process = process;
        this.link = link;
        this.pulse = pulse;
        this.watch = Thread.ofVirtual().name("watch " + process.pid()).start(() -> watch(silence));
    }

    /**
     * @throws EngineException if it does not start
     */
    static Child start(ProcessOptions options) {
        try {
            // Only until the process has called: after that nothing of it has a name.
            var folder = Files.createTempDirectory("stator-", PRIVATE);
            try {
                return start(options, folder.resolve("sock"), folder.resolve("pulse"));
            } finally {
                Files.deleteIfExists(folder.resolve("sock"));
                Files.deleteIfExists(folder.resolve("pulse"));
                Files.delete(folder);
            }
        } catch (IOException | UnsupportedOperationException e) {
            throw new EngineException("a process for the engine cannot be started: " + e, e);
        }
    }

    private static Child start(ProcessOptions options, Path socket, Path page) throws IOException {
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            // A page, which goes with the last who looks at it.
            var pulse = Pulse.map(page, Arena.ofAuto());
            server.bind(UnixDomainSocketAddress.of(socket));
            server.configureBlocking(false);
            var command = new ArrayList<>(options.command());
            command.add(socket.toString());
            command.add(page.toString());
            var process =
                    new ProcessBuilder(command)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            try {
                var link = new Link(accept(server, process));
                return new Child(process, link, pulse, options.silence());
            } catch (IOException | RuntimeException e) {
                process.destroyForcibly();
                throw e;
            }
        }
    }

    private static SocketChannel accept(ServerSocketChannel server, Process process)
            throws IOException {
        long start = System.nanoTime();
        while (true) {
            var channel = server.accept();
            if (channel != null) {
                return channel;
            }
            if (!process.isAlive()) {
                throw new EngineException(
                        "a process for the engine ended as it started, with exit code %d"
                                .formatted(process.exitValue()));
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new EngineException("interrupted while a process for the engine starts");
            }
            if (System.nanoTime() - start > GREETING.toNanos()) {
                throw new EngineException(
                        "a process for the engine has said nothing for %d s after its start"
                                .formatted(GREETING.toSeconds()));
            }
            LockSupport.parkNanos(GLANCE_NANOS);
        }
    }

    long pid() {
        return process.pid();
    }

    boolean isLost() {
        return end.isPresent() || !process.isAlive();
    }

    /** Whom its steps ask for pauses. */
    void pausesBy(Pause asked) {
        pause = asked;
    }

    /** Is done in its turn, and nothing is said about it. */
    void post(Frame frame) {
        calling.lock();
        try {
            link.post(frame);
        } finally {
            calling.unlock();
        }
    }

    /**
     * @param reader takes the values of the answer
     * @throws EngineException as the process's engine threw it
     * @throws EngineLostException if there is no answer
     */
    <T> T call(Frame frame, Function<Frame, T> reader) {
        calling.lock();
        try {
            if (end.isPresent()) {
                throw new EngineLostException(end.get());
            }
            link.send(frame);
            return answer(reader);
        } catch (EngineException | EngineLostException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // What is left of this exchange would be taken for the answer to the next one.
            throw lost(e);
        } finally {
            calling.unlock();
        }
    }

    void call(Frame frame) {
        call(frame, answer -> answer);
    }

    private <T> T answer(Function<Frame, T> reader) throws IOException {
        while (true) {
            var frame = link.receive();
            switch (frame.takeKind()) {
                case DONE -> {
                    return reader.apply(frame);
                }
                case FAILED -> throw new EngineException(frame.takeString());
                case MAY_PAUSE -> goOn();
                case PAUSE -> {
                    pause.point();
                    goOn();
                }
                default -> throw new IOException("the process speaks out of turn");
            }
        }
    }

    private void goOn() throws IOException {
        link.send(Frame.of(Kind.GO_ON).put(pause.possible()));
    }

    private EngineLostException lost(Exception cause) {
        int code = kill();
        var known = "the engine's process %d ended (%s)".formatted(process.pid(), words(code));
        LOG.debug("{}", known, cause);
        end = Optional.of(end.orElse(known));
        return new EngineLostException(end.get());
    }

    /** Shells' and the JDK's way to say by which signal a process ended. */
    private static String words(int code) {
        return code > 128 ? "signal " + (code - 128) : "exit code " + code;
    }

    /** Kills it and waits until it is gone, whoever interrupts. */
    private int kill() {
        process.destroyForcibly();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return process.waitFor();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void watch(Duration silence) {
        long allowed = silence.toNanos();
        long seen = pulse.count();
        long since = System.nanoTime();
        try {
            while (process.isAlive()) {
                long before = System.nanoTime();
                Thread.sleep(Duration.ofNanos(allowed / LOOKS));
                long now = System.nanoTime();
                long count = pulse.count();
                // Where this process itself stood still, the silence says nothing.
                if (count != seen || now - before > allowed / 2) {
                    seen = count;
                    since = now;
                } else if (now - since > allowed) {
                    end =
                            Optional.of(
                                    "the engine's process %d gave no sign of life for %d ms and was killed"
                                            .formatted(process.pid(), silence.toMillis()));
                    LOG.warn("{}", end.get());
                    process.destroyForcibly();
                    return;
                }
            }
        } catch (InterruptedException _) {
            // It is closed.
        }
    }

    /** Ends the process; it has nothing that would have to be kept. */
    @Override
    public void close() {
        watch.interrupt();
        kill();
        try {
            link.close();
            watch.join();
        } catch (IOException e) {
            LOG.debug("a dead process's socket", e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
