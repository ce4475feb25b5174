package dev.stator.bench;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.util.ArrayList;
import java.util.List;

/**
 * A network of the process's own, in which it may cut off addresses: Linux gives one to whoever
 * asks, where users may have namespaces. All that the process starts is in it too.
 */
final class PrivateNetwork {
    /** What cuts an address off must be looked at before what says that it is this machine's. */
    private static final String SET_UP =
            "ip link set lo up && ip rule add pref 1000 lookup local && ip rule del pref 0 && exec \"$@\"";

    private static final String CUT_PREFERENCE = "100";

    private PrivateNetwork() {}

    static boolean isPossible() {
        return run(within(List.of("true")));
    }

    /** A command that runs the given one in a network of its own. */
    static List<String> within(List<String> command) {
        var all = new ArrayList<>(List.of("unshare", "-Urn", "sh", "-c", SET_UP, "sh"));
        all.addAll(command);
        return all;
    }

    /** Nothing more goes to or from this address; connections stand still. */
    static void cut(String address) {
        rule("add", "from", address, true);
        rule("add", "to", address, true);
    }

    static void heal(String address) {
        rule("del", "from", address, false);
        rule("del", "to", address, false);
    }

    private static void rule(String what, String direction, String address, boolean drops) {
        var command =
                new ArrayList<>(
                        List.of("ip", "rule", what, direction, address, "pref", CUT_PREFERENCE));
        if (drops) {
            command.add("blackhole");
        }
        if (!run(command)) {
            throw new BenchException("the network cannot be changed: " + command);
        }
    }

    private static boolean run(List<String> command) {
        try {
            return new ProcessBuilder(command)
                            .redirectOutput(Redirect.DISCARD)
                            .redirectError(Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }
}
