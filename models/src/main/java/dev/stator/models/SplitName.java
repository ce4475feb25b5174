package dev.stator.models;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The name of one part of a model that was split into several files, e.g. {@code
 * model-00002-of-00003.gguf}.
 *
 * @param prefix what stands before the numbers
 * @param part from 1
 */
record SplitName(String prefix, int part, int parts) {
    private static final Pattern PATTERN = Pattern.compile("(.+)-(\\d{5})-of-(\\d{5})\\.gguf");

    /** Empty if the name isn't one of a part. */
    static Optional<SplitName> parse(String name) {
        var matcher = PATTERN.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int part = Integer.parseInt(matcher.group(2));
        int parts = Integer.parseInt(matcher.group(3));
        return part < 1 || part > parts
                ? Optional.empty()
                : Optional.of(new SplitName(matcher.group(1), part, parts));
    }

    String name(int otherPart) {
        return "%s-%05d-of-%05d.gguf".formatted(prefix, otherPart, parts);
    }

    /** The names of all parts in order. */
    List<String> all() {
        return IntStream.rangeClosed(1, parts).mapToObj(this::name).toList();
    }
}
