package dev.stator.cli;

import java.util.ArrayList;
import java.util.Locale;
import java.util.Map;

/**
 * What came back for a question, and what it cost.
 *
 * @param cancelled whether the user stopped it; there is no account then
 * @param firstMillis from sending the question to the first text
 * @param restMillis from the first text to the last
 * @param promptTokensBySource empty if the server gave no account
 */
record ChatAnswer(
        String text,
        boolean cancelled,
        double firstMillis,
        double restMillis,
        int promptTokens,
        int answerTokens,
        Map<String, Integer> promptTokensBySource) {

    /**
     * E.g. {@code ttft 12 ms · 41 tok/s · prompt 512 tokens: 480 reused (host 448, device 32), 32
     * computed}.
     */
    String account() {
        if (cancelled) {
            return "cancelled";
        }
        var parts = new ArrayList<String>();
        parts.add("ttft %s".formatted(millis(firstMillis)));
        if (answerTokens > 1 && restMillis > 0) {
            parts.add("%.0f tok/s".formatted((answerTokens - 1) * 1000 / restMillis));
        }
        if (promptTokens > 0) {
            parts.add("prompt %d tokens%s".formatted(promptTokens, reuse()));
        }
        return String.join(" · ", parts);
    }

    private String reuse() {
        if (promptTokensBySource.isEmpty()) {
            return "";
        }
        int computed = promptTokensBySource.getOrDefault("computed", 0);
        var sources =
                promptTokensBySource.entrySet().stream()
                        .filter(entry -> !entry.getKey().equals("computed") && entry.getValue() > 0)
                        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                        .map(entry -> entry.getKey() + " " + entry.getValue())
                        .toList();
        int reused =
                promptTokensBySource.values().stream().mapToInt(Integer::intValue).sum() - computed;
        return sources.isEmpty()
                ? ": %d computed".formatted(computed)
                : ": %d reused (%s), %d computed"
                        .formatted(reused, String.join(", ", sources), computed);
    }

    private static String millis(double millis) {
        return millis < 10
                ? String.format(Locale.ROOT, "%.1f ms", millis)
                : millis < 10_000
                        ? "%.0f ms".formatted(millis)
                        : String.format(Locale.ROOT, "%.1f s", millis / 1000);
    }
}
