package dev.stator.serving;

import dev.stator.serving.Splice.Passage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/** The probe's files. */
final class ReuseProbe {
    /** BOS and eight tokens of instructions. */
    private static final int[] HEAD = {1, 10, 11, 12, 13, 14, 15, 16, 17};

    /** What is asked, in the order of the files' numbers. */
    enum Task {
        /** The value of a key that one document has. */
        UNIQUE,
        /** The value of a key in the last document that has it. */
        LATEST,
        /** The value of a key in the document of an owner whom it names. */
        BY_OWNER,
        /** The same, of a document that says: as the one before. */
        BY_INHERITED_OWNER,
        OWNER,
        INHERITED_OWNER
    }

    /**
     * @param asked tokens of the question, the kind of it first
     */
    record Question(Task task, int answer, int[] prompt, List<Passage> passages, int[] asked) {
        int head() {
            return HEAD.length;
        }

        int movedTokens() {
            return passages.stream().skip(1).mapToInt(each -> each.to() - each.from()).sum();
        }

        int[] alone(Passage passage) {
            return IntStream.concat(
                            Arrays.stream(HEAD),
                            Arrays.stream(prompt, passage.from(), passage.to()))
                    .toArray();
        }

        /** What of moved passages lies within so many tokens of one that the question has too. */
        List<Passage> windows(int around) {
            var runs = new ArrayList<Passage>();
            for (var passage : passages.subList(1, passages.size())) {
                int begin = -1;
                for (int i = passage.from(); i <= passage.to(); i++) {
                    boolean near = i < passage.to() && isNear(i, passage, around);
                    if (near && begin < 0) {
                        begin = i;
                    } else if (!near && begin >= 0) {
                        runs.add(new Passage(begin, i));
                        begin = -1;
                    }
                }
            }
            return runs;
        }

        private boolean isNear(int position, Passage within, int around) {
            int from = Math.max(within.from(), position - around);
            int to = Math.min(within.to(), position + around + 1);
            return Arrays.stream(prompt, from, to)
                    .anyMatch(token -> Arrays.stream(asked).skip(1).anyMatch(t -> t == token));
        }
    }

    private ReuseProbe() {}

    static Path model() {
        return file("model.gguf");
    }

    static List<Question> questions(int documents) {
        List<int[]> lines;
        try (var read = Files.lines(file("test-d%d.txt".formatted(documents)))) {
            lines = read.map(ReuseProbe::numbers).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var questions = new ArrayList<Question>();
        for (int at = 0; at < lines.size(); at += 2 + documents) {
            var its = lines.get(at);
            questions.add(
                    question(
                            its[0],
                            its[1],
                            lines.get(at + 1),
                            lines.subList(at + 2, at + 2 + its[2])));
        }
        return questions;
    }

    private static Question question(int task, int answer, int[] asked, List<int[]> documents) {
        var prompt = Arrays.stream(HEAD);
        var passages = new ArrayList<Passage>();
        int at = HEAD.length;
        for (var document : documents) {
            passages.add(new Passage(at, at + document[0]));
            at += document[0];
            prompt = IntStream.concat(prompt, Arrays.stream(document).skip(1));
        }
        return new Question(
                Task.values()[task],
                answer,
                IntStream.concat(prompt, Arrays.stream(asked)).toArray(),
                passages,
                asked);
    }

    private static int[] numbers(String line) {
        return Arrays.stream(line.strip().split(" ")).mapToInt(Integer::parseInt).toArray();
    }

    private static Path file(String name) {
        try {
            return Path.of(
                    Objects.requireNonNull(ReuseProbe.class.getResource("/reuse-probe/" + name))
                            .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
