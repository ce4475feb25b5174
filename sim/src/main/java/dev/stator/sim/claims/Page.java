package dev.stator.sim.claims;

import java.util.List;
import java.util.Locale;

/** A result in Markdown. */
final class Page {
    private final StringBuilder text = new StringBuilder();

    Page(String title, String statement, String source, List<String> assumptions) {
        line("## " + title);
        line("");
        line("> " + statement);
        line("");
        line("Source: %s.", source);
        line("");
        line("Assumed:");
        assumptions.forEach(assumption -> line("- " + assumption));
    }

    void table(String caption, String... columns) {
        line("");
        line(caption);
        line("");
        row((Object[]) columns);
        line("|" + "---|".repeat(columns.length));
    }

    void row(Object... cells) {
        text.append('|');
        for (var cell : cells) {
            text.append(' ').append(cell).append(" |");
        }
        text.append('\n');
    }

    void line(String line) {
        text.append(line).append('\n');
    }

    void line(String format, Object... arguments) {
        line(String.format(Locale.ROOT, format, arguments));
    }

    /** A ratio with two digits behind the point; a dash where there is none. */
    static String ratio(double value, double reference) {
        return value > 0 && reference > 0
                ? String.format(Locale.ROOT, "%.2f", value / reference)
                : "–";
    }

    /** Three digits. */
    static String number(double value) {
        int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
