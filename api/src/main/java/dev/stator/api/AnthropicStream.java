package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes an answer as Anthropic's sequence of events. Nothing is said before the first token, so
 * that what is shed while it waits hears of it by its status.
 *
 * <p>What was cached is known when the answer is complete: until then all input counts as computed,
 * and the last event of usage, which clients take, says how it was.
 */
final class AnthropicStream implements Output {
    static final byte[] PING = bytes("ping", Json.object().put("type", "ping"));

    /** Stands for the text when the constant bytes are cut. */
    private static final String MARK = "\u0000";

    private static final String ESCAPED_MARK = "\\u0000";

    private final Exchange exchange;
    private final SseStream stream;
    private final AnthropicShape shape;
    private final Choice choice;
    private final int promptTokens;
    private Optional<String> stop = Optional.empty();
    private Optional<Block> block = Optional.empty();
    private ObjectNode ending = Json.object();
    private int blocks;
    private boolean begun;
    private boolean pinged;

    /** What is being written; text is by far the most, and is not written through JSON trees. */
    private record Block(int index, AnswerPart first, byte[] prefix, byte[] suffix) {
        static Block of(int index, AnswerPart first) {
            var delta = AnthropicShape.delta(new AnswerPart.Text(MARK)).orElseThrow();
            var event = new String(deltaEvent(index, delta), StandardCharsets.UTF_8);
            int at = event.indexOf(ESCAPED_MARK);
            return new Block(
                    index,
                    first,
                    event.substring(0, at).getBytes(StandardCharsets.UTF_8),
                    event.substring(at + ESCAPED_MARK.length()).getBytes(StandardCharsets.UTF_8));
        }
    }

    AnthropicStream(
            Exchange exchange,
            SseStream stream,
            AnthropicShape shape,
            Choice choice,
            int promptTokens) {
        this.exchange = exchange;
        this.stream = stream;
        this.shape = shape;
        this.choice = choice;
        this.promptTokens = promptTokens;
    }

    private static byte[] bytes(String name, ObjectNode data) {
        return "event: %s\ndata: %s\n\n"
                .formatted(name, new String(Json.bytes(data), StandardCharsets.UTF_8))
                .getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] deltaEvent(int index, ObjectNode delta) {
        var data = Json.object().put("type", "content_block_delta").put("index", index);
        data.set("delta", delta);
        return bytes("content_block_delta", data);
    }

    @Override
    public void open() {
        stream.open();
    }

    @Override
    public void token(int index, GeneratedToken token) {
        begin();
        write(choice.accept(token.text()));
    }

    @Override
    public void stopped(int index, String by) {
        stop = Optional.of(by);
    }

    @Override
    public void finish(int index, FinishReason reason, String tail) {
        begin();
        write(choice.finish(tail));
        endBlock();
        var delta = Json.object();
        AnthropicShape.end(delta, choice.finishReason(reason), stop);
        ending = delta;
    }

    @Override
    public void complete(Usage usage, Optional<ObjectNode> account) {
        var data = Json.object().put("type", "message_delta");
        data.set("delta", ending);
        data.set("usage", AnthropicShape.usage(usage));
        account.ifPresent(stator -> data.set("stator", stator));
        stream.raw(bytes("message_delta", data));
        stream.raw(bytes("message_stop", Json.object().put("type", "message_stop")));
        stream.finish();
    }

    @Override
    public void fail(ApiError error) {
        if (stream.begun()) {
            stream.raw(bytes("error", Dialect.ANTHROPIC.body(error, exchange.requestId())));
            stream.finish();
        } else {
            stream.discard();
            exchange.fail(error);
        }
    }

    private void begin() {
        if (!begun) {
            begun = true;
            var message = shape.message();
            message.set("usage", AnthropicShape.usage(new Usage(promptTokens, 0, 0, 0)));
            var data = Json.object().put("type", "message_start");
            data.set("message", message);
            stream.raw(bytes("message_start", data));
        }
    }

    private void write(List<AnswerPart> parts) {
        for (var part : parts) {
            var current = blockOf(part);
            if (part instanceof AnswerPart.Text(var text)) {
                stream.text(current.prefix, text, current.suffix);
            } else {
                AnthropicShape.delta(part)
                        .ifPresent(delta -> stream.raw(deltaEvent(current.index, delta)));
            }
        }
    }

    private Block blockOf(AnswerPart part) {
        var current = block.filter(its -> AnthropicWhole.goesOn(its.first, part));
        if (current.isPresent()) {
            return current.get();
        }
        endBlock();
        var next = Block.of(blocks++, part);
        block = Optional.of(next);
        var data = Json.object().put("type", "content_block_start").put("index", next.index);
        data.set("content_block", AnthropicShape.opened(part));
        stream.raw(bytes("content_block_start", data));
        if (!pinged) {
            pinged = true;
            stream.raw(PING);
        }
        return next;
    }

    private void endBlock() {
        block.ifPresent(
                ended ->
                        stream.raw(
                                bytes(
                                        "content_block_stop",
                                        Json.object()
                                                .put("type", "content_block_stop")
                                                .put("index", ended.index))));
        block = Optional.empty();
    }
}
