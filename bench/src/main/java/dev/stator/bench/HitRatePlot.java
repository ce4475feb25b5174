package dev.stator.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Hit rates over cache sizes, one line a policy; sizes lie at equal distances. */
final class HitRatePlot {
    private static final int LEFT = 48;
    private static final int TOP = 16;
    private static final int WIDTH = 480;
    private static final int HEIGHT = 260;
    private static final List<String> COLOURS =
            List.of("#888888", "#2f7ed8", "#8bbc21", "#c78200", "#c0242c", "#bbbbbb");

    private HitRatePlot() {}

    static String svg(List<Double> sizes, Map<String, double[]> all) {
        var text = new StringBuilder();
        add(
                text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 320\" font-family=\"sans-serif\" font-size=\"12\">");
        add(text, "<rect width=\"640\" height=\"320\" fill=\"#ffffff\"/>");
        for (int tenth = 0; tenth <= 10; tenth += 2) {
            double y = y(tenth / 10.0);
            add(text, "<path d=\"M%d %.1fh%d\" stroke=\"#dddddd\"/>", LEFT, y, WIDTH);
            add(
                    text,
                    "<text x=\"40\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>",
                    y + 4,
                    tenth / 10.0);
        }
        for (int i = 0; i < sizes.size(); i++) {
            add(
                    text,
                    "<text x=\"%.1f\" y=\"294\" text-anchor=\"middle\">%.0f %%</text>",
                    x(i, sizes.size()),
                    sizes.get(i));
        }
        add(
                text,
                "<text x=\"288\" y=\"314\" text-anchor=\"middle\">size in parts of the working set; hit rate ÷ a boundless cache's</text>");
        int line = 0;
        for (var policy : all.entrySet()) {
            var way = new StringBuilder();
            for (int i = 0; i < policy.getValue().length; i++) {
                way.append(
                        String.format(
                                Locale.ROOT,
                                "%.1f,%.1f ",
                                x(i, sizes.size()),
                                y(policy.getValue()[i])));
            }
            var colour = COLOURS.get(line % COLOURS.size());
            add(
                    text,
                    "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>",
                    way,
                    colour);
            add(
                    text,
                    "<text x=\"544\" y=\"%d\" fill=\"%s\">%s</text>",
                    TOP + 20 * ++line,
                    colour,
                    policy.getKey());
        }
        return text.append("</svg>\n").toString();
    }

    private static double x(int at, int sizes) {
        return LEFT + at * WIDTH / (sizes - 1.0);
    }

    private static double y(double rate) {
        return TOP + HEIGHT * (1 - rate);
    }

    private static void add(StringBuilder text, String format, Object... arguments) {
        text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
