package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import dev.stator.api.LoggedRequest.Content;
import dev.stator.api.PlainPassages;
import dev.stator.api.Splicing;
import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.ChatModel;
import dev.stator.api.documents.DocumentOrder;
import dev.stator.cache.BlockKey;
import dev.stator.cache.chunk.TextBounds;
import dev.stator.engine.Tokenizer;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** Requests one after the other, with a cache that never evicts. */
final class Replay {
    private static final int BLOCK_TOKENS = 32;
    private static final int REMEMBERED_DOCUMENTS = 65_536;
    private static final long PASSAGE_BYTES = 256L << 20;

    private final ChatModel chat;
    private final Tokenizer tokenizer;

    Replay(ChatModel chat, Tokenizer tokenizer) {
        this.chat = chat;
        this.tokenizer = tokenizer;
    }

    /**
     * @param instructions tokens before the first user's text; those of a plain prompt are unknown
     */
    record Read(int[] tokens, OptionalInt instructions) {}

    Outcome exact(List<LoggedRequest> requests) {
        var order = new DocumentOrder(REMEMBERED_DOCUMENTS);
        var run = new Run();
        for (var request : requests) {
            run.exact(request, read(request, order).tokens);
        }
        return new Outcome(run.tokens, run.computed);
    }

    /** Passages may be spliced: the least that is computed, with nothing refreshed. */
    Outcome spliced(List<LoggedRequest> requests) {
        var order = new DocumentOrder(REMEMBERED_DOCUMENTS);
        var run = new Run();
        for (var request : requests) {
            run.spliced(request, read(request, order));
        }
        return new Outcome(run.tokens, run.computed);
    }

    private Read read(LoggedRequest request, DocumentOrder order) {
        try {
            return switch (request.content()) {
                case Content.Chat(var conversation) -> {
                    var arranged = conversation.arranged(order, request.salt());
                    var prompt = chat.prompt(arranged, request.salt());
                    yield new Read(
                            prompt.tokens(),
                            OptionalInt.of(chat.instructions(arranged, prompt, request.salt())));
                }
                case Content.Text(var text) ->
                        new Read(tokenizer.encode(text, true, true), OptionalInt.empty());
                case Content.Tokens(var ids) ->
                        new Read(
                                ids.stream().mapToInt(Integer::intValue).toArray(),
                                OptionalInt.empty());
            };
        } catch (ChatException e) {
            throw new IllegalArgumentException(
                    "line %d: %s".formatted(request.line(), e.getMessage()), e);
        }
    }

    private static final class Run {
        private final Set<BlockKey> present = new HashSet<>();
        private final PlainPassages passages =
                new PlainPassages(
                        this::held,
                        (_, _, _, _) -> List.of(),
                        TextBounds.UNKNOWN,
                        PASSAGE_BYTES,
                        1);
        private long tokens;
        private long computed;

        private static BlockKey root(String salt) {
            return BlockKey.root("lint", salt);
        }

        private int held(int[] prompt, String salt) {
            int blocks = 0;
            for (var key : BlockKey.chain(root(salt), prompt, BLOCK_TOKENS)) {
                if (!present.contains(key)) {
                    break;
                }
                blocks++;
            }
            return Math.min(prompt.length, blocks * BLOCK_TOKENS);
        }

        /** The last token is always computed. */
        void exact(LoggedRequest request, int[] prompt) {
            tokens += prompt.length;
            computed += Math.max(Math.min(1, prompt.length), missing(request, prompt));
        }

        void spliced(LoggedRequest request, Read read) {
            var splice =
                    passages.splice(
                            new PlainPassages.Read(
                                    read.tokens,
                                    List.of(),
                                    read.instructions,
                                    _ -> "",
                                    request.salt()),
                            new Splicing.Way(0, 0));
            if (splice.isEmpty()) {
                exact(request, read.tokens);
                return;
            }
            var needs = splice.get().needs(read.tokens, BLOCK_TOKENS);
            int sum = needs.tokens();
            for (int[] source : needs.sources()) {
                sum += missing(request, source);
            }
            tokens += read.tokens.length;
            computed += Math.min(sum, read.tokens.length);
        }

        private int missing(LoggedRequest request, int[] prompt) {
            int held = held(prompt, request.salt());
            present.addAll(BlockKey.chain(root(request.salt()), prompt, BLOCK_TOKENS));
            return prompt.length - held;
        }
    }
}
