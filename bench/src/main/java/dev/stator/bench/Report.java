package dev.stator.bench;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a benchmark prints: where it ran, each round, each ratio, and one last line with the result.
 */
final class Report {
    static final int MET = 0;
    static final int MISSED = 1;

    private final PrintStream out;
    private final String name;
    private final Bar bar;
    private final Map<String, Double> ratios = new LinkedHashMap<>();
    private boolean missed;

    Report(PrintStream out, String name, Bar bar) {
        this.out = out;
        this.name = name;
        this.bar = bar;
    }

    /** The head of the report. */
    void begin(Machine machine, String parameters) {
        out.println("benchmark  " + name);
        out.println("machine    " + machine.hardware());
        out.println("commit     " + machine.commit());
        out.println("parameters " + parameters);
    }

    /** A line about one round or one quantity. */
    void line(String format, Object... arguments) {
        out.println(String.format(Locale.ROOT, format, arguments));
    }

    /** A ratio that counts for the result. */
    void ratio(String figure, double ratio) {
        ratios.put(figure, ratio);
        print(figure, ratio, bar.met(ratio) ? "ok" : "MISSED");
    }

    /** A ratio that is reported but has no bar. */
    void extra(String figure, double ratio) {
        print(figure, ratio, "no bar");
    }

    /** A quantity with a bar of its own. If it misses that, the benchmark is missed. */
    void bounded(String figure, double value, Bar its) {
        missed |= !its.met(value);
        print(figure, value, "bar=%s %s".formatted(its, its.met(value) ? "ok" : "MISSED"));
    }

    private void print(String figure, double ratio, String verdict) {
        var inverse =
                ratio > 0 && ratio < 0.1 ? String.format(Locale.ROOT, " (1/%.0f)", 1 / ratio) : "";
        line("FIGURE name=%s ratio=%s%s %s", figure, Bar.number(ratio), inverse, verdict);
    }

    /**
     * The last line: the worst of the ratios. Missed also if a quantity with a bar of its own is.
     *
     * @return the exit status
     */
    int end() {
        double worst = bar.worst(ratios.values());
        boolean met = bar.met(worst) && !missed;
        line(
                "RESULT name=%s ratio=%s bar=%s %s",
                name, Bar.number(worst), bar, met ? "ok" : "MISSED");
        return met ? MET : MISSED;
    }
}
