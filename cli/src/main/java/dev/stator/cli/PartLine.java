package dev.stator.cli;

import java.time.Duration;
import java.util.Locale;
import java.util.function.DoubleConsumer;

/** How far something is that takes more than two seconds: on stderr, now and then. */
final class PartLine implements DoubleConsumer, AutoCloseable {
    private static final Duration SILENCE = Duration.ofSeconds(2);
    private static final Duration TERMINAL_INTERVAL = Duration.ofMillis(200);
    private static final Duration LOG_INTERVAL = Duration.ofSeconds(10);
    private static final String CLEAR = "\r\u001b[K";

    private final Console console;
    private final boolean terminal;
    private final long began = System.nanoTime();
    private long next = began + SILENCE.toNanos();
    private boolean open;

    PartLine(Console console) {
        this.console = console;
        terminal = console.interactive();
    }

    @Override
    public synchronized void accept(double part) {
        long now = System.nanoTime();
        if (now < next) {
            return;
        }
        next = now + (terminal ? TERMINAL_INTERVAL : LOG_INTERVAL).toNanos();
        double left = (now - began) / 1e9 * (1 - part) / Math.max(part, 1e-9);
        var line = String.format(Locale.ROOT, "%.0f %%, about %.0f s left", part * 100, left);
        if (terminal) {
            console.err().print(CLEAR + line);
            console.err().flush();
            open = true;
        } else {
            console.note(line);
        }
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
