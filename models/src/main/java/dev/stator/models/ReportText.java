package dev.stator.models;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** A {@link ModelReport} as lines for people. */
final class ReportText {
    private final ModelReport report;
    private final StringBuilder text = new StringBuilder();

    ReportText(ModelReport report) {
        this.report = report;
    }

    String text() {
        line("model", report.name().orElse("(no name)"));
        line("file", file());
        line("architecture", architecture());
        line("parameters", count(report.parameters()));
        line("weights", weights());
        line("context", tokens(report.contextTokens(), "tokens trained for"));
        line("attention", attention());
        line("KV", kv());
        line("prefix reuse", reuse());
        line("RoPE", rope());
        line("vocabulary", vocabulary());
        line("special tokens", specials());
        line(
                "chat template",
                report.chatTemplate()
                        .map(template -> "")
                        .orElse("none: the model completes texts only"));
        report.chatTemplate().ifPresent(template -> text.append(masked(template).indent(2)));
        return text.toString();
    }

    private void line(String label, String value) {
        text.append(format("%-16s%s", label, masked(value)).stripTrailing()).append('\n');
    }

    private String file() {
        var missing = report.missingParts();
        return format(
                "%s, %s%s",
                report.file(),
                ByteCount.text(report.bytes()),
                missing.isEmpty() ? "" : format("; MISSING parts: %s", String.join(", ", missing)));
    }

    private String architecture() {
        var parts = new ArrayList<String>();
        parts.add(report.architecture());
        parts.add(format("%d layers", report.layers()));
        report.embeddingLength().ifPresent(length -> parts.add(format("width %,d", length)));
        if (!report.feedForward().isEmpty()) {
            parts.add("feed-forward " + span(report.feedForward()));
        }
        report.experts().ifPresent(experts -> parts.add(format("%d experts", experts)));
        return String.join(", ", parts);
    }

    private String weights() {
        if (report.parameters() == 0) {
            return "none: the file holds a tokenizer only";
        }
        return format(
                "%s, %.2f bits each (%s)",
                report.quantisation(),
                report.bitsPerWeight(),
                report.bytesByType().entrySet().stream()
                        .map(entry -> entry.getKey() + " " + ByteCount.text(entry.getValue()))
                        .collect(Collectors.joining(", ")));
    }

    private String attention() {
        var attention = report.attention();
        if (attention.heads().isEmpty()) {
            return "none";
        }
        return format(
                "%s heads, %s KV heads, keys of %s, values of %s%s",
                span(attention.heads()),
                span(attention.kvHeads()),
                number(attention.keyLength()),
                number(attention.valueLength()),
                attention.slidingWindow().isPresent()
                        ? format(
                                ", sliding window of %,d tokens",
                                attention.slidingWindow().getAsLong())
                        : "");
    }

    private String kv() {
        var kv = report.kv();
        if (kv.bytesPerTokenF16().isEmpty()) {
            return "none that grows with the text";
        }
        long f16 = kv.bytesPerTokenF16().getAsLong();
        var line = new StringBuilder(format("%,d bytes a token as f16", f16));
        kv.bytesPerTokenQ8().ifPresent(q8 -> line.append(format(", %,d as q8_0", q8)));
        long tokens = report.contextTokens().orElse(0);
        if (tokens > 0 && f16 <= Long.MAX_VALUE / tokens) {
            line.append(format("; %s for the whole context as f16", ByteCount.text(f16 * tokens)));
        }
        return line.toString();
    }

    private String reuse() {
        return report.kv()
                .notCutBecause()
                .map(reason -> "no, not cut into blocks: " + reason)
                .orElse("yes, cut into blocks");
    }

    private String rope() {
        var rope = report.rope();
        var parts = new ArrayList<String>();
        parts.add(tokens(rope.dimensions(), "dimensions"));
        rope.base().ifPresent(base -> parts.add(format("base %s", decimal(base))));
        rope.scaling().ifPresent(scaling -> parts.add("scaling " + scaling));
        rope.factor().ifPresent(factor -> parts.add(format("factor %s", decimal(factor))));
        rope.originalContextTokens()
                .ifPresent(tokens -> parts.add(format("stretched from %,d tokens", tokens)));
        if (rope.frequencyFactors()) {
            parts.add("a factor for each frequency");
        }
        return String.join(", ", parts);
    }

    private String vocabulary() {
        var vocabulary = report.vocabulary();
        return format(
                "%,d tokens, %s%s",
                vocabulary.tokens(),
                vocabulary.tokenizer().map(name -> "tokenizer " + name).orElse("no tokenizer"),
                vocabulary.pretokenizer().map(name -> ", split as " + name).orElse(""));
    }

    private String specials() {
        var specials = report.vocabulary().specials();
        return specials.isEmpty()
                ? "none"
                : specials.entrySet().stream()
                        .map(
                                entry ->
                                        format(
                                                "%s %d%s",
                                                entry.getKey(),
                                                entry.getValue().token(),
                                                quoted(entry.getValue().text())))
                        .collect(Collectors.joining(", "));
    }

    private static String quoted(Optional<String> text) {
        return text.map(value -> " '" + value + "'").orElse("");
    }

    private static String number(OptionalLong value) {
        return value.isPresent() ? format("%,d", value.getAsLong()) : "?";
    }

    private static String tokens(OptionalLong value, String unit) {
        return value.isPresent() ? format("%,d %s", value.getAsLong(), unit) : "not stated";
    }

    /** The one value, or the range where layers differ. */
    private static String span(List<Long> byLayer) {
        var range = byLayer.stream().mapToLong(Long::longValue).summaryStatistics();
        return range.getMin() == range.getMax()
                ? format("%,d", range.getMin())
                : format("%,d to %,d (by layer)", range.getMin(), range.getMax());
    }

    private static String count(long parameters) {
        if (parameters < 1_000_000) {
            return format("%,d", parameters);
        }
        return parameters < 1_000_000_000
                ? format("%.1f million", parameters / 1e6)
                : format("%.2f billion", parameters / 1e9);
    }

    private static String decimal(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? format("%,d", (long) value)
                : String.valueOf(value);
    }

    /** The same in every locale, since the sizes are. */
    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    /** A file must not be able to send commands to the terminal. */
    private static String masked(String text) {
        return text.replaceAll("[\\p{Cntrl}&&[^\\n\\t]]", "\uFFFD");
    }
}
