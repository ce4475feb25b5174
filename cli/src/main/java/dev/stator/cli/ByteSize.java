package dev.stator.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Amounts of memory as people write them: {@code 512MiB}, {@code 1.5GiB}, {@code 2GB}, {@code 0}.
 */
final class ByteSize {
    private static final Pattern FORM =
            Pattern.compile("(\\d{1,18}(?:\\.\\d{1,6})?)\\s*(?:([KMGT])(I?)B?|B)?");
    private static final String UNITS = "KMGT";

    private ByteSize() {}

    /**
     * @throws IllegalArgumentException if the text is none
     */
    static long parse(String text) {
        var match = FORM.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!match.matches()) {
            throw new IllegalArgumentException("write a size such as 512MiB or 2GiB");
        }
        var bytes = new BigDecimal(match.group(1));
        if (match.group(2) != null) {
            int step = match.group(3).isEmpty() ? 1000 : 1024;
            bytes = bytes.multiply(BigDecimal.valueOf(step).pow(UNITS.indexOf(match.group(2)) + 1));
        }
        if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException("that is more than any machine has");
        }
        return bytes.longValue();
    }

    /** The size with at most one decimal in the largest binary unit that fits. */
    static String format(long bytes) {
        if (bytes < 1024) {
            return bytes + "B";
        }
        double value = bytes;
        int unit = -1;
        while (value >= 1023.95 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        var number =
                value >= 100 || value == Math.rint(value)
                        ? "%.0f".formatted(value)
                        : String.format(Locale.ROOT, "%.1f", value);
        return number + UNITS.charAt(unit) + "iB";
    }
}
