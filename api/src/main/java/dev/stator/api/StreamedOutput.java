package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.engine.Sampled;
import dev.stator.engine.Tokenizer;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the answers as they come, one event per token that adds text.
 *
 * <p>An event that only adds text is made of bytes that were written once per answer, around the
 * escaped text; all others go through JSON trees.
 */
final class StreamedOutput implements Output {
    /** Stands for the text when the constant bytes are cut; no name or id holds it. */
    private static final String MARK = "\u0000";

    private static final String ESCAPED_MARK = "\\u0000";

    private final SseStream stream;
    private final Exchange exchange;
    private final Shape shape;
    private final boolean includeUsage;
    private final Optional<Tokenizer> logprobs;
    private final List<Track> tracks = new ArrayList<>();

    /** One choice. */
    private final class Track {
        final int index;
        final Choice choice = new Choice(shape.reader());
        final byte[] prefix;
        final byte[] suffix;
        boolean opened;
        int textLength;

        Track(int index) {
            this.index = index;
            var marked = shape.delta(index, new AnswerPart.Text(MARK), NullNode.getInstance());
            var chunk = new String(Json.bytes(chunk(marked)), StandardCharsets.UTF_8);
            int at = chunk.indexOf(ESCAPED_MARK);
            prefix = ("data: " + chunk.substring(0, at)).getBytes(StandardCharsets.UTF_8);
            suffix =
                    (chunk.substring(at + ESCAPED_MARK.length()) + "\n\n")
                            .getBytes(StandardCharsets.UTF_8);
        }
    }

    /**
     * @param logprobs present if they are wanted
     */
    StreamedOutput(
            Exchange exchange,
            SseStream stream,
            Shape shape,
            int choices,
            boolean includeUsage,
            Optional<Tokenizer> logprobs) {
        this.exchange = exchange;
        this.stream = stream;
        this.shape = shape;
        this.includeUsage = includeUsage;
        this.logprobs = logprobs;
        for (int i = 0; i < choices; i++) {
            tracks.add(new Track(i));
        }
    }

    @Override
    public void open() {
        stream.open();
    }

    @Override
    public void token(int choice, GeneratedToken token) {
        var track = tracks.get(choice);
        begin(track);
        var parts = track.choice.accept(token.text());
        if (logprobs.isEmpty()) {
            write(track, parts);
        } else if (logprobs.get().endsGeneration(token.sampled().token())) {
            write(track, parts);
        } else {
            writeWithLogprobs(track, parts, token.sampled());
        }
    }

    @Override
    public void finish(int choice, FinishReason reason, String tail) {
        var track = tracks.get(choice);
        begin(track);
        write(track, track.choice.finish(tail));
        event(chunk(shape.closing(choice, track.choice.finishReason(reason))));
    }

    @Override
    public void complete(Usage usage, Optional<ObjectNode> account) {
        if (includeUsage || account.isPresent()) {
            var last = shape.envelope(true);
            last.putArray("choices");
            if (includeUsage) {
                last.set("usage", usage.json());
            }
            account.ifPresent(stator -> last.set("stator", stator));
            event(last);
        }
        stream.done();
    }

    @Override
    public void fail(ApiError error) {
        if (stream.begun()) {
            event(exchange.dialect().body(error, exchange.requestId()));
            stream.finish();
        } else {
            stream.discard();
            exchange.fail(error);
        }
    }

    private void begin(Track track) {
        if (!track.opened) {
            track.opened = true;
            shape.opening(track.index).ifPresent(opening -> event(chunk(opening)));
        }
    }

    private void write(Track track, List<AnswerPart> parts) {
        for (var part : parts) {
            if (part instanceof AnswerPart.Text(var text)) {
                track.textLength += text.length();
                stream.text(track.prefix, text, track.suffix);
            } else {
                event(chunk(shape.delta(track.index, part, NullNode.getInstance())));
            }
        }
    }

    /** The token's logprobs travel with its first part, or alone if its text is still held back. */
    private void writeWithLogprobs(Track track, List<AnswerPart> parts, Sampled token) {
        var first = parts.isEmpty() ? new AnswerPart.Text("") : parts.getFirst();
        event(
                chunk(
                        shape.delta(
                                track.index,
                                first,
                                shape.logprobs(List.of(token), track.textLength))));
        if (first instanceof AnswerPart.Text(var text)) {
            track.textLength += text.length();
        }
        if (parts.size() > 1) {
            write(track, parts.subList(1, parts.size()));
        }
    }

    private ObjectNode chunk(ObjectNode choice) {
        var chunk = shape.envelope(true);
        chunk.putArray("choices").add(choice);
        if (includeUsage) {
            chunk.putNull("usage");
        }
        return chunk;
    }

    private void event(ObjectNode json) {
        stream.event(Json.bytes(json));
    }
}
