package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Reads one answer as it streams: text, reasoning, tool calls. Not thread-safe.
 *
 * <p>A call is given out when it is whole and its JSON is well-formed; whatever looked like a call
 * and is none comes out as the text it is. With tools, blanks around calls are dropped.
 */
public final class AnswerParser {
    private static final String THINK = "<think>";
    private static final String THINK_END = "</think>";

    private final ToolFormat format;
    private final Set<String> toolNames;
    private final StringBuilder held = new StringBuilder();
    private final StringBuilder blanks = new StringBuilder();
    private State state;
    private boolean mayThink;
    private boolean textSeen;
    private boolean dropBlanks;
    private int calls;

    private enum State {
        THINKING,
        TEXT,
        /** Behind a mark that announces a call. */
        CALL,
        /** At a brace that may begin a call which nothing announced. */
        BARE_CALL
    }

    /**
     * @param format NONE: calls are not looked for
     * @param toolNames a call that nothing announces must name one of these
     * @param thinks whether the model may begin with reasoning between think tags
     * @param thinking whether the prompt has already opened the reasoning
     */
    AnswerParser(ToolFormat format, Set<String> toolNames, boolean thinks, boolean thinking) {
        this.format = format;
        this.toolNames = toolNames;
        this.mayThink = thinks && !thinking;
        this.state = thinking ? State.THINKING : State.TEXT;
        this.dropBlanks = thinking;
    }

    /** What became certain with this piece of the answer's text; often empty. */
    public List<AnswerPart> accept(String delta) {
        held.append(delta);
        var parts = new ArrayList<AnswerPart>();
        while (step(parts, false)) {}
        return parts;
    }

    /** The rest, when nothing will follow. */
    public List<AnswerPart> finish() {
        var parts = new ArrayList<AnswerPart>();
        while (step(parts, true)) {}
        if (!blanks.isEmpty() && calls == 0 && !dropBlanks) {
            parts.add(new AnswerPart.Text(blanks.toString()));
        }
        blanks.setLength(0);
        return parts;
    }

    /**
     * @return whether there may be more to do
     */
    private boolean step(List<AnswerPart> parts, boolean last) {
        return switch (state) {
            case THINKING -> think(parts, last);
            case TEXT -> text(parts, last);
            case CALL, BARE_CALL -> call(parts, last);
        };
    }

    private boolean think(List<AnswerPart> parts, boolean last) {
        int end = held.indexOf(THINK_END);
        if (end >= 0) {
            thought(parts, take(end).stripTrailing());
            take(THINK_END.length());
            state = State.TEXT;
            dropBlanks = true;
            return true;
        }
        int certain = last ? held.length() : held.length() - possible(THINK_END);
        while (!last && certain > 0 && Character.isWhitespace(held.charAt(certain - 1))) {
            certain--;
        }
        thought(parts, take(certain));
        return false;
    }

    private void thought(List<AnswerPart> parts, String text) {
        var shown = dropBlanks ? text.stripLeading() : text;
        if (!shown.isEmpty()) {
            dropBlanks = false;
            parts.add(new AnswerPart.Reasoning(shown));
        }
    }

    private boolean text(List<AnswerPart> parts, boolean last) {
        int content = firstContent(0);
        if (mayThink && content < held.length()) {
            if (held.indexOf(THINK, content) == content) {
                take(content + THINK.length());
                blanks.setLength(0);
                mayThink = false;
                dropBlanks = true;
                state = State.THINKING;
                return true;
            }
            boolean undecided = THINK.startsWith(held.substring(content));
            if (undecided && !last) {
                return false;
            }
            mayThink = false;
        }
        if (mayThink && !last) {
            return false;
        }
        if (format == ToolFormat.NONE) {
            say(parts, take(held.length()));
            return false;
        }
        return textOrCall(parts, content, last);
    }

    private boolean textOrCall(List<AnswerPart> parts, int content, boolean last) {
        if (format == ToolFormat.LLAMA3_JSON && !textSeen) {
            int at = bareCall(content);
            if (at < held.length() && held.charAt(at) == '{') {
                state = State.BARE_CALL;
                return true;
            }
            if (at == held.length() && !last) {
                return false;
            }
        }
        int mark = held.indexOf(format.opener());
        if (mark >= 0) {
            say(parts, take(mark));
            take(format.opener().length());
            state = State.CALL;
            return true;
        }
        say(parts, take(last ? held.length() : held.length() - possible(format.opener())));
        return false;
    }

    /**
     * Where Llama 3 would begin a call without a mark: nothing else stands before, and ";"
     * separates calls.
     */
    private int bareCall(int content) {
        boolean separated = calls > 0 && content < held.length() && held.charAt(content) == ';';
        return separated ? firstContent(content + 1) : content;
    }

    private boolean call(List<AnswerPart> parts, boolean last) {
        int begin = state == State.CALL ? 0 : bareCall(firstContent(0));
        return switch (CallReader.read(format, held.substring(begin), last)) {
            case CallReader.Outcome.Calls(var found, int end) when named(found) -> {
                take(begin + end);
                blanks.setLength(0);
                found.forEach(call -> give(parts, call));
                state = State.TEXT;
                yield true;
            }
            case CallReader.Outcome.Calls _, CallReader.Outcome.Not _ -> noCall(parts, begin);
            case CallReader.Outcome.More _ -> last && noCall(parts, begin);
        };
    }

    private boolean named(List<CallReader.Call> found) {
        return state == State.CALL
                || found.stream().allMatch(call -> toolNames.contains(call.name()));
    }

    private void give(List<AnswerPart> parts, CallReader.Call call) {
        parts.add(new AnswerPart.ToolCallStart(calls, format.newCallId(), call.name()));
        parts.add(new AnswerPart.ToolCallArguments(calls, call.arguments()));
        calls++;
    }

    /** Gives back as text what looked like the beginning of a call; the rest is looked at again. */
    private boolean noCall(List<AnswerPart> parts, int begin) {
        say(parts, state == State.CALL ? format.opener() : take(begin + 1));
        state = State.TEXT;
        return true;
    }

    /** Text, but blanks at its end only if more text follows. */
    private void say(List<AnswerPart> parts, String text) {
        var shown = dropBlanks ? text.stripLeading() : text;
        if (shown.isBlank()) {
            blanks.append(shown);
            if (format == ToolFormat.NONE) {
                release(parts, "");
            }
            return;
        }
        dropBlanks = false;
        textSeen = true;
        var body = format == ToolFormat.NONE ? shown : shown.stripTrailing();
        release(parts, body);
        blanks.append(shown, body.length(), shown.length());
    }

    private void release(List<AnswerPart> parts, String text) {
        blanks.append(text);
        if (!blanks.isEmpty()) {
            parts.add(new AnswerPart.Text(blanks.toString()));
        }
        blanks.setLength(0);
    }

    private int firstContent(int from) {
        int at = from;
        while (at < held.length() && Character.isWhitespace(held.charAt(at))) {
            at++;
        }
        return at;
    }

    private String take(int length) {
        var text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }

    /** How many characters at the end of the held text could begin the mark. */
    private int possible(String mark) {
        for (int length = Math.min(mark.length() - 1, held.length()); length > 0; length--) {
            if (mark.startsWith(held.substring(held.length() - length))) {
                return length;
            }
        }
        return 0;
    }
}
