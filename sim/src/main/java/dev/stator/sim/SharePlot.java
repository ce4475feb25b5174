package dev.stator.sim;

import java.util.List;

/** A bar for each row, divided into shares of one. */
record SharePlot(String title, List<String> styles, List<String> names, List<SharePlot.Row> rows) {
    private static final int LEFT = 130;
    private static final int ROW = 28;
    private static final int RIGHT = 16;

    /**
     * @param shares one for each style
     */
    record Row(String label, List<Double> shares) {}

    String svg() {
        int height = rows.size() * ROW + 36;
        var across = new Axis(0, 100, false, LEFT, LinePlot.WIDTH - RIGHT);
        var svg = new Svg(LinePlot.WIDTH, height, title);
        for (double tick : across.ticks()) {
            double x = across.place(tick);
            svg.line("grid", x, 4, x, height - 30);
            svg.label("middle", x, height - 12, Numbers.of(tick) + " %");
        }
        for (int i = 0; i < rows.size(); i++) {
            var row = rows.get(i);
            double top = 6 + i * ROW;
            svg.label("end", LEFT - 8, top + 15, row.label);
            double from = 0;
            for (int part = 0; part < styles.size(); part++) {
                double to = from + row.shares.get(part) * 100;
                svg.box(
                        "fill " + styles.get(part),
                        across.place(from),
                        top,
                        across.place(to) - across.place(from),
                        ROW - 8,
                        "%s, %s: %s %%"
                                .formatted(row.label, names.get(part), Numbers.of(to - from)));
                from = to;
            }
        }
        return svg.end();
    }
}
