package dev.stator.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One thing that a user can choose for {@code stator up}: its flag, environment variable, YAML key
 * and help text all come from here.
 *
 * @param name lower case with dashes; the flag without its dashes and the key in a file
 * @param placeholder what stands for the value in help pages, with its unit
 * @param fallback the text used when nobody says anything; empty if {@code fallbackText} explains
 *     what is then chosen
 * @param fallbackText the default as help pages show it
 * @param list whether several values may be given: a repeated flag, a YAML list, commas
 * @param secret whether the value must never be printed
 */
record Setting<T>(
        String name,
        String placeholder,
        Optional<String> fallback,
        String fallbackText,
        String help,
        boolean list,
        boolean secret,
        Reader<T> reader) {
    private static final String TOGGLE = "true|false";

    /** Makes a value of what the user wrote. */
    interface Reader<T> {
        /**
         * @throws IllegalArgumentException with a phrase that completes "'…' is no valid value:"
         */
        T read(List<String> texts);
    }

    /** Makes a value of a single text. */
    interface Single<T> {
        T read(String text);
    }

    static <T> Setting<T> of(
            String name, String placeholder, String fallback, String help, Single<T> reader) {
        return new Setting<>(
                name,
                placeholder,
                Optional.of(fallback),
                fallback,
                help,
                false,
                false,
                texts -> reader.read(texts.getLast()));
    }

    /** What is off unless it is asked for; its flag alone asks for it. */
    static Setting<Boolean> toggle(String name, String help) {
        return of(
                name,
                TOGGLE,
                "false",
                help,
                text ->
                        switch (text.strip().toLowerCase(Locale.ROOT)) {
                            case "true" -> true;
                            case "false" -> false;
                            default -> throw new IllegalArgumentException("write " + TOGGLE);
                        });
    }

    boolean isToggle() {
        return placeholder.equals(TOGGLE);
    }

    /** A setting whose default depends on the machine or the model. */
    static <T> Setting<T> derived(
            String name, String placeholder, String fallbackText, String help, Single<T> reader) {
        return new Setting<>(
                name,
                placeholder,
                Optional.empty(),
                fallbackText,
                help,
                false,
                false,
                texts -> reader.read(texts.getLast()));
    }

    /** A setting whose value must never be printed, and whose absence means something. */
    static <T> Setting<T> secret(
            String name, String placeholder, String fallbackText, String help, Single<T> reader) {
        return new Setting<>(
                name,
                placeholder,
                Optional.empty(),
                fallbackText,
                help,
                false,
                true,
                texts -> reader.read(texts.getLast()));
    }

    static Setting<List<String>> list(
            String name, String placeholder, boolean secret, String fallbackText, String help) {
        return new Setting<>(
                name,
                placeholder,
                Optional.empty(),
                fallbackText,
                help,
                true,
                secret,
                List::copyOf);
    }

    /** Several values, in the order in which they were given. */
    static <T> Setting<List<T>> each(
            String name, String placeholder, String fallbackText, String help, Single<T> reader) {
        return new Setting<>(
                name,
                placeholder,
                Optional.empty(),
                fallbackText,
                help,
                true,
                false,
                texts -> texts.stream().map(reader::read).toList());
    }

    /** One of several {@code NAME=VALUE}. */
    interface Pair<K, V> {
        Map.Entry<K, V> read(String name, String value);
    }

    /** Several values by name; of a name that is given twice the last counts. */
    static <K, V> Setting<Map<K, V>> pairs(
            String name, String placeholder, String fallbackText, String help, Pair<K, V> reader) {
        return new Setting<>(
                name,
                placeholder,
                Optional.empty(),
                fallbackText,
                help,
                true,
                false,
                texts -> {
                    var values = new LinkedHashMap<K, V>();
                    for (var text : texts) {
                        int at = text.indexOf('=');
                        if (at < 0) {
                            throw new IllegalArgumentException("write " + placeholder);
                        }
                        var pair = reader.read(text.substring(0, at), text.substring(at + 1));
                        values.put(pair.getKey(), pair.getValue());
                    }
                    return Map.copyOf(values);
                });
    }

    /** The same, never to be printed. */
    Setting<T> withheld() {
        return new Setting<>(name, placeholder, fallback, fallbackText, help, list, true, reader);
    }

    String flag() {
        return "--" + name;
    }

    String variable() {
        return "STATOR_" + name.replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
