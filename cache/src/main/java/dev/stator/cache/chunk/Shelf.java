package dev.stator.cache.chunk;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Texts up to a number of bytes; the least recently used goes first. */
final class Shelf {
    private final long mostBytes;
    private final Map<Text, Text> texts = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    Shelf(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /** Whether there can ever be room for it. */
    boolean fits(Text text) {
        return text.bytes() <= mostBytes;
    }

    void add(Text text) {
        texts.put(text, text);
        bytes += text.bytes();
    }

    void use(Text text) {
        texts.get(text);
    }

    void remove(Text text) {
        if (texts.remove(text) != null) {
            bytes -= text.bytes();
        }
    }

    /** The one that has to go now; empty if there is room for all. */
    Optional<Text> excess() {
        return bytes <= mostBytes
                ? Optional.empty()
                : Optional.of(texts.keySet().iterator().next());
    }

    List<Text> all() {
        return List.copyOf(texts.keySet());
    }

    long bytes() {
        return bytes;
    }

    int size() {
        return texts.size();
    }
}
