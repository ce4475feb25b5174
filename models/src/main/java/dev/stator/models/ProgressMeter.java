package dev.stator.models;

import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** Thins out reports to a {@link Progress} and measures the rate. */
final class ProgressMeter {
    private static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final Progress progress;
    private final String file;
    private final OptionalLong totalBytes;
    private final long startBytes;
    private final long startNanos = System.nanoTime();
    private long lastNanos = startNanos - INTERVAL_NANOS;

    /**
     * @param startBytes what is there before this attempt
     */
    ProgressMeter(Progress progress, String file, long startBytes, OptionalLong totalBytes) {
        this.progress = progress;
        this.file = file;
        this.startBytes = startBytes;
        this.totalBytes = totalBytes;
    }

    void at(long bytes) {
        long now = System.nanoTime();
        if (now - lastNanos >= INTERVAL_NANOS) {
            lastNanos = now;
            report(bytes, now);
        }
    }

    /** The last report; never thinned out. */
    void end(long bytes) {
        report(bytes, System.nanoTime());
    }

    private void report(long bytes, long now) {
        long nanos = now - startNanos;
        long rate = nanos <= 0 ? 0 : (long) ((bytes - startBytes) * 1e9 / nanos);
        progress.report(file, bytes, totalBytes, rate);
    }
}
