package dev.stator.sim.trace;

import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.OptionalInt;

/**
 * Azure's LLM inference traces of 2023: time, prompt length and answer length. They do not say what
 * the prompts are, so none shares a block with another.
 */
final class AzureReader {
    private static final String HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens";
    private static final int BLOCK_TOKENS = 64;

    private AzureReader() {}

    static Recorded read(Path file, OptionalInt blockTokens, int most) {
        int block = blockTokens.orElse(BLOCK_TOKENS);
        var requests = new ArrayList<TraceRequest>();
        try (var lines = new TraceLines(file)) {
            if (lines.next().filter(HEAD::equals).isEmpty()) {
                throw lines.wrong("the head '%s' was expected".formatted(HEAD));
            }
            for (var line = lines.next();
                    line.isPresent() && requests.size() < most;
                    line = lines.next()) {
                requests.add(request(lines, line.get(), block));
            }
        }
        requests.sort((a, b) -> Long.compare(a.arrivalNanos(), b.arrivalNanos()));
        return new Recorded(file.toString(), block, requests, 0);
    }

    private static TraceRequest request(TraceLines lines, String line, int block) {
        String[] fields = line.split(",", -1);
        if (fields.length != 3) {
            throw lines.wrong("three fields were expected, these are %d".formatted(fields.length));
        }
        int prompt = tokens(lines, "ContextTokens", fields[1]);
        int output = tokens(lines, "GeneratedTokens", fields[2]);
        long[] keys = new long[(prompt + output) / block];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = Fingerprint.mix(lines.number(), i);
        }
        return new TraceRequest(nanos(lines, fields[0]), prompt, output, keys, lines.number());
    }

    private static long nanos(TraceLines lines, String text) {
        try {
            var time = LocalDateTime.parse(text.strip().replace(' ', 'T'));
            return time.toEpochSecond(ZoneOffset.UTC) * 1_000_000_000L + time.getNano();
        } catch (DateTimeParseException _) {
            throw lines.wrong(
                    "'TIMESTAMP' must be like 2023-11-16 18:17:03.9799600, is '%s'"
                            .formatted(text));
        }
    }

    private static int tokens(TraceLines lines, String name, String text) {
        try {
            int tokens = Integer.parseInt(text.strip());
            if (tokens >= 0 && tokens <= Integer.MAX_VALUE / 2) {
                return Math.max(1, tokens);
            }
        } catch (NumberFormatException _) {
            // Reported below like every other value that is no number of tokens.
        }
        throw lines.wrong("'%s' must be a number of tokens, is '%s'".formatted(name, text));
    }
}
