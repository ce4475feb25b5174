package dev.stator.sim;

import java.util.Locale;

/** A drawing for an HTML page, which gives it its colours by class names. */
final class Svg {
    private final StringBuilder text = new StringBuilder();

    Svg(int width, int height, String description) {
        add(
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
                width, height, escaped(description));
    }

    void line(String style, double x1, double y1, double x2, double y2) {
        add(
                "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
                style, x1, y1, x2, y2);
    }

    void path(String style, String points) {
        add("<polyline class=\"%s\" points=\"%s\"/>", style, points);
    }

    /**
     * @param title what a pointer over it shows
     */
    void dot(String style, double x, double y, String title) {
        add(
                "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s</title></circle>",
                style, x, y, escaped(title));
    }

    void box(String style, double x, double y, double width, double height, String title) {
        add(
                "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\""
                        + " height=\"%.1f\"><title>%s</title></rect>",
                style, x, y, Math.max(0, width), height, escaped(title));
    }

    /**
     * @param anchor start, middle or end
     */
    void label(String anchor, double x, double y, String words) {
        add(
                "<text text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>",
                anchor, x, y, escaped(words));
    }

    String end() {
        return text.append("</svg>\n").toString();
    }

    static String point(double x, double y) {
        return String.format(Locale.ROOT, "%.1f,%.1f ", x, y);
    }

    static String escaped(String words) {
        return words.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private void add(String format, Object... arguments) {
        text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
