package dev.stator.serving;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One answer to generate.
 *
 * @param id for logs and traces
 * @param prompt at least one token
 * @param maxTokens the most tokens to generate, at least 1
 * @param stops strings that end the answer and are not part of it
 * @param stopTokens tokens that end the answer, besides the model's own
 * @param ignoreEnd go on past the model's end token; for benchmarks
 * @param salt separates tenants: KV is shared only between requests of equal salt
 * @param standing how it waits beside others
 * @param retentions what of the prompt is to stay in the host tier, the shortest first
 * @param splice what of the prompt may be approximated; empty: nothing
 * @param answered so many of the prompt's last tokens are the beginning of the answer, which
 *     somebody else generated and the client has: sampling, stop strings and text go on after them
 */
public record GenerationRequest(
        String id,
        int[] prompt,
        int maxTokens,
        SamplingOptions sampling,
        List<String> stops,
        Set<Integer> stopTokens,
        boolean ignoreEnd,
        String salt,
        Standing standing,
        List<Retention> retentions,
        Optional<Splice> splice,
        int answered) {
    public GenerationRequest {
        retentions = List.copyOf(retentions);
        stops = List.copyOf(stops);
        stopTokens = Set.copyOf(stopTokens);
    }

    /** An answer from its beginning. */
    public GenerationRequest(
            String id,
            int[] prompt,
            int maxTokens,
            SamplingOptions sampling,
            List<String> stops,
            Set<Integer> stopTokens,
            boolean ignoreEnd,
            String salt,
            Standing standing,
            List<Retention> retentions,
            Optional<Splice> splice) {
        this(
                id,
                prompt,
                maxTokens,
                sampling,
                stops,
                stopTokens,
                ignoreEnd,
                salt,
                standing,
                retentions,
                splice,
                0);
    }

    /** Exact, and nothing is to stay for longer than usual. */
    public GenerationRequest(
            String id,
            int[] prompt,
            int maxTokens,
            SamplingOptions sampling,
            List<String> stops,
            Set<Integer> stopTokens,
            boolean ignoreEnd,
            String salt,
            Standing standing) {
        this(
                id,
                prompt,
                maxTokens,
                sampling,
                stops,
                stopTokens,
                ignoreEnd,
                salt,
                standing,
                List.of(),
                Optional.empty());
    }

    /** The beginning of the answer, at the end of the prompt. */
    int[] begun() {
        return Arrays.copyOfRange(prompt, prompt.length - answered, prompt.length);
    }

    /** Whether an answer is over with this token. */
    boolean endsWith(int token, Tokenizer tokenizer) {
        return !ignoreEnd && tokenizer.endsGeneration(token) || stopTokens.contains(token);
    }

    /** The same, spliced. */
    public GenerationRequest withSplice(Splice its) {
        return withSplice(Optional.of(its));
    }

    /** The same, with nothing approximated. */
    GenerationRequest exact() {
        return withSplice(Optional.empty());
    }

    private GenerationRequest withSplice(Optional<Splice> its) {
        return new GenerationRequest(
                id,
                prompt,
                maxTokens,
                sampling,
                stops,
                stopTokens,
                ignoreEnd,
                salt,
                standing,
                retentions,
                its,
                answered);
    }

    /** Exact, and waits like most. */
    public GenerationRequest(
            String id,
            int[] prompt,
            int maxTokens,
            SamplingOptions sampling,
            List<String> stops,
            Set<Integer> stopTokens,
            boolean ignoreEnd,
            String salt) {
        this(id, prompt, maxTokens, sampling, stops, stopTokens, ignoreEnd, salt, Standing.USUAL);
    }
}
