package dev.stator.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Strings as Python sees them: sequences of code points, with Python's character classes. */
final class Text {
    private Text() {}

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** True when every code point is one UTF-16 unit, so that Java's indexes are Python's. */
    static boolean isPlain(String text) {
        return length(text) == text.length();
    }

    /** The UTF-16 index of the code point {@code index}, which must be within the text. */
    static int offset(String text, int index) {
        return isPlain(text) ? index : text.offsetByCodePoints(0, index);
    }

    /** The part from code point {@code start} to before {@code end}. */
    static String part(String text, int start, int end) {
        if (start >= end) {
            return "";
        }
        if (isPlain(text)) {
            return text.substring(start, end);
        }
        int from = text.offsetByCodePoints(0, start);
        return text.substring(from, text.offsetByCodePoints(from, end - start));
    }

    static String ofCodePoint(int codePoint) {
        return Character.toString(codePoint);
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    static boolean isSpace(int c) {
        return c >= 0x09 && c <= 0x0d
                || c >= 0x1c && c <= 0x20
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || c >= 0x2000 && c <= 0x200a
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    private static boolean isLineBreak(char c) {
        return c >= 0x0a && c <= 0x0d
                || c >= 0x1c && c <= 0x1e
                || c == 0x85
                || c == 0x2028
                || c == 0x2029;
    }

    static boolean isDigit(int c) {
        if (Character.isDigit(c)) {
            return true;
        }
        int value = Character.getNumericValue(c);
        return Character.getType(c) == Character.OTHER_NUMBER && value >= 0 && value <= 9;
    }

    static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return Character.isDigit(c)
                || type == Character.OTHER_NUMBER
                || type == Character.LETTER_NUMBER;
    }

    static boolean isAlphanumeric(int c) {
        return Character.isLetter(c) || isDigit(c) || isNumeric(c);
    }

    static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    static boolean isIdentifier(String text) {
        if (text.isEmpty()) {
            return false;
        }
        int first = text.codePointAt(0);
        return (first == '_' || Character.isUnicodeIdentifierStart(first))
                && text.codePoints().allMatch(Text::isIdentifierPart);
    }

    static boolean isIdentifierPart(int c) {
        return c == '_'
                || Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c);
    }

    /** Not empty, and all of its code points pass. */
    static boolean all(String text, IntPredicate test) {
        return !text.isEmpty() && text.codePoints().allMatch(test);
    }

