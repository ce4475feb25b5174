package dev.stator.cli;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.regex.Pattern;

/** Times as people write them: {@code 500us}, {@code 10ms}, {@code 2s}, {@code 1.5m}. */
final class Span {
    private static final Pattern FORM =
            Pattern.compile("(\\d{1,9}(?:\\.\\d{1,6})?)\\s*(us|ms|s|m|h)");

    private Span() {}

    /**
     * @throws IllegalArgumentException if the text is none
     */
    static Duration parse(String text) {
        var match = FORM.matcher(text.strip());
        if (!match.matches()) {
            throw new IllegalArgumentException("write a time such as 10ms, 2s or 5m");
        }
        long unit =
                switch (match.group(2)) {
                    case "us" -> 1_000L;
                    case "ms" -> 1_000_000L;
                    case "s" -> 1_000_000_000L;
                    case "m" -> 60_000_000_000L;
                    default -> 3_600_000_000_000L;
                };
        var nanos = new BigDecimal(match.group(1)).multiply(BigDecimal.valueOf(unit));
        return Duration.ofNanos(nanos.longValue());
    }

    /** Milliseconds. */
    static double millis(String text) {
        return parse(text).toNanos() / 1e6;
    }
}
