package dev.stator.sim;

import dev.stator.sim.world.Origin;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A comparison as a page for a terminal. */
final class ComparisonText {
    private static final List<Figure> SHOWN =
            List.of(
                    Figure.TTFT_P50,
                    Figure.TTFT_P90,
                    Figure.TTFT_P99,
                    Figure.ITL_P50,
                    Figure.ITL_P99,
                    Figure.GOOD,
                    Figure.TOKENS,
                    Figure.ERROR,
                    Figure.IMBALANCE);

    private ComparisonText() {}

    static String of(Comparison comparison) {
        var text = new StringBuilder();
        var experiment = comparison.experiment();
        line(
                text,
                "Trace       %s, %d requests a run, the first %.0f %% not counted",
                experiment.trace().name(),
                experiment.requests(),
                experiment.warmUp() * 100);
        line(text, "Fleet       %s", experiment.description());
        if (!Double.isNaN(comparison.saturation())) {
            line(
                    text,
                    "Saturation  %s requests/s (round-robin with all requests at once)",
                    Numbers.of(comparison.saturation()));
        }
        line(
                text,
                "SLA         TTFT %s ms, mean ITL %s ms",
                Numbers.of(experiment.sla().firstTokenMillis()),
                Numbers.of(experiment.sla().gapMillis()));
        if (experiment.seeds() > 1) {
            line(
                    text,
                    "Figures     mean ± 95 %% confidence interval of %d seeds",
                    experiment.seeds());
        }
        for (var load : experiment.loads()) {
            var cells = comparison.cells().stream().filter(cell -> cell.load() == load).toList();
            line(text, "");
            line(
                    text,
                    "Load %s: %s requests/s",
                    load.label(),
                    Numbers.of(cells.getFirst().requestsPerSecond()));
            table(text, rows(cells));
        }
        return text.toString();
    }

    private static List<List<String>> rows(List<Comparison.Cell> cells) {
        var rows = new ArrayList<List<String>>();
        var head = new ArrayList<String>(List.of(""));
        SHOWN.forEach(figure -> head.add(figure.label));
        head.add("hits");
        var units = new ArrayList<String>(List.of("policy"));
        SHOWN.forEach(figure -> units.add(figure.unit));
        units.add("% of prompt tokens");
        rows.add(head);
        rows.add(units);
        for (var cell : cells) {
            var row = new ArrayList<String>(List.of(cell.policy().label()));
            SHOWN.forEach(figure -> row.add(Numbers.of(cell.interval(figure.of))));
            row.add(hits(cell));
            rows.add(row);
        }
        return rows;
    }

    /** E.g. {@code 12.1 device + 20.3 host}. */
    private static String hits(Comparison.Cell cell) {
        var parts = new ArrayList<String>();
        for (var origin : Origin.values()) {
            double share = cell.mean(run -> run.share(origin)) * 100;
            if (origin != Origin.COMPUTED && share >= 0.05) {
                parts.add(Numbers.of(share) + " " + origin.name().toLowerCase(Locale.ROOT));
            }
        }
        return parts.isEmpty() ? "none" : String.join(" + ", parts);
    }

    private static void table(StringBuilder text, List<List<String>> rows) {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (var row : rows) {
            for (int column = 0; column < columns; column++) {
                widths[column] = Math.max(widths[column], row.get(column).length());
            }
        }
        for (var row : rows) {
            var line = new StringBuilder();
            for (int column = 0; column < columns; column++) {
                boolean left = column == 0 || column == columns - 1;
                var format = "%" + (left ? "-" : "") + Math.max(1, widths[column]) + "s";
                line.append(column == 0 ? "" : "  ").append(String.format(format, row.get(column)));
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
    }

    private static void line(StringBuilder text, String format, Object... arguments) {
        text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
