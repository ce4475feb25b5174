package dev.stator.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;

/**
 * The process's surroundings as commands see them.
 *
 * @param out results
 * @param err everything that people read while they wait
 */
record Console(InputStream in, PrintStream out, PrintStream err, Map<String, String> environment) {
    static Console ofProcess() {
        return new Console(System.in, System.out, System.err, System.getenv());
    }

    /** Whether a person sits in front of it. */
    boolean interactive() {
        var console = System.console();
        return console != null && console.isTerminal();
    }

    void note(String sentence) {
        err.println("stator: " + sentence);
    }
}
