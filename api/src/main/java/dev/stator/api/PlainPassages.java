package dev.stator.api;

import dev.stator.api.chat.TokenWindows;
import dev.stator.cache.chunk.CommonHeads;
import dev.stator.cache.chunk.PassageIndex;
import dev.stator.cache.chunk.PassageIndex.Found;
import dev.stator.cache.chunk.TextBounds;
import dev.stator.serving.Fabric;
import dev.stator.serving.Splice;
import dev.stator.serving.Splice.Passage;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Passages of prompts whose clients declare none: what earlier prompts had as well is found by its
 * content, and spliced as declared documents are. Thread-safe.
 *
 * <p>What the node holds exactly is left as it is; so a conversation's history, and documents in
 * the order of an earlier prompt, stay exact. What is spliced then depends on what was asked
 * before.
 */
public final class PlainPassages {
    /** Of a line that a head may end in. */
    private static final int LINE_TOKENS = 32;

    private final Held held;
    private final PassageIndex index;
    private final CommonHeads heads = new CommonHeads();
    private final Windows windows;
    private final TextBounds bounds;

    /** Leading tokens of a prompt whose KV is at hand, exactly. */
    @FunctionalInterface
    public interface Held {
        int tokens(int[] prompt, String salt);
    }

    /** See {@link TokenWindows#of}. */
    @FunctionalInterface
    public interface Windows {
        List<Passage> of(int[] prompt, List<Passage> moved, String question, double budget);
    }

    /**
     * A prompt as it was read.
     *
     * @param declared passages that the client declared, in order
     * @param instructions tokens before the first document, or before the first user's text if a
     *     template says where it begins
     * @param question what is asked, without the passages of the prompt, which are the argument
     * @param salt prompts of other salts are not looked at
     */
    public record Read(
            int[] tokens,
            List<Passage> declared,
            OptionalInt instructions,
            Function<List<Passage>, String> question,
            String salt) {}

    /**
     * @param secret see {@link PassageIndex}
     */
    public PlainPassages(Held held, Windows windows, TextBounds bounds, long bytes, long secret) {
        this.held = held;
        this.index = new PassageIndex(bytes, secret, bounds);
        this.windows = windows;
        this.bounds = bounds;
    }

    /** Of the prompts that a fabric answers. */
    static PlainPassages of(Fabric fabric, long bytes) {
        return new PlainPassages(
                fabric::held,
                new TokenWindows(fabric.tokenizer())::of,
                token -> bound(fabric.tokenizer().bytes(token, true)),
                bytes,
                new SecureRandom().nextLong());
    }

    /** Forgets all texts of a salt that have something in common with one. */
    void forget(int[] text, String salt) {
        index.forget(salt, text);
    }

    private static int bound(byte[] text) {
        int end = text.length;
        while (end > 0 && text[end - 1] == ' ') {
            end--;
        }
        return switch (end == 0 ? 0 : text[end - 1]) {
            case '\n' -> TextBounds.LINE;
            case '.', '!', '?' -> TextBounds.SENTENCE;
            default -> 0;
        };
    }

    /** Learns from a prompt that is computed exactly. */
    void learn(int[] tokens, String salt) {
        index.see(salt, tokens, 0);
    }

    /**
     * Learns from a prompt, and says how it is spliced; empty if nothing is to be, and it is an
     * exact one.
     */
    public Optional<Splice> splice(Read read, Splicing.Way way) {
        for (var each : read.declared) {
            index.know(read.salt, Arrays.copyOfRange(read.tokens, each.from(), each.to()));
        }
        int head = head(read);
        var found = index.see(read.salt, read.tokens, head);
        var passages =
                read.declared.isEmpty() ? undeclared(read, head, found) : beside(read, found);
        if (passages.isEmpty() || head == 0) {
            return Optional.empty();
        }
        var unrefreshed = new Splice(head, passages, way.boundary(), List.of());
        var moved = passages.stream().filter(each -> !unrefreshed.isExact(each)).toList();
        return Optional.of(
                new Splice(
                        head,
                        passages,
                        way.boundary(),
                        fresh(read, passages, moved, way.budget())));
    }

    /** Documents are declared behind something, whether others have that as well or not. */
    private int head(Read read) {
        int head = heads.of(read.salt, read.tokens, read.instructions);
        return head == 0 && !read.declared.isEmpty()
                ? read.declared.getFirst().from()
                : wholeLines(read, head);
    }

    /** What prompts have in common may end in the midst of a line that goes on differently. */
    private int wholeLines(Read read, int head) {
        int line = head;
        while (line > Math.max(CommonHeads.LEAST, head - LINE_TOKENS)
                && bounds.after(read.tokens[line - 1]) < TextBounds.LINE) {
            line--;
        }
        return line > 0 && bounds.after(read.tokens[line - 1]) == TextBounds.LINE ? line : head;
    }

    private List<Passage> fresh(
            Read read, List<Passage> passages, List<Passage> moved, double budget) {
        return budget <= 0 || moved.isEmpty()
                ? List.of()
                : windows.of(read.tokens, moved, read.question.apply(passages), budget);
    }

    /** Of a prompt without documents: what the node does not hold exactly. */
    private List<Passage> undeclared(Read read, int head, List<Found> found) {
        int exact = held.tokens(read.tokens, read.salt);
        var passages =
                found.stream()
                        .map(each -> upToLast(each.behind(exact), read))
                        .filter(each -> each.length() >= PassageIndex.LEAST)
                        .map(PlainPassages::passage)
                        .toList();
        boolean moves =
                passages.stream().anyMatch(each -> each.from() > head || !each.before().isEmpty());
        return moves ? passages : List.of();
    }

    /** Of a prompt with documents: these, and what else is found between and behind them. */
    private static List<Passage> beside(Read read, List<Found> found) {
        var passages = new ArrayList<>(read.declared);
        found.stream()
                .map(each -> upToLast(each, read))
                .filter(each -> each.length() >= PassageIndex.LEAST)
                .filter(
                        each ->
                                read.declared.stream()
                                        .allMatch(
                                                other ->
                                                        each.to() <= other.from()
                                                                || each.from() >= other.to()))
                .forEach(each -> passages.add(passage(each)));
        passages.sort(Comparator.comparingInt(Passage::from));
        return passages;
    }

    /** The last token is always computed: its logits begin the answer. */
    private static Found upToLast(Found found, Read read) {
        return new Found(
                found.from(),
                Math.min(found.to(), read.tokens.length - 1),
                found.whole(),
                found.offset());
    }

    private static Passage passage(Found found) {
        int end = found.offset() + found.length();
        return new Passage(
                found.from(),
                found.to(),
                list(found.whole(), 0, found.offset()),
                list(found.whole(), end, found.whole().length));
    }

    private static List<Integer> list(int[] tokens, int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> tokens[i]).toList();
    }
}
