package dev.stator.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The C program {@code bench/bare/bare.c}: the same library driven by nothing but a loop. */
final class BareLoop implements AutoCloseable {
    private final Child child;

    private BareLoop(Child child) {
        this.child = child;
    }

    /**
     * @param unified whether all sequences share one KV buffer, as in Stator
     */
    record Options(
            Path model,
            Path libraries,
            int cells,
            int sequences,
            int batch,
            int threads,
            boolean unified) {}

    /** Compiles it and loads the model. */
    static BareLoop start(Options options) {
        var folder = Bench.root().resolve("bench/target/bare");
        build(options.libraries, folder);
        var child =
                Child.start(
                        "the bare loop",
                        List.of(
                                folder.resolve("bare").toString(),
                                options.model.toString(),
                                options.libraries.toString(),
                                String.valueOf(options.cells),
                                String.valueOf(options.sequences),
                                String.valueOf(options.batch),
                                String.valueOf(options.threads),
                                options.unified ? "1" : "0"));
        child.expect("ready");
        return new BareLoop(child);
    }

    private static void build(Path libraries, Path folder) {
        try {
            int status =
                    new ProcessBuilder(
                                    "sh",
                                    Bench.root().resolve("bench/bare/build").toString(),
                                    libraries.toString(),
                                    folder.toString())
                            .inheritIO()
                            .start()
                            .waitFor();
            if (status != 0) {
                throw new BenchException("the bare loop could not be built; the reason is above");
            }
        } catch (IOException e) {
            throw new BenchException("the bare loop cannot be built: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    /** Prefills all prompts, then generates {@code answer} tokens for each. */
    Speed run(List<int[]> prompts, int answer) {
        int streams = prompts.size();
        int prompt = prompts.getFirst().length;
        child.say(
                "run %d %d %d %s"
                        .formatted(
                                streams,
                                prompt,
                                answer,
                                prompts.stream()
                                        .flatMapToInt(Arrays::stream)
                                        .mapToObj(String::valueOf)
                                        .collect(Collectors.joining(" "))));
        var seconds =
                Arrays.stream(child.expect("done ").split(" "))
                        .mapToDouble(Double::parseDouble)
                        .toArray();
        int prefilled = streams * prompt;
        int decoded = streams * (answer - 1);
        return new Speed(
                prefilled / seconds[0],
                decoded / seconds[1],
                prefilled / seconds[2],
                decoded / seconds[3]);
    }

    @Override
    public void close() {
        child.close();
    }
}