    /** Has letters of one case and none of the other. */
    static boolean isCased(String text, boolean upper) {
        boolean cased = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (upper ? Character.isLowerCase(c) : Character.isUpperCase(c)) {
                return false;
            }
            if (Character.isTitleCase(c)) {
                return false;
            }
            cased |= upper ? Character.isUpperCase(c) : Character.isLowerCase(c);
        }
        return cased;
    }

    static boolean isTitle(String text) {
        boolean cased = false;
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (Character.isUpperCase(c) || Character.isTitleCase(c)) {
                if (inWord) {
                    return false;
                }
                inWord = true;
                cased = true;
            } else if (Character.isLowerCase(c)) {
                if (!inWord) {
                    return false;
                }
                cased = true;
            } else {
                inWord = false;
            }
        }
        return cased;
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return titleCase(first) + lower(text.substring(Character.charCount(first)));
    }

    /** Python's str.title: a letter after anything that is not a letter with case is big. */
    static String title(String text) {
        var out = new StringBuilder(text.length());
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            out.append(inWord ? lower(ofCodePoint(c)) : titleCase(c));
            inWord =
                    Character.isUpperCase(c)
                            || Character.isLowerCase(c)
                            || Character.isTitleCase(c);
        }
        return out.toString();
    }

    private static String titleCase(int c) {
        int title = Character.toTitleCase(c);
        if (title != c || !Character.isLowerCase(c)) {
            return ofCodePoint(title);
        }
        var upper = upper(ofCodePoint(c));
        int first = upper.codePointAt(0);
        return ofCodePoint(first) + lower(upper.substring(Character.charCount(first)));
    }

    static String swapCase(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(
                        c -> {
                            var one = ofCodePoint(c);
                            out.append(
                                    Character.isUpperCase(c)
                                            ? lower(one)
                                            : Character.isLowerCase(c) ? upper(one) : one);
                        });
        return out.toString();
    }

    static String strip(String text) {
        return stripRight(stripLeft(text, null), null);
    }

    /** Without the leading characters that are in {@code chars}, or are spaces when it is null. */
    static String stripLeft(String text, @Nullable String chars) {
        int start = 0;
        while (start < text.length()) {
            int c = text.codePointAt(start);
            if (!isStripped(c, chars)) {
                break;
            }
            start += Character.charCount(c);
        }
        return text.substring(start);
    }

    static String stripRight(String text, @Nullable String chars) {
        int end = text.length();
        while (end > 0) {
            int c = text.codePointBefore(end);
            if (!isStripped(c, chars)) {
                break;
            }
            end -= Character.charCount(c);
        }
        return text.substring(0, end);
    }

    private static boolean isStripped(int c, @Nullable String chars) {
        return chars == null ? isSpace(c) : chars.indexOf(c) >= 0;
    }

    static List<String> lines(String text, boolean keepEnds) {
        var lines = new ArrayList<String>();
        int start = 0;
        while (start < text.length()) {
            int end = start;
            while (end < text.length() && !isLineBreak(text.charAt(end))) {
                end++;
            }
            int next = end;
            if (next < text.length()) {
                next += text.startsWith("\r\n", next) ? 2 : 1;
            }
            lines.add(text.substring(start, keepEnds ? next : end));
            start = next;
        }
        return lines;
    }

    /** Python's split without a separator: words between runs of spaces. */
    static List<String> words(String text, int limit) {
        var words = new ArrayList<String>();
        int start = skipSpaces(text, 0);
        while (start < text.length()) {
            if (limit >= 0 && words.size() == limit) {
                words.add(text.substring(start));
                break;
            }
            int end = start;
            while (end < text.length() && !isSpace(text.charAt(end))) {
                end++;
            }
            words.add(text.substring(start, end));
            start = skipSpaces(text, end);
        }
        return words;
    }

    private static int skipSpaces(String text, int from) {
        int at = from;
        while (at < text.length() && isSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    static List<String> wordsFromRight(String text, int limit) {
        var words = new ArrayList<String>();
        int end = skipSpacesBack(text, text.length());
        while (end > 0) {
            if (limit >= 0 && words.size() == limit) {
                words.add(text.substring(0, end));
                break;
            }
            int start = end;
            while (start > 0 && !isSpace(text.charAt(start - 1))) {
                start--;
            }
            words.add(text.substring(start, end));
            end = skipSpacesBack(text, start);
        }
        return words.reversed();
    }

    private static int skipSpacesBack(String text, int from) {
        int at = from;
        while (at > 0 && isSpace(text.charAt(at - 1))) {
            at--;
        }
        return at;
    }

    static List<String> split(String text, String separator, int limit) {
        var parts = new ArrayList<String>();
        int start = 0;
        while (limit < 0 || parts.size() < limit) {
            int at = text.indexOf(separator, start);
            if (at < 0) {
                break;
            }
            parts.add(text.substring(start, at));
            start = at + separator.length();
        }
        parts.add(text.substring(start));
        return parts;
    }

    static List<String> splitFromRight(String text, String separator, int limit) {
        var parts = new ArrayList<String>();
        int end = text.length();
        while (limit < 0 || parts.size() < limit) {
            int at = text.lastIndexOf(separator, end - separator.length());
            if (at < 0 || end < separator.length()) {
                break;
            }
            parts.add(text.substring(at + separator.length(), end));
            end = at;
        }
        parts.add(text.substring(0, end));
        return parts.reversed();
    }

    static int count(String text, String part) {
        if (part.isEmpty()) {
            return length(text) + 1;
        }
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    /** Replaces the first {@code limit} occurrences, all when it is negative. */
    static String replace(String text, String old, String with, int limit) {
        if (limit == 0) {
            return text;
        }
        if (!old.isEmpty()) {
            return limit < 0 ? text.replace(old, with) : replaceFirst(text, old, with, limit);
        }
        var out = new StringBuilder();
        int left = limit < 0 ? Integer.MAX_VALUE : limit;
        for (int i = 0; i < text.length(); ) {
            if (left > 0) {
                out.append(with);
                left--;
            }
            int c = text.codePointAt(i);
            out.appendCodePoint(c);
            i += Character.charCount(c);
        }
        return left > 0 ? out.append(with).toString() : out.toString();
    }

    private static String replaceFirst(String text, String old, String with, int limit) {
        var out = new StringBuilder();
        int start = 0;
        for (int left = limit; left > 0; left--) {
            int at = text.indexOf(old, start);
            if (at < 0) {
                break;
            }
            out.append(text, start, at).append(with);
            start = at + old.length();
        }
        return out.append(text, start, text.length()).toString();
    }

    /** The five characters that HTML gives a meaning. */
    static String escapeHtml(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }
}
