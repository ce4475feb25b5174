package dev.stator.cache;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a tier's file: it says which process made it, so that the next one can tell what a
 * dead process left behind.
 *
 * @param startMillis when the process started, 0 if the platform does not tell
 */
record TierFileName(long pid, long startMillis, String nonce) {
    private static final Pattern FORM =
            Pattern.compile("stator-host-(\\d{1,18})-(\\d{1,18})-([0-9a-f]{8})\\.kv");

    /** A new name for this process. */
    static TierFileName create() {
        ProcessHandle self = ProcessHandle.current();
        return new TierFileName(
                self.pid(), startMillis(self), UUID.randomUUID().toString().substring(0, 8));
    }

    static Optional<TierFileName> parse(String name) {
        Matcher matcher = FORM.matcher(name);
        return matcher.matches()
                ? Optional.of(
                        new TierFileName(
                                Long.parseLong(matcher.group(1)),
                                Long.parseLong(matcher.group(2)),
                                matcher.group(3)))
                : Optional.empty();
    }

    /** False if the process is gone or its number now belongs to another one. */
    boolean mayBeAlive() {
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .map(TierFileName::startMillis)
                .filter(start -> start == startMillis || start == 0 || startMillis == 0)
                .isPresent();
    }

    private static long startMillis(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }

    @Override
    public String toString() {
        return "stator-host-%d-%d-%s.kv".formatted(pid, startMillis, nonce);
    }
}
