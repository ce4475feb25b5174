package dev.stator.engine.process;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The other process: computes what the node calls for until the node is gone. It keeps nothing that
 * somebody could miss, so it ends without ceremony.
 */
public final class WorkerProcess {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerProcess.class);
    private static final long BEAT_MILLIS = 100;

    private WorkerProcess() {}

    /** As {@link #run}, with the arguments that {@link ProcessOptions#command()} is given. */
    public static void main(String[] arguments) {
        run(List.of(arguments));
    }

    /** Does not return. */
    public static void run(List<String> arguments) {
        int code = 1;
        // Whatever happens must not leave a process behind that beats.
        try {
            endWithTheNode();
            beat(Pulse.map(Path.of(arguments.get(1)), Arena.global()));
            var address = UnixDomainSocketAddress.of(arguments.get(0));
            try (var host = new Host(new Link(SocketChannel.open(address)))) {
                host.serve();
            }
        } catch (EOFException _) {
            code = 0;
        } catch (IOException | RuntimeException e) {
            LOG.error("the engine's process ends", e);
        } finally {
            Runtime.getRuntime().halt(code);
        }
    }

    /** Standard input is a pipe that the node never writes to: it ends with the node. */
    private static void endWithTheNode() {
        Thread.ofPlatform()
                .daemon()
                .name("node")
                .start(
                        () -> {
                            try {
                                while (System.in.read() >= 0) {
                                    // Nothing is said here.
                                }
                            } catch (IOException _) {
                                // As good as its end.
                            }
                            Runtime.getRuntime().halt(0);
                        });
    }

    private static void beat(Pulse pulse) {
        Thread.ofPlatform()
                .daemon()
                .name("pulse")
                .start(
                        () -> {
                            try {
                                while (true) {
                                    pulse.beat();
                                    Thread.sleep(BEAT_MILLIS);
                                }
                            } catch (InterruptedException _) {
                                // Nobody does that.
                            }
                        });
    }
}
