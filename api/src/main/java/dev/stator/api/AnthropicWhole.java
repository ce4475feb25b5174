package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/** Writes an answer of Anthropic's API in one JSON body when it has finished. */
final class AnthropicWhole implements Output {
    private final Exchange exchange;
    private final AnthropicShape shape;
    private final Choice choice;
    private final List<AnswerPart> parts = new ArrayList<>();
    private FinishReason reason = FinishReason.STOP;
    private Optional<String> stop = Optional.empty();

    AnthropicWhole(Exchange exchange, AnthropicShape shape, Choice choice) {
        this.exchange = exchange;
        this.shape = shape;
        this.choice = choice;
    }

    @Override
    public void open() {}

    @Override
    public void token(int index, GeneratedToken token) {
        parts.addAll(choice.accept(token.text()));
    }

    @Override
    public void stopped(int index, String by) {
        stop = Optional.of(by);
    }

    @Override
    public void finish(int index, FinishReason its, String tail) {
        parts.addAll(choice.finish(tail));
        reason = its;
    }

    @Override
    public void complete(Usage usage, Optional<ObjectNode> account) {
        var message = shape.message();
        var content = message.putArray("content");
        for (int at = 0; at < parts.size(); ) {
            int end = at + 1;
            while (end < parts.size() && goesOn(parts.get(at), parts.get(end))) {
                end++;
            }
            content.add(block(parts.subList(at, end)));
            at = end;
        }
        AnthropicShape.end(message, choice.finishReason(reason), stop);
        message.set("usage", AnthropicShape.usage(usage));
        account.ifPresent(stator -> message.set("stator", stator));
        exchange.respond(200, message);
    }

    /** Whether a part belongs to the block that another one begins. */
    static boolean goesOn(AnswerPart first, AnswerPart next) {
        return switch (next) {
            case AnswerPart.Text _ -> first instanceof AnswerPart.Text;
            case AnswerPart.Reasoning _ -> first instanceof AnswerPart.Reasoning;
            case AnswerPart.ToolCallStart _ -> false;
            case AnswerPart.ToolCallArguments _ -> first instanceof AnswerPart.ToolCallStart;
        };
    }

    private static ObjectNode block(List<AnswerPart> its) {
        var text = its.stream().map(AnthropicWhole::text).collect(Collectors.joining());
        return switch (its.getFirst()) {
            case AnswerPart.Text _ -> AnthropicShape.text(text);
            case AnswerPart.Reasoning _ -> AnthropicShape.thinking(text);
            case AnswerPart.ToolCallStart(_, var id, var name) ->
                    AnthropicShape.use(id, name, Json.value(text));
            case AnswerPart.ToolCallArguments _ ->
                    throw new IllegalStateException("a call begins with its name");
        };
    }

    private static String text(AnswerPart part) {
        return switch (part) {
            case AnswerPart.Text(var text) -> text;
            case AnswerPart.Reasoning(var text) -> text;
            case AnswerPart.ToolCallStart _ -> "";
            case AnswerPart.ToolCallArguments(_, var json) -> json;
        };
    }

    @Override
    public void fail(ApiError error) {
        exchange.fail(error);
    }
}
