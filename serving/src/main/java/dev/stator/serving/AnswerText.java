package dev.stator.serving;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Turns the bytes of an answer's tokens into text that may be shown, and finds the stop strings.
 *
 * <p>Held back are bytes of an unfinished UTF-8 character, and text that could be the beginning of
 * a stop string.
 */
final class AnswerText {
    private final List<String> stops;
    private byte[] unfinished = new byte[0];
    private final StringBuilder held = new StringBuilder();
    private Optional<String> stop = Optional.empty();

    AnswerText(List<String> stops) {
        this.stops = stops;
    }

    /** Whether a stop string was met; what follows is ignored. */
    boolean stopped() {
        return stop.isPresent();
    }

    /** The stop string that was met. */
    Optional<String> stop() {
        return stop;
    }

    /**
     * @return text that is certain now, often empty
     */
    String accept(byte[] bytes) {
        if (stopped()) {
            return "";
        }
        held.append(decode(bytes));
        stop =
                stops.stream()
                        .filter(each -> held.indexOf(each) >= 0)
                        .min(Comparator.comparingInt(held::indexOf));
        if (stop.isPresent()) {
            return take(held.indexOf(stop.get()), held.length());
        }
        int certain = held.length() - possibleStopLength();
        return take(certain, certain);
    }

    /** The text held back, when nothing will follow. */
    String tail() {
        if (stopped()) {
            return "";
        }
        held.append(new String(unfinished, StandardCharsets.UTF_8));
        unfinished = new byte[0];
        return take(held.length(), held.length());
    }

    private String take(int shown, int dropped) {
        var text = held.substring(0, shown);
        held.delete(0, dropped);
        return text;
    }

    private String decode(byte[] bytes) {
        byte[] all = bytes;
        if (unfinished.length > 0) {
            all = Arrays.copyOf(unfinished, unfinished.length + bytes.length);
            System.arraycopy(bytes, 0, all, unfinished.length, bytes.length);
        }
        int end = all.length - unfinishedLength(all);
        unfinished = Arrays.copyOfRange(all, end, all.length);
        return new String(all, 0, end, StandardCharsets.UTF_8);
    }

    /** How many bytes at the end begin a character without finishing it. */
    private static int unfinishedLength(byte[] bytes) {
        for (int back = 1; back <= Math.min(3, bytes.length); back++) {
            int b = bytes[bytes.length - back] & 0xff;
            if (b >= 0xc0) {
                int needed = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
                return needed > back ? back : 0;
            }
            if (b < 0x80) {
                return 0;
            }
        }
        return 0;
    }

    private int possibleStopLength() {
        int longest = 0;
        for (var stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length());
                    length > longest;
                    length--) {
                if (held.indexOf(stop.substring(0, length), held.length() - length)
                        == held.length() - length) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
