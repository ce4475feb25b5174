package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import dev.stator.api.LoggedRequest.Content;
import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.ChatModel;
import dev.stator.engine.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Passages whose last token is also the beginning of what stands behind them, or whose first one is
 * the end of what stands before: their tokens are then others in other places.
 */
final class MergedSeams {
    /** Requests that are looked at. */
    private static final int MOST = 500;

    private MergedSeams() {}

    static Optional<Finding> find(
            List<LoggedRequest> requests, ChatModel chat, Tokenizer tokenizer) {
        var blocks = new Blocks(requests);
        int merged = 0;
        int found = 0;
        var lines = new HashSet<Integer>();
        var examples = new HashSet<String>();
        for (var request : requests.subList(0, Math.min(MOST, requests.size()))) {
            var read = read(request, chat, tokenizer);
            var bounds = read.map(its -> bounds(its, tokenizer)).orElse(Set.of());
            for (var block : Blocks.cut(Edit.asked(request).orElse(""))) {
                if (read.isPresent() && blocks.isShared(block)) {
                    int from = read.get().text.indexOf(block);
                    if (from >= 0) {
                        found++;
                        int end = from + block.length();
                        if (!bounds.contains(bytes(read.get().text, from))
                                || !bounds.contains(bytes(read.get().text, end))) {
                            merged++;
                            lines.add(request.line());
                            examples.add(
                                    "line %d: %s".formatted(request.line(), Edit.shortened(block)));
                        }
                    }
                }
            }
        }
        return merged == 0
                ? Optional.empty()
                : Optional.of(
                        new Finding(
                                "seams",
                                "%d of %d passages share a token with the text beside them"
                                        .formatted(merged, found),
                                "begin and end passages with line breaks, or send them as `documents`, which are tokenised by themselves",
                                0,
                                0,
                                lines.size(),
                                examples.stream().sorted().limit(2).toList()));
    }

    private record Read(String text, int[] tokens) {}

    private static Optional<Read> read(LoggedRequest request, ChatModel chat, Tokenizer tokenizer) {
        try {
            return switch (request.content()) {
                case Content.Chat(var conversation) -> {
                    var prompt = chat.prompt(conversation, request.salt());
                    yield Optional.of(new Read(prompt.text(), prompt.tokens()));
                }
                case Content.Text(var text) ->
                        Optional.of(new Read(text, tokenizer.encode(text, false, true)));
                case Content.Tokens _ -> Optional.empty();
            };
        } catch (ChatException _) {
            return Optional.empty();
        }
    }

    /** Bytes of the text behind which a token ends. */
    private static Set<Integer> bounds(Read read, Tokenizer tokenizer) {
        var bounds = new HashSet<Integer>(Set.of(0));
        int length = read.text.getBytes(StandardCharsets.UTF_8).length;
        int all = 0;
        for (int token : read.tokens) {
            all += tokenizer.bytes(token, true).length;
        }
        // What the tokeniser itself puts first is no part of the text.
        int at = length - all;
        for (int token : read.tokens) {
            at += tokenizer.bytes(token, true).length;
            bounds.add(at);
        }
        return bounds;
    }

    private static int bytes(String text, int characters) {
        return text.substring(0, characters).getBytes(StandardCharsets.UTF_8).length;
    }
}
