package dev.stator.sim.trace;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * RAGPulse: a week of a university's retrieval service. The trace lists the parts of each prompt by
 * number, five files beside it say how many tokens each part has. A prompt is its parts in the
 * order in which the trace names their kinds, then what {@code input_length} has beyond them.
 */
final class RagPulseReader {
    static final String TRACE = "0_trace.jsonl";

    private static final int BLOCK_TOKENS = 64;
    private static final long TICK_NANOS = 1_000_000_000L;

    /** Part of the prompt that no file describes: what the chat template adds. */
    private static final long TEMPLATE = -1;

    /**
     * @param name in the trace
     * @param file of the parts' lengths, whose lines call a part {@code id}
     */
    private record Kind(String name, String file, String id) {}

    private static final List<Kind> KINDS =
            List.of(
                    new Kind("sys_prompt", "1_sys_prompt.jsonl", "sys_prompt_id"),
                    new Kind("passages_ids", "2_passages.jsonl", "passage_id"),
                    new Kind("history", "3_history.jsonl", "history_id"),
                    new Kind("web_search", "5_web_search.jsonl", "web_search_id"),
                    new Kind("user_input", "4_user_input.jsonl", "user_input_id"));

    private final int blockTokens;
    private final Map<String, Map<Long, Integer>> lengths = new HashMap<>();
    private final Map<String, Long> sessions = new HashMap<>();

    private RagPulseReader(int blockTokens) {
        this.blockTokens = blockTokens;
    }

    static boolean canRead(String firstLine) {
        return JsonLine.hasObject(firstLine, "hash_ids");
    }

    static Recorded read(Path trace, OptionalInt blockTokens, int most) {
        var reader = new RagPulseReader(blockTokens.orElse(BLOCK_TOKENS));
        var requests = new ArrayList<TraceRequest>();
        reader.read(trace, line -> requests.add(reader.request(line)));
        requests.sort(Comparator.comparingLong(TraceRequest::arrivalNanos));
        return new Recorded(
                trace.toString(),
                reader.blockTokens,
                requests.subList(0, Math.min(most, requests.size())),
                TICK_NANOS);
    }

    /** The prompts of a trace by their parts, in the order in which they came. */
    static List<RagPrompt> prompts(Path trace) {
        var reader = new RagPulseReader(BLOCK_TOKENS);
        var prompts = new ArrayList<RagPrompt>();
        reader.read(trace, line -> prompts.add(reader.prompt(line)));
        return prompts;
    }

    private void read(Path trace, Consumer<JsonLine> request) {
        for (var kind : KINDS) {
            lengths.put(kind.name, lengths(trace.resolveSibling(kind.file), kind));
        }
        try (var lines = new TraceLines(trace)) {
            for (var line = JsonLine.next(lines); line.isPresent(); line = JsonLine.next(lines)) {
                request.accept(line.get());
            }
        }
    }

    private RagPrompt prompt(JsonLine line) {
        var parts = KINDS.stream().map(kind -> parts(line, kind)).toList();
        return new RagPrompt(
                parts.get(0),
                parts.get(1),
                Stream.of(parts.get(2), parts.get(3), parts.get(4)).flatMap(List::stream).toList());
    }

    private List<RagPrompt.Part> parts(JsonLine line, Kind kind) {
        var known = lengths.getOrDefault(kind.name, Map.of());
        var parts = new ArrayList<RagPrompt.Part>();
        for (long id : line.ids(line.node().path("hash_ids").path(kind.name), kind.name)) {
            var length = known.get(id);
            if (length == null) {
                throw line.wrong(
                        "'%s' names %d, which is not in %s".formatted(kind.name, id, kind.file));
            }
            parts.add(new RagPrompt.Part(id, length));
        }
        return parts;
    }

    private static Map<Long, Integer> lengths(Path file, Kind kind) {
        var lengths = new HashMap<Long, Integer>();
        try (var lines = new TraceLines(file)) {
            for (var line = JsonLine.next(lines); line.isPresent(); line = JsonLine.next(lines)) {
                lengths.put(line.get().whole(kind.id), line.get().tokens("token_length"));
            }
        }
        return lengths;
    }

    private TraceRequest request(JsonLine line) {
        var keys = new BlockKeys();
        int tokens = 0;
        for (var kind : KINDS) {
            for (var part : parts(line, kind)) {
                keys.append(part.id(), part.tokens());
                tokens += part.tokens();
            }
        }
        int prompt = Math.max(tokens, line.tokens("input_length"));
        if (prompt < 1) {
            throw line.wrong("the prompt is empty");
        }
        keys.append(TEMPLATE, prompt - tokens);
        int output = Math.max(1, line.tokens("output_length"));
        keys.append(TEMPLATE - line.lines().number(), output);
        long nanos = Math.round(line.number("timestamp") * 1e9);
        long session =
                sessions.computeIfAbsent(
                        line.node().path("session_id").asString(), _ -> (long) sessions.size());
        return new TraceRequest(nanos, prompt, output, keys.complete(), session);
    }

    /** Cuts parts into blocks and chains their keys. */
    private final class BlockKeys {
        private final List<Long> keys = new ArrayList<>();
        private long parent;
        private int filled;

        void append(long id, int tokens) {
            for (int from = 0; from < tokens; ) {
                int taken = Math.min(tokens - from, blockTokens - filled);
                parent = Fingerprint.mix(Fingerprint.mix(parent, id), (long) from << 32 | taken);
                filled += taken;
                from += taken;
                if (filled == blockTokens) {
                    keys.add(parent);
                    filled = 0;
                }
            }
        }

        long[] complete() {
            return keys.stream().mapToLong(Long::longValue).toArray();
        }
    }
}
