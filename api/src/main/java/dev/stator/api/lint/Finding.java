package dev.stator.api.lint;

import java.util.List;

/**
 * Something that destroys reuse.
 *
 * @param name short, for programs
 * @param problem a sentence
 * @param advice what to do, a sentence
 * @param saved prompt tokens that need not be computed if that alone is done; 0 if that cannot be
 *     told
 * @param savedWithOthers the same once all else that helps has been done
 * @param requests how many it is found in
 * @param examples where, and what it looks like
 */
public record Finding(
        String name,
        String problem,
        String advice,
        long saved,
        long savedWithOthers,
        int requests,
        List<String> examples) {
    public Finding {
        examples = List.copyOf(examples);
    }

    /** Of something that is seen without requests: nobody can tell what it costs. */
    static Finding of(String name, String problem, String advice, String example) {
        return new Finding(name, problem, advice, 0, 0, 0, List.of(example));
    }

    long weight() {
        return Math.max(saved, savedWithOthers);
    }
}
