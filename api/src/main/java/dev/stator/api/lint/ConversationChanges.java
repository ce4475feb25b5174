package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import dev.stator.api.LoggedRequest.Content;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What can be done with the rest of conversations: salts, tools, ids of calls, history. */
final class ConversationChanges {
    private ConversationChanges() {}

    /** Every request has a salt of its own. */
    record Salts() implements Change {
        @Override
        public String name() {
            return "salts";
        }

        @Override
        public String problem() {
            return "nearly every request has a `cache_salt` of its own, so none finds what another computed";
        }

        @Override
        public String advice() {
            return "use one salt for each group of users that may share, not one for each request";
        }

        @Override
        public Made make(List<LoggedRequest> requests) {
            var salts = new HashSet<String>();
            requests.forEach(each -> salts.add(each.salt()));
            var changed = new HashMap<Integer, String>();
            if (salts.size() * 2 <= requests.size()) {
                return new Made(requests, changed);
            }
            var all = requests.stream().map(each -> each.withSalt("")).toList();
            requests.forEach(each -> changed.put(each.line(), each.salt()));
            return new Made(all, changed);
        }
    }

    /** The same tools in other orders. */
    record ToolOrder() implements Change {
        @Override
        public String name() {
            return "tool-order";
        }

        @Override
        public String problem() {
            return "the same tools come in other orders, and templates write them before everything else";
        }

        @Override
        public String advice() {
            return "sort `tools` by name";
        }

        @Override
        public Made make(List<LoggedRequest> requests) {
            var changed = new HashMap<Integer, String>();
            var all = new ArrayList<LoggedRequest>();
            for (var request : requests) {
                var conversation = Edit.conversation(request);
                var tools = conversation.map(its -> its.tools()).orElse(List.of());
                var sorted = tools.stream().sorted(Comparator.comparing(ToolOrder::tool)).toList();
                if (!sorted.equals(tools)) {
                    changed.put(
                            request.line(),
                            String.join(", ", tools.stream().map(ToolOrder::tool).toList()));
                }
                all.add(
                        conversation
                                .map(its -> request.with(new Content.Chat(its.withTools(sorted))))
                                .orElse(request));
            }
            return new Made(all, changed);
        }

        private static String tool(Map<String, Object> tool) {
            return tool.get("function") instanceof Map<?, ?> function
                    ? String.valueOf(function.get("name"))
                    : "";
        }
    }

    /** Ids of tool calls that somebody made up, in templates that write them. */
    record CallIds() implements Change {
        @Override
        public String name() {
            return "call-ids";
        }

        @Override
        public String problem() {
            return "ids of tool calls in the history are made up anew, and the template writes them";
        }

        @Override
        public String advice() {
            return "keep the ids that the server gave, or number calls within a conversation";
        }

        @Override
        public Made make(List<LoggedRequest> requests) {
            var changed = new HashMap<Integer, String>();
            var all = new ArrayList<LoggedRequest>();
            for (var request : requests) {
                var names = new LinkedHashMap<Object, String>();
                var messages =
                        Edit.messages(request).stream().map(each -> numbered(each, names)).toList();
                if (names.isEmpty()) {
                    all.add(request);
                } else {
                    changed.put(request.line(), String.valueOf(names.firstEntry().getKey()));
                    all.add(Edit.withMessages(request, messages));
                }
            }
            return new Made(all, changed);
        }

        private static Map<String, Object> numbered(
                Map<String, Object> message, Map<Object, String> names) {
            var edited = new LinkedHashMap<>(message);
            if (message.get("tool_call_id") instanceof String id) {
                edited.put("tool_call_id", number(id, names));
            }
            if (message.get("tool_calls") instanceof List<?> calls) {
                var all = new ArrayList<Object>();
                for (var call : calls) {
                    if (call instanceof Map<?, ?> map && map.get("id") instanceof String id) {
                        var renamed = new LinkedHashMap<Object, Object>(map);
                        renamed.put("id", number(id, names));
                        all.add(renamed);
                    } else {
                        all.add(call);
                    }
                }
                edited.put("tool_calls", all);
            }
            return edited;
        }

        /** Some templates want nine letters and digits. */
        private static String number(String id, Map<Object, String> names) {
            return names.computeIfAbsent(id, _ -> "call%05d".formatted(names.size()));
        }
    }

    /** Earlier turns that are not what they were. */
    record History() implements Change {
        private static final int LEAST = 10;

        @Override
        public String name() {
            return "history";
        }

        @Override
        public String problem() {
            return "earlier turns come back otherwise than they were: left out, cut, or written in another way";
        }

        @Override
        public String advice() {
            return "only ever add to a conversation; where it must become shorter, do so rarely and by much";
        }

        @Override
        public Made make(List<LoggedRequest> requests) {
            var changed = new HashMap<Integer, String>();
            var all = new ArrayList<LoggedRequest>();
            /* The last request that had a message, as it is sent after the change. */
            var latest = new HashMap<String, List<Map<String, Object>>>();
            for (var request : requests) {
                var messages = Edit.messages(request);
                var kept = restored(messages, latest);
                if (!kept.equals(messages)) {
                    changed.put(
                            request.line(),
                            "%d messages, %d before".formatted(messages.size(), kept.size()));
                }
                var edited = kept.equals(messages) ? request : Edit.withMessages(request, kept);
                all.add(edited);
                kept.stream()
                        .filter(each -> Edit.role(each).equals("user"))
                        .map(History::normal)
                        .filter(text -> text.length() >= LEAST)
                        .forEach(text -> latest.put(text, kept));
            }
            return new Made(all, changed);
        }

        private static List<Map<String, Object>> restored(
                List<Map<String, Object>> messages, Map<String, List<Map<String, Object>>> latest) {
            for (int i = 0; i < messages.size(); i++) {
                var earlier = latest.get(normal(messages.get(i)));
                if (earlier != null && Edit.role(messages.get(i)).equals("user")) {
                    int at = position(earlier, normal(messages.get(i)));
                    int same = 0;
                    while (i + same < messages.size()
                            && at + same < earlier.size()
                            && normal(messages.get(i + same))
                                    .equals(normal(earlier.get(at + same)))) {
                        same++;
                    }
                    // All of the earlier conversation from there on, and something new behind it.
                    if (at + same == earlier.size() && i + same < messages.size() && at >= i) {
                        var kept = new ArrayList<>(earlier);
                        kept.addAll(messages.subList(i + same, messages.size()));
                        return kept;
                    }
                    return messages;
                }
            }
            return messages;
        }

        private static int position(List<Map<String, Object>> messages, String wanted) {
            int at = 0;
            while (!normal(messages.get(at)).equals(wanted)) {
                at++;
            }
            return at;
        }

        private static String normal(Map<String, Object> message) {
            return Edit.text(message).orElse("").strip().replaceAll("\\s+", " ");
        }
    }
}
