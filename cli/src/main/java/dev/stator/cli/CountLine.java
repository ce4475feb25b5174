package dev.stator.cli;

import java.time.Duration;
import java.util.Locale;

/** How many of several are done: a bar in a terminal, a line now and then elsewhere. */
final class CountLine implements AutoCloseable {
    private static final Duration LOG_INTERVAL = Duration.ofSeconds(10);
    private static final String CLEAR = "\r\u001b[K";
    private static final int WIDTH = 30;

    private final Console console;
    private long logged = System.nanoTime();
    private boolean open;

    CountLine(Console console) {
        this.console = console;
    }

    void report(String what, int done, int all) {
        if (console.interactive()) {
            console.err().print(CLEAR + line(what, done, all));
            console.err().flush();
            open = true;
        } else if (System.nanoTime() - logged >= LOG_INTERVAL.toNanos()) {
            logged = System.nanoTime();
            console.note("%s %d of %d".formatted(what, done, all));
        }
    }

    /** E.g. {@code prefilled [##########--------------------] 12 of 36}. */
    static String line(String what, int done, int all) {
        int filled = all == 0 ? WIDTH : (int) ((long) WIDTH * done / all);
        return String.format(
                Locale.ROOT,
                "%s [%s%s] %d of %d",
                what,
                "#".repeat(filled),
                "-".repeat(WIDTH - filled),
                done,
                all);
    }

    /** Takes the line away. */
    @Override
    public void close() {
        if (open) {
            console.err().print(CLEAR);
            console.err().flush();
            open = false;
        }
    }
}
