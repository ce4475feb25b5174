package dev.stator.sim.trace;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Traces in the format of Mooncake (Qin et al., FAST '25): {@code timestamp} in milliseconds,
 * {@code input_length} and {@code output_length} in tokens, and {@code hash_ids}, one per 512
 * tokens of the prompt. Equal ids are equal text after equal text; the last id names a part of a
 * block if the prompt does not fill it.
 *
 * <p>The format does not say which text is an earlier request's answer. A request is taken to
 * continue another one if it repeats all complete blocks of its prompt, the last of which nobody
 * had before that one, and is long enough for the answer. Then its next blocks are that answer's.
 */
final class MooncakeReader {
    /** Tokens that one hash id stands for. */
    static final int ID_TOKENS = 512;

    /** Mooncake's published traces round arrivals down to about three seconds. */
    private static final long LEAST_TICK_NANOS = 1_000_000_000L;

    private final TraceLines lines;
    private final int blockTokens;
    private final int blocksPerId;
    private final Set<Long> seen = new HashSet<>();

    /** Keys of ids that stand for an answer's blocks, where they differ from what the id gives. */
    private final Map<Long, long[]> answers = new HashMap<>();

    /** Requests that may still be continued, by the id of their last complete block. */
    private final Map<Long, TraceRequest> open = new HashMap<>();

    private MooncakeReader(TraceLines lines, int blockTokens) {
        this.lines = lines;
        this.blockTokens = blockTokens;
        blocksPerId = ID_TOKENS / blockTokens;
    }

    static Recorded read(Path file, OptionalInt blockTokens, int most) {
        int tokens = blockTokens.orElse(ID_TOKENS);
        if (tokens < 1 || ID_TOKENS % tokens != 0) {
            throw new TraceException(
                    "blocks of %d tokens do not fit into the %d tokens of a hash id of %s: use a divisor"
                            .formatted(tokens, ID_TOKENS, file));
        }
        var requests = new ArrayList<TraceRequest>();
        try (var lines = new TraceLines(file)) {
            var reader = new MooncakeReader(lines, tokens);
            while (requests.size() < most && reader.readInto(requests)) {}
        }
        return new Recorded(file.toString(), tokens, requests, tickOf(requests));
    }

    /** The shortest time between different arrivals, if it is long enough to be a rounding. */
    private static long tickOf(List<TraceRequest> requests) {
        long tick = Long.MAX_VALUE;
        for (int i = 1; i < requests.size(); i++) {
            long apart = requests.get(i).arrivalNanos() - requests.get(i - 1).arrivalNanos();
            tick = apart > 0 ? Math.min(tick, apart) : tick;
        }
        return tick >= LEAST_TICK_NANOS && tick < Long.MAX_VALUE ? tick : 0;
    }

    private boolean readInto(List<TraceRequest> requests) {
        var line = JsonLine.next(lines);
        line.map(this::request).ifPresent(requests::add);
        if (requests.size() > 1
                && requests.getLast().arrivalNanos()
                        < requests.get(requests.size() - 2).arrivalNanos()) {
            throw lines.wrong("'timestamp' is earlier than in the line before");
        }
        return line.isPresent();
    }

    private TraceRequest request(JsonLine line) {
        int prompt = line.tokens("input_length");
        int output = Math.max(1, line.tokens("output_length"));
        long[] ids = line.ids("hash_ids");
        if (prompt < 1) {
            throw lines.wrong("'input_length' must be at least 1");
        }
        if (ids.length != Math.ceilDiv(prompt, ID_TOKENS)) {
            throw lines.wrong(
                    "%d 'hash_ids' do not fit 'input_length' %d: one per %d tokens was expected, so %d"
                            .formatted(
                                    ids.length,
                                    prompt,
                                    ID_TOKENS,
                                    Math.ceilDiv(prompt, ID_TOKENS)));
        }
        long nanos = Math.round(line.number("timestamp") * 1e6);
        int complete = prompt / ID_TOKENS;
        continueAnother(ids, complete, prompt);
        var request =
                new TraceRequest(nanos, prompt, output, keys(ids, prompt, output), lines.number());
        if (complete > 0 && !seen.contains(ids[complete - 1])) {
            open.put(ids[complete - 1], request);
        }
        for (long id : ids) {
            seen.add(id);
        }
        return request;
    }

    /** Finds whose answer this request repeats, and has its ids stand for that answer's blocks. */
    private void continueAnother(long[] ids, int complete, int prompt) {
        int at = complete - 1;
        while (at >= 0 && !open.containsKey(ids[at])) {
            at--;
        }
        if (at < 0 || at + 1 == complete || seen.contains(ids[at + 1])) {
            return;
        }
        var before = open.get(ids[at]);
        if (before == null || before.promptTokens() + before.outputTokens() > prompt) {
            return;
        }
        open.remove(ids[at]);
        for (int id = at + 1; id < complete && id * blocksPerId < before.keys().length; id++) {
            answers.put(ids[id], slice(before.keys(), id * blocksPerId));
        }
    }

    private long[] slice(long[] keys, int from) {
        int length = Math.min(blocksPerId, keys.length - from);
        long[] slice = new long[length];
        System.arraycopy(keys, from, slice, 0, length);
        return slice;
    }

    private long[] keys(long[] ids, int prompt, int output) {
        long[] keys = new long[(prompt + output) / blockTokens];
        int prompted = prompt / blockTokens;
        long parent = 0;
        for (int block = 0; block < keys.length; block++) {
            int id = block / blocksPerId;
            int part = block % blocksPerId;
            long text = block < prompted ? ids[id] : -1L - lines.number();
            long[] known = block < prompted ? answers.getOrDefault(ids[id], NONE) : NONE;
            parent =
                    part < known.length
                            ? known[part]
                            : Fingerprint.mix(Fingerprint.mix(parent, text), part);
            keys[block] = parent;
        }
        return keys;
    }

    private static final long[] NONE = {};
}
