package dev.stator.sim;

import dev.stator.sim.world.Origin;
import dev.stator.sim.world.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** A comparison as one HTML page that needs nothing else, in light or dark. */
final class ComparisonHtml {
    private static final String HEAD =
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Stator: routing policies compared</title>
            <style>
            :root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2330; --soft: #5b6675; --grid: #dfe3e8;
              --c0: #1f5fbf; --c1: #c2410c; --c2: #0f766e; --c3: #7c3aed; --c4: #a16207; --c5: #be185d; --c6: #475569; }
            @media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e6e9ee; --soft: #a3adba; --grid: #2d3440;
              --c0: #6ea8ff; --c1: #fb923c; --c2: #4fd1c0; --c3: #b79bff; --c4: #e3b341; --c5: #f472b6; --c6: #94a3b8; } }
            body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
              font: 15px/1.5 system-ui, sans-serif; }
            h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } h3 { font-size: 1rem; margin: 0 0 .3rem; }
            p, dd, caption, figcaption { color: var(--soft); }
            dl { display: grid; grid-template-columns: max-content auto; gap: 0 1rem; } dt { font-weight: 600; } dd { margin: 0; }
            .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1.5rem 2rem; }
            figure { margin: 0; } svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
            .axis { stroke: var(--soft); } .grid { stroke: var(--grid); } .line { fill: none; stroke: var(--c); stroke-width: 2; }
            .dot, .fill { fill: var(--c); }
            .c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
            .c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); }
            .key { display: inline-block; margin-right: 1.2rem; white-space: nowrap; }
            .key i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; background: var(--c); border-radius: 2px; }
            .wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
            th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--grid); white-space: nowrap; }
            th:first-child, td:first-child { text-align: left; } th small { font-weight: 400; color: var(--soft); }
            </style>
            </head>
            <body>
            <h1>Routing policies compared</h1>
            """;

    private final Comparison comparison;
    private final StringBuilder page = new StringBuilder(HEAD);

    private ComparisonHtml(Comparison comparison) {
        this.comparison = comparison;
    }

    static String of(Comparison comparison) {
        var html = new ComparisonHtml(comparison);
        html.setting();
        html.plots();
        html.comparison.experiment().loads().forEach(html::table);
        return html.page.append("</body>\n</html>\n").toString();
    }

    private void setting() {
        var experiment = comparison.experiment();
        page.append("<dl>\n");
        fact("Trace", experiment.trace().name());
        fact(
                "Runs",
                "%d of each policy at each load, %d requests each, the first %.0f %% not counted"
                        .formatted(
                                experiment.seeds(),
                                experiment.requests(),
                                experiment.warmUp() * 100));
        fact("Fleet", experiment.description());
        if (!Double.isNaN(comparison.saturation())) {
            fact(
                    "Saturation",
                    Numbers.of(comparison.saturation())
                            + " requests/s: what round-robin ends per second with all requests"
                            + " there from the beginning");
        }
        fact(
                "SLA",
                "first token within %s ms, %s ms between tokens on average"
                        .formatted(
                                Numbers.of(experiment.sla().firstTokenMillis()),
                                Numbers.of(experiment.sla().gapMillis())));
        page.append("</dl>\n");
        if (experiment.seeds() > 1) {
            page.append("<p>Figures are means over the runs with 95 % confidence intervals.</p>\n");
        }
    }

    private void fact(String name, String value) {
        page.append("<dt>%s</dt><dd>%s</dd>\n".formatted(name, Svg.escaped(value)));
    }

    private void plots() {
        var experiment = comparison.experiment();
        page.append("<p>");
        for (int i = 0; i < experiment.policies().size(); i++) {
            key(style(i), experiment.policies().get(i).label());
        }
        page.append("</p>\n<div class=\"plots\">\n");
        byRate("Time to first token, 99th percentile", "ms", true, Figure.TTFT_P99.of);
        byRate("Time to first token, median", "ms", true, Figure.TTFT_P50.of);
        byRate("Time between tokens, 99th percentile", "ms", false, Figure.ITL_P99.of);
        byRate("Requests within the SLA", "%", false, Figure.GOOD.of);
        var last = experiment.loads().getLast();
        figure(
                "Time to first token by percentile, load " + last.label(),
                new LinePlot("", "percentile", "ms", true, percentiles(last)).svg(),
                "");
        origins(last);
        page.append("</div>\n");
    }

    private void byRate(String title, String unit, boolean log, ToDoubleFunction<Outcome> figure) {
        var lines = new ArrayList<LinePlot.Series>();
        var policies = comparison.experiment().policies();
        for (int i = 0; i < policies.size(); i++) {
            var policy = policies.get(i);
            var points =
                    comparison.cells().stream()
                            .filter(cell -> cell.policy() == policy)
                            .map(
                                    cell -> {
                                        var interval = cell.interval(figure);
                                        return new LinePlot.Point(
                                                cell.requestsPerSecond(),
                                                interval.mean(),
                                                interval.half());
                                    })
                            .toList();
            lines.add(new LinePlot.Series(policy.label(), style(i), true, points));
        }
        figure(title, new LinePlot(title, "requests per second", unit, log, lines).svg(), "");
    }

    private List<LinePlot.Series> percentiles(Experiment.Load load) {
        var lines = new ArrayList<LinePlot.Series>();
        var cells = cells(load);
        for (int i = 0; i < cells.size(); i++) {
            var cell = cells.get(i);
            var points = new ArrayList<LinePlot.Point>();
            for (int percent = 1; percent < 100; percent++) {
                int at = percent - 1;
                double mean = cell.mean(run -> run.firstTokenPercentiles().get(at));
                points.add(new LinePlot.Point(percent, mean, Double.NaN));
            }
            lines.add(new LinePlot.Series(cell.policy().label(), style(i), false, points));
        }
        return lines;
    }

    private void origins(Experiment.Load load) {
        var styles = new ArrayList<String>();
        var names = new ArrayList<String>();
        for (var origin : Origin.values()) {
            styles.add(style(origin.ordinal()));
            names.add(origin.name().toLowerCase(Locale.ROOT));
        }
        var rows = new ArrayList<SharePlot.Row>();
        for (var cell : cells(load)) {
            var shares =
                    Arrays.stream(Origin.values())
                            .map(origin -> cell.mean(run -> run.share(origin)))
                            .toList();
            rows.add(new SharePlot.Row(cell.policy().label(), shares));
        }
        var keys = new StringBuilder();
        for (int i = 0; i < names.size(); i++) {
            keys.append(
                    "<span class=\"key %s\"><i></i>%s</span>"
                            .formatted(styles.get(i), names.get(i)));
        }
        var title = "Where prompts' KV came from, load " + load.label();
        figure(title, new SharePlot(title, styles, names, rows).svg(), keys.toString());
    }

    private void figure(String title, String svg, String caption) {
        page.append(
                "<figure><h3>%s</h3>\n%s<figcaption>%s</figcaption></figure>\n"
                        .formatted(Svg.escaped(title), svg, caption));
    }

    private void table(Experiment.Load load) {
        var cells = cells(load);
        page.append(
                "<h2>Load %s: %s requests/s</h2>\n<div class=\"wide\"><table>\n<tr><th>policy</th>"
                        .formatted(
                                Svg.escaped(load.label()),
                                Numbers.of(cells.getFirst().requestsPerSecond())));
        for (var figure : Figure.values()) {
            page.append("<th>%s<br><small>%s</small></th>".formatted(figure.label, figure.unit));
        }
        page.append("</tr>\n");
        for (var cell : cells) {
            page.append("<tr><td>").append(cell.policy().label()).append("</td>");
            page.append(
                    Arrays.stream(Figure.values())
                            .map(figure -> Numbers.of(cell.interval(figure.of)))
                            .collect(Collectors.joining("</td><td>", "<td>", "</td></tr>\n")));
        }
        page.append("</table></div>\n");
    }

    private List<Comparison.Cell> cells(Experiment.Load load) {
        return comparison.cells().stream().filter(cell -> cell.load().equals(load)).toList();
    }

    private void key(String style, String name) {
        page.append("<span class=\"key %s\"><i></i>%s</span>".formatted(style, name));
    }

    private static String style(int number) {
        return "c" + number;
    }
}
