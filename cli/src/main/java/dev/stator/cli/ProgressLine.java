package dev.stator.cli;

import dev.stator.models.Progress;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalLong;

/** How far a file is: one line that is overwritten in a terminal, a line now and then elsewhere. */
final class ProgressLine implements Progress, AutoCloseable {
    private static final Duration LOG_INTERVAL = Duration.ofSeconds(10);
    private static final String CLEAR = "\r\u001b[K";

    private final PrintStream out;
    private final boolean terminal;
    private long lastLogged = System.nanoTime();
    private boolean open;

    ProgressLine(Console console) {
        this(console.err(), console.interactive());
    }

    ProgressLine(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    @Override
    public void report(String file, long bytes, OptionalLong totalBytes, long bytesPerSecond) {
        var line = line(file, bytes, totalBytes, bytesPerSecond);
        if (terminal) {
            out.print(CLEAR + line);
            out.flush();
            open = true;
        } else if (isDue(bytes, totalBytes)) {
            out.println(line);
        }
    }

    private boolean isDue(long bytes, OptionalLong totalBytes) {
        long now = System.nanoTime();
        boolean whole = totalBytes.isPresent() && totalBytes.getAsLong() == bytes;
        if (!whole && now - lastLogged < LOG_INTERVAL.toNanos()) {
            return false;
        }
        lastLogged = now;
        return true;
    }

    /** E.g. {@code model.gguf 512MiB of 1.2GiB 41 % 25MiB/s eta 0:29}. */
    static String line(String file, long bytes, OptionalLong totalBytes, long bytesPerSecond) {
        var line = new StringBuilder(file).append("  ").append(ByteSize.format(bytes));
        if (totalBytes.isPresent()) {
            long total = totalBytes.getAsLong();
            line.append(" of ").append(ByteSize.format(total));
            if (total > 0) {
                line.append("  ").append((int) (bytes * 100.0 / total)).append(" %");
            }
        }
        if (bytesPerSecond > 0) {
            line.append("  ").append(ByteSize.format(bytesPerSecond)).append("/s");
            totalBytes.ifPresent(
                    total -> {
                        if (total > bytes) {
                            line.append("  eta ").append(clock((total - bytes) / bytesPerSecond));
                        }
                    });
        }
        return line.toString();
    }

    private static String clock(long seconds) {
        return seconds < 3600
                ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(
                        Locale.ROOT,
                        "%d:%02d:%02d",
                        seconds / 3600,
                        seconds / 60 % 60,
                        seconds % 60);
    }

    /** Leaves the line that stands there. */
    @Override
    public void close() {
        if (open) {
            out.println();
            open = false;
        }
    }
}
