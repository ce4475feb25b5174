package dev.stator.api.chat;

import dev.stator.engine.Tokenizer;
import dev.stator.serving.Splice.Passage;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * Tokenises prompts and remembers their pieces, so that a conversation's next turn costs only its
 * new text. Thread-safe.
 *
 * <p>A text is cut where that changes no token ({@link Cuts}); each piece is looked up by its text,
 * within one salt. So the tokens are those of {@code tokenizer.encode(text, false, true)}, except
 * for what was given to {@link #remember}: the span of an answer that was generated here yields the
 * generated tokens, because the KV of those is what the cache holds. Two token lists may stand for
 * one text; the invariant is that the remembered tokens' bytes are exactly the answer's UTF-8, and
 * that they are used only after the very text which the answer followed.
 *
 * <p>Least recently used pieces are dropped when the memory bound is reached.
 */
final class PromptEncoder {
    /** What an entry costs besides its characters and tokens, roughly. */
    private static final int ENTRY_BYTES = 160;

    /** Shorter parts of a text, as between two of its special tokens, say nothing of it. */
    private static final int LEAST_FORGOTTEN = 8;

    private final Tokenizer tokenizer;
    private final Cuts cuts;
    private final long maxBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final LinkedHashMap<Key, int[]> entries = new LinkedHashMap<>(64, 0.75f, true);
    private long bytes;

    private sealed interface Key {
        long bytes();
    }

    private record PieceKey(String salt, String text) implements Key {
        @Override
        public long bytes() {
            return text.length() * 2L;
        }
    }

    /**
     * @param text digest of a prompt's text up to the end of a piece
     */
    private record AnswerKey(String salt, String text) implements Key {
        @Override
        public long bytes() {
            return text.length();
        }
    }

    /**
     * @param reused how many of the tokens came from memory
     */
    record Encoded(int[] tokens, int reused, List<Passage> passages) {}

    PromptEncoder(Tokenizer tokenizer, long maxBytes) {
        this.tokenizer = tokenizer;
        this.cuts = new Cuts(tokenizer);
        this.maxBytes = maxBytes;
    }

    /**
     * @param bos put the BOS token first
     */
    Encoded encode(String text, boolean bos, String salt) {
        return encode(text, bos, salt, Seams.NONE);
    }

    /**
     * @param seams no token reaches over one
     */
    Encoded encode(String text, boolean bos, String salt, Seams seams) {
        var parts = new ArrayList<int[]>();
        var passages = new ArrayList<Passage>();
        if (bos) {
            parts.add(IntStream.of(tokenizer.bos().orElseThrow()).toArray());
        }
        int reused = 0;
        int at = 0;
        int size = bos ? 1 : 0;
        int passageBegins = size;
        var digest = "";
        for (var piece : pieces(text, seams)) {
            if (seams.begins(at)) {
                passageBegins = size;
            }
            digest = follow(digest, piece);
            var known =
                    recall(new AnswerKey(salt, digest)).or(() -> recall(new PieceKey(salt, piece)));
            reused += known.map(tokens -> tokens.length).orElse(0);
            int[] tokens = known.orElseGet(() -> tokenise(piece, salt));
            parts.add(tokens);
            at += piece.length();
            size += tokens.length;
            if (seams.ends(at) && size > passageBegins) {
                passages.add(new Passage(passageBegins, size));
            }
        }
        return new Encoded(parts.stream().flatMapToInt(Arrays::stream).toArray(), reused, passages);
    }

    /**
     * From now on a text that begins with {@code prompt + answer} yields {@code generated} for the
     * answer, as far as the pieces end where generated tokens end. Does nothing if the tokens do
     * not stand for exactly that text: a stop string may have cut it.
     *
     * @param promptTokens the tokens that the answer followed
     * @param generated may end with the token that ended generation, also where the answer does not
     */
    void remember(String prompt, int[] promptTokens, String answer, int[] generated, String salt) {
        remember(prompt, Seams.NONE, promptTokens, answer, generated, salt);
    }

    /**
     * @param seams of the prompt
     */
    void remember(
            String prompt,
            Seams seams,
            int[] promptTokens,
            String answer,
            int[] generated,
            String salt) {
        int[] tokens = standFor(generated, answer) ? generated : withoutEnd(generated);
        if (tokens.length == 0 || !standFor(tokens, answer)) {
            return;
        }
        var digest = "";
        int begin = 0;
        int used = 0;
        for (var piece : pieces(prompt + answer, seams)) {
            digest = follow(digest, piece);
            int end = begin + piece.length();
            if (end > prompt.length()) {
                int shared = Math.max(0, prompt.length() - begin);
                int[] head = shared == 0 ? new int[0] : tokens(piece.substring(0, shared), salt);
                int next = tokensFor(tokens, used, piece.substring(shared));
                if (next < 0 || !endsWith(promptTokens, head)) {
                    return;
                }
                int[] span = Arrays.copyOf(head, head.length + next - used);
                System.arraycopy(tokens, used, span, head.length, next - used);
                store(new AnswerKey(salt, digest), span);
                used = next;
            }
            begin = end;
        }
    }

    private int[] withoutEnd(int[] generated) {
        int length = generated.length;
        while (length > 0 && tokenizer.endsGeneration(generated[length - 1])) {
            length--;
        }
        return Arrays.copyOf(generated, length);
    }

    private boolean standFor(int[] tokens, String text) {
        return tokensFor(tokens, 0, text) == tokens.length;
    }

    /**
     * @return the end of the run of tokens from {@code from} on whose bytes are the text, or -1
     */
    private int tokensFor(int[] tokens, int from, String text) {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        int done = 0;
        int at = from;
        while (done < wanted.length && at < tokens.length) {
            byte[] piece = tokenizer.bytes(tokens[at++], true);
            int end = done + piece.length;
            if (end > wanted.length || !Arrays.equals(wanted, done, end, piece, 0, piece.length)) {
                return -1;
            }
            done = end;
        }
        return done == wanted.length ? at : -1;
    }

    private static boolean endsWith(int[] tokens, int[] end) {
        int from = tokens.length - end.length;
        return from >= 0 && Arrays.equals(tokens, from, tokens.length, end, 0, end.length);
    }

    private List<String> pieces(String text, Seams seams) {
        return seams.pieces(text).stream().flatMap(part -> pieces(part).stream()).toList();
    }

    private List<String> pieces(String text) {
        var begins = cuts.of(text);
        var pieces = new ArrayList<String>(begins.size());
        for (int i = 0; i < begins.size(); i++) {
            int end = i + 1 < begins.size() ? begins.get(i + 1) : text.length();
            pieces.add(text.substring(begins.get(i), end));
        }
        return pieces;
    }

    private int[] tokenise(String piece, String salt) {
        int[] tokens = tokenizer.encode(piece, false, true);
        store(new PieceKey(salt, piece), tokens);
        return tokens;
    }

    private int[] tokens(String piece, String salt) {
        return recall(new PieceKey(salt, piece)).orElseGet(() -> tokenise(piece, salt));
    }

    private Optional<int[]> recall(Key key) {
        // The key hashes its text, which the string then keeps: better outside the lock.
        int _ = key.hashCode();
        lock.lock();
        try {
            return Optional.ofNullable(entries.get(key));
        } finally {
            lock.unlock();
        }
    }

    private void store(Key key, int[] tokens) {
        long added = cost(key, tokens);
        if (added > maxBytes) {
            return;
        }
        int _ = key.hashCode();
        lock.lock();
        try {
            var replaced = entries.put(key, tokens);
            bytes += added - (replaced == null ? 0 : cost(key, replaced));
            var oldest = entries.entrySet().iterator();
            while (bytes > maxBytes) {
                var dropped = oldest.next();
                bytes -= cost(dropped.getKey(), dropped.getValue());
                oldest.remove();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Drops what has a text in it, and all answers of the salt. */
    void forget(String text, String salt) {
        // A text with special tokens in it lies in several pieces.
        var parts =
                pieces(text.strip()).stream()
                        .map(String::strip)
                        .filter(
                                part ->
                                        part.length() >= LEAST_FORGOTTEN
                                                || part.equals(text.strip()))
                        .filter(part -> !part.isEmpty())
                        .toList();
        lock.lock();
        try {
            entries.entrySet()
                    .removeIf(
                            entry -> {
                                boolean goes =
                                        switch (entry.getKey()) {
                                            case AnswerKey(var its, _) -> its.equals(salt);
                                            case PieceKey(_, var piece) ->
                                                    parts.stream().anyMatch(piece::contains);
                                        };
                                bytes -= goes ? cost(entry.getKey(), entry.getValue()) : 0;
                                return goes;
                            });
        } finally {
            lock.unlock();
        }
    }

    private static long cost(Key key, int[] tokens) {
        return ENTRY_BYTES + key.bytes() + 4L * tokens.length;
    }

    /** Bytes held, for tests of the bound. */
    long heldBytes() {
        lock.lock();
        try {
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    private static String follow(String digest, String piece) {
        try {
            var sha = MessageDigest.getInstance("SHA-256");
            sha.update(digest.getBytes(StandardCharsets.US_ASCII));
            sha.update(piece.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
