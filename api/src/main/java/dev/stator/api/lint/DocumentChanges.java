package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import dev.stator.api.LoggedRequest.Content;
import dev.stator.api.documents.DocumentOrder;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** What can be done with the documents of requests, declared ones and paragraphs of the text. */
final class DocumentChanges {
    private static final int REMEMBERED = 65_536;

    private DocumentChanges() {}

    /** The same documents in ever new orders. */
    record Order() implements Change {
        @Override
        public String name() {
            return "document-order";
        }

        @Override
        public String problem() {
            return "the same documents come in ever new orders, so little of them is the beginning of an earlier prompt";
        }

        @Override
        public String advice() {
            return "send them as `documents` with \"reuse\": \"exact-reorder\", or write them in a stable order (by id, say)";
        }

        @Override
        public Made make(List<LoggedRequest> requests) {
            var blocks = new Blocks(requests);
            var order = new DocumentOrder(REMEMBERED);
            var changed = new HashMap<Integer, String>();
            var all = requests.stream().map(each -> make(each, blocks, order, changed)).toList();
            return new Made(all, changed);
        }

        private static LoggedRequest make(
                LoggedRequest request,
                Blocks blocks,
                DocumentOrder order,
                Map<Integer, String> changed) {
            var conversation = Edit.conversation(request);
            if (conversation.isPresent() && conversation.get().documents().given().size() > 1) {
                var documents = conversation.get().documents();
                changed.put(request.line(), "%d documents".formatted(documents.given().size()));
                return request.with(
                        new Content.Chat(
                                conversation
                                        .get()
                                        .withDocuments(
                                                Documents.of(
                                                        documents.given(),
                                                        ReuseMode.EXACT_REORDER,
                                                        documents.ranked()))));
            }
            return Edit.withAsked(
                    request,
                    text -> {
                        var arranged = arranged(request, text, blocks, order);
                        if (!arranged.equals(text)) {
                            changed.put(
                                    request.line(),
                                    Blocks.cut(text).stream()
                                            .filter(blocks::isShared)
                                            .findFirst()
                                            .orElse(""));
                        }
                        return arranged;
                    });
        }

        /** Blocks that others have as well change places among themselves. */
        private static String arranged(
                LoggedRequest request, String text, Blocks blocks, DocumentOrder order) {
            var cut = Blocks.cut(text);
            var shared = cut.stream().filter(blocks::isShared).distinct().toList();
            if (shared.size() < 2
                    || shared.size() != cut.stream().filter(blocks::isShared).count()) {
                return text;
            }
            var items =
                    shared.stream()
                            .map(each -> new DocumentOrder.Item(key(each), each.length()))
                            .toList();
            int[] best = order.arrange(request.salt().hashCode(), items);
            var arranged = new StringBuilder();
            int next = 0;
            for (var block : cut) {
                if (blocks.isShared(block)) {
                    // What parts blocks stays where it is: the last one may have no line break.
                    var end = block.substring(block.stripTrailing().length());
                    arranged.append(shared.get(best[next++]).stripTrailing()).append(end);
                } else {
                    arranged.append(block);
                }
            }
            return arranged.toString();
        }

        private static long key(String block) {
            long key = 1;
            for (char c : block.strip().toCharArray()) {
                key = key * 0x9E3779B97F4A7C15L + c;
            }
            return key;
        }
    }

    /** The same document twice in a prompt. */
    record Duplicates() implements Change {
        @Override
        public String name() {
            return "duplicates";
        }

        @Override
        public String problem() {
            return "a prompt has the same document twice";
        }

        @Override
        public String advice() {
            return "leave out what is there already; with \"reuse\": \"exact-reorder\" `documents` are written once each";
        }

        @Override
        public Made make(List<LoggedRequest> requests) {
            var changed = new HashMap<Integer, String>();
            return new Made(requests.stream().map(each -> make(each, changed)).toList(), changed);
        }

        private static LoggedRequest make(LoggedRequest request, Map<Integer, String> changed) {
            var once = declaredOnce(request, changed);
            var seen = new HashSet<String>();
            var messages = Edit.messages(request);
            for (int i = 0; i + 1 < messages.size(); i++) {
                Edit.text(messages.get(i))
                        .ifPresent(
                                text ->
                                        Blocks.cut(text).stream()
                                                .filter(Blocks::isLong)
                                                .forEach(block -> seen.add(block.strip())));
            }
            return Edit.withAsked(
                    once,
                    text -> {
                        var kept = new StringBuilder();
                        for (var block : Blocks.cut(text)) {
                            if (Blocks.isLong(block) && !seen.add(block.strip())) {
                                changed.put(request.line(), block);
                            } else {
                                kept.append(block);
                            }
                        }
                        return kept.isEmpty() ? text : kept.toString();
                    });
        }

        private static LoggedRequest declaredOnce(
                LoggedRequest request, Map<Integer, String> changed) {
            var conversation = Edit.conversation(request);
            if (conversation.isEmpty()) {
                return request;
            }
            var documents = conversation.get().documents();
            var distinct = new ArrayList<>(documents.given().stream().distinct().toList());
            if (distinct.size() == documents.given().size()) {
                return request;
            }
            changed.put(
                    request.line(),
                    "%d documents, %d of them different"
                            .formatted(documents.given().size(), distinct.size()));
            return request.with(
                    new Content.Chat(
                            conversation
                                    .get()
                                    .withDocuments(
                                            Documents.of(
                                                    distinct,
                                                    documents.reuse(),
                                                    documents.ranked()))));
        }
    }
}
