package dev.stator.engine.process;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to start another JVM like this one. */
public final class JavaCommand {
    /** Flags that two processes cannot both have, or that are about this one alone. */
    private static final List<String> OWN =
            List.of(
                    "-agentlib",
                    "-agentpath",
                    "-javaagent",
                    "-Xrunjdwp",
                    "-XX:AOTCacheOutput",
                    "-XX:StartFlightRecording",
                    "-Dcom.sun.management.jmxremote",
                    "-Xms",
                    "-Xmx");

    /**
     * KV and weights lie outside the heap; of what the JVM itself says only errors are wanted, and
     * a memory image of a model would take longer to write than a new process to start.
     */
    private static final List<String> CHILD =
            List.of(
                    "-Xms16m",
                    "-Xmx512m",
                    "-XX:+DisplayVMOutputToStderr",
                    "-XX:-CreateCoredumpOnCrash");

    private JavaCommand() {}

    /**
     * The same JDK, flags and class path, with a small heap.
     *
     * @param arguments of the main class
     */
    public static List<String> running(Class<?> main, String... arguments) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> OWN.stream().noneMatch(flag::startsWith))
                .forEach(command::add);
        command.addAll(CHILD);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
