package dev.stator.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** C's strftime in the C locale, for a time without a zone. */
final class Strftime {
    private Strftime() {}

    static String format(LocalDateTime time, String format) {
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char flag = "-_0^#".indexOf(format.charAt(i + 1)) >= 0 ? format.charAt(++i) : '\0';
            if (i + 1 == format.length()) {
                out.append('%').append(flag);
                continue;
            }
            out.append(flagged(field(time, format.charAt(++i)), flag));
        }
        return out.toString();
    }

    /** glibc's flags: no padding, blanks, zeros, capitals. */
    private static String flagged(String text, char flag) {
        int zeros = 0;
        while (zeros < text.length() - 1
                && (text.charAt(zeros) == '0' || text.charAt(zeros) == ' ')) {
            zeros++;
        }
        boolean number = Character.isDigit(text.isEmpty() ? 'x' : text.charAt(text.length() - 1));
        return switch (flag) {
            case '-' -> number ? text.substring(zeros) : text;
            case '_' -> number ? " ".repeat(zeros) + text.substring(zeros) : text;
            case '0' -> number ? "0".repeat(zeros) + text.substring(zeros) : text;
            case '^', '#' -> Text.upper(text);
            default -> text;
        };
    }

    private static String field(LocalDateTime time, char field) {
        int hour12 = (time.getHour() + 11) % 12 + 1;
        return switch (field) {
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> month(time, 3);
            case 'B' -> month(time, 9);
            case 'c' -> format(time, "%a %b %e %H:%M:%S %Y");
            case 'C' -> zeros(time.getYear() / 100, 2);
            case 'd' -> zeros(time.getDayOfMonth(), 2);
            case 'D', 'x' -> format(time, "%m/%d/%y");
            case 'e' -> blanks(time.getDayOfMonth());
            case 'f' -> zeros(time.getNano() / 1000, 6);
            case 'F' -> format(time, "%Y-%m-%d");
            case 'g' -> zeros(time.get(IsoFields.WEEK_BASED_YEAR) % 100, 2);
            case 'G' -> String.valueOf(time.get(IsoFields.WEEK_BASED_YEAR));
            case 'H' -> zeros(time.getHour(), 2);
            case 'I' -> zeros(hour12, 2);
            case 'j' -> zeros(time.getDayOfYear(), 3);
            case 'k' -> blanks(time.getHour());
            case 'l' -> blanks(hour12);
            case 'm' -> zeros(time.getMonthValue(), 2);
            case 'M' -> zeros(time.getMinute(), 2);
            case 'n' -> "\n";
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'P' -> time.getHour() < 12 ? "am" : "pm";
            case 'r' -> format(time, "%I:%M:%S %p");
            case 'R' -> format(time, "%H:%M");
            case 'S' -> zeros(time.getSecond(), 2);
            case 't' -> "\t";
            case 'T', 'X' -> format(time, "%H:%M:%S");
            case 'u' -> String.valueOf(time.getDayOfWeek().getValue());
            case 'U' -> week(time, time.getDayOfWeek().getValue() % 7);
            case 'V' -> zeros(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2);
            case 'w' -> String.valueOf(time.getDayOfWeek().getValue() % 7);
            case 'W' -> week(time, time.get(ChronoField.DAY_OF_WEEK) - 1);
            case 'y' -> zeros(time.getYear() % 100, 2);
            case 'Y' -> String.valueOf(time.getYear());
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> "%" + field;
        };
    }

    /** The English name, not the display name: that shortens September to Sept in some locales. */
    private static String month(LocalDateTime time, int letters) {
        var name = Text.capitalize(time.getMonth().name());
        return name.substring(0, Math.min(letters, name.length()));
    }

    private static String week(LocalDateTime time, int daysIntoWeek) {
        return zeros((time.getDayOfYear() + 6 - daysIntoWeek) / 7, 2);
    }

    private static String zeros(int value, int digits) {
        var text = String.valueOf(value);
        return "0".repeat(Math.max(0, digits - text.length())) + text;
    }

    private static String blanks(int value) {
        return value < 10 ? " " + value : String.valueOf(value);
    }
}
