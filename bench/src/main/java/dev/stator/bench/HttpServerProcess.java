package dev.stator.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.stator.api.ApiOptions;
import dev.stator.api.ApiServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.OptionalInt;

/**
 * A server process of the benchmark {@code http}: {@code stator TICK_NANOS} or {@code netty
 * TICK_NANOS EVENT_BASE64 [ANSWER]}. Prints its port, then its processor time in nanoseconds for
 * each line it reads, and ends with its input.
 */
final class HttpServerProcess {
    private HttpServerProcess() {}

    public static void main(String[] arguments) throws IOException {
        long tickNanos = Long.parseLong(arguments[1]);
        // As many event loops for the reference as Stator takes for itself.
        int eventLoops = ApiOptions.of("instant", 0).eventLoops();
        if (arguments[0].equals("stator")) {
            var fabric = new InstantFabric();
            try (var server = ApiServer.start(ApiOptions.of("instant", 0), fabric);
                    var _ = new Ticker(tickNanos, fabric::step)) {
                serve(server.port());
            }
        } else {
            var event =
                    new String(Base64.getDecoder().decode(arguments[2]), StandardCharsets.UTF_8);
            var answer =
                    arguments.length > 3
                            ? OptionalInt.of(Integer.parseInt(arguments[3]))
                            : OptionalInt.empty();
            var server = new NettyServer(eventLoops, event, answer);
            try (var _ = new Ticker(tickNanos, server::step)) {
                serve(server.port());
            }
        }
        System.exit(0);
    }

    private static void serve(int port) throws IOException {
        System.out.println("port " + port);
        var system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (in.readLine() != null) {
            System.out.println("cpu " + system.getProcessCpuTime());
        }
    }
}
