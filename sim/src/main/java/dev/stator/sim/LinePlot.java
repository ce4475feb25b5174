package dev.stator.sim;

import java.util.List;

/**
 * Lines over numbers.
 *
 * @param log whether the vertical axis is logarithmic; all values must then be positive
 */
record LinePlot(
        String title, String xLabel, String yLabel, boolean log, List<LinePlot.Series> series) {
    static final int WIDTH = 560;

    private static final int HEIGHT = 340;
    private static final int LEFT = 64;
    private static final int RIGHT = 16;
    private static final int TOP = 16;
    private static final int BOTTOM = 48;

    /**
     * @param style class of the line: it decides the colour
     * @param dots whether the points are shown, each with its interval
     */
    record Series(String name, String style, boolean dots, List<Point> points) {}

    /**
     * @param half of the interval around {@code y}, or NaN
     */
    record Point(double x, double y, double half) {
        double low() {
            return Double.isNaN(half) ? y : y - half;
        }

        double high() {
            return Double.isNaN(half) ? y : y + half;
        }
    }

    String svg() {
        var points = series.stream().flatMap(line -> line.points.stream()).toList();
        double left = points.stream().mapToDouble(Point::x).min().orElse(0);
        double right = points.stream().mapToDouble(Point::x).max().orElse(1);
        double least = points.stream().mapToDouble(Point::y).min().orElse(1);
        double largest = points.stream().mapToDouble(Point::high).max().orElse(1);
        var across = Axis.between(left, right, LEFT, WIDTH - RIGHT);
        var up =
                log
                        ? Axis.logarithmic(least, largest, HEIGHT - BOTTOM, TOP)
                        : Axis.fromZero(largest, HEIGHT - BOTTOM, TOP);
        var svg = new Svg(WIDTH, HEIGHT, title);
        axes(svg, across, up);
        series.forEach(line -> draw(svg, across, up, line));
        return svg.end();
    }

    private void axes(Svg svg, Axis across, Axis up) {
        for (double tick : up.ticks()) {
            svg.line("grid", LEFT, up.place(tick), WIDTH - RIGHT, up.place(tick));
            svg.label("end", LEFT - 8, up.place(tick) + 4, Numbers.of(tick));
        }
        svg.line("axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (double tick : across.ticks()) {
            double x = across.place(tick);
            svg.line("axis", x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4);
            svg.label("middle", x, HEIGHT - BOTTOM + 18, Numbers.of(tick));
        }
        svg.label("middle", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, xLabel);
        svg.label("start", 0, 12, yLabel);
    }

    private static void draw(Svg svg, Axis across, Axis up, Series line) {
        var way = new StringBuilder();
        for (var point : line.points) {
            way.append(Svg.point(across.place(point.x), up.place(point.y)));
        }
        svg.path("line " + line.style, way.toString());
        if (!line.dots) {
            return;
        }
        for (var point : line.points) {
            double x = across.place(point.x);
            double low = Math.max(up.low(), point.low());
            svg.line("line " + line.style, x, up.place(low), x, up.place(point.high()));
            var interval = Numbers.of(new Interval(point.y, point.half));
            svg.dot("dot " + line.style, x, up.place(point.y), line.name + ": " + interval);
        }
    }
}
