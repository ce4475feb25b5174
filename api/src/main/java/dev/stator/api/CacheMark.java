package dev.stator.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A wish that the prompt up to the end of a message stays in the host tier: {@code cache_control},
 * as in Anthropic's API, of the message or of a part of its content.
 *
 * @param message its index; -1: what stands before all messages, such as tools
 */
record CacheMark(int message, Duration ttl) {
    private static final String FIELD = "cache_control";

    /** As many as Anthropic allows. */
    private static final int MOST = 4;

    /**
     * @param fields of the request
     * @return in the order of the messages
     * @throws ApiException naming what is wrong
     */
    static List<CacheMark> of(Fields fields) {
        var marks = new ArrayList<CacheMark>();
        var messages = fields.objects("messages");
        for (int i = 0; i < messages.size(); i++) {
            var message = messages.get(i);
            read(message, i, marks);
            if (message.value("content").filter(content -> content.isArray()).isPresent()) {
                for (var part : message.objects("content")) {
                    read(part, i, marks);
                }
            }
        }
        if (marks.size() > MOST) {
            throw tooMany(
                    fields, "messages[%d].%s".formatted(marks.get(MOST).message, FIELD), marks);
        }
        return List.copyOf(marks);
    }

    private static ApiException tooMany(Fields fields, String field, List<CacheMark> marks) {
        return fields.wrong(
                field,
                "A request may have at most %d `%s`, not %d.".formatted(MOST, FIELD, marks.size()));
    }

    /**
     * @throws ApiException if there are more than may be
     */
    static void checkNumber(Fields fields, List<CacheMark> marks) {
        if (marks.size() > MOST) {
            throw tooMany(fields, FIELD, marks);
        }
    }

    /**
     * Adds the mark of what a client sent, if it has one.
     *
     * @param message where it stands
     */
    static void read(Fields holder, int message, List<CacheMark> marks) {
        var given = holder.object(FIELD);
        if (given.isPresent()) {
            var control = given.get();
            control.need(
                    control.choice("type", List.of("ephemeral"), name -> name),
                    "type",
                    "`cache_control` needs `type`: \"ephemeral\".");
            var ttl =
                    control.choice(
                            "ttl",
                            List.of("5m", "1h"),
                            text ->
                                    text.equals("1h")
                                            ? Duration.ofHours(1)
                                            : Duration.ofMinutes(5));
            marks.add(new CacheMark(message, ttl.orElse(Duration.ofMinutes(5))));
        }
    }
}
