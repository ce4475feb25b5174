package dev.stator.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** The C program {@code bench/bare/bare.c}: the same library driven by nothing but a loop. */
final class BareLoop implements AutoCloseable {
    private static final long EXIT_SECONDS = 10;

    private final Process process;
    private final PrintWriter in;
    private final BufferedReader out;

    private BareLoop(Process process) {
        this.process = process;
        this.in = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8));
        this.out = process.inputReader(StandardCharsets.UTF_8);
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
        var bench = Bench.root().resolve("bench");
        var folder = bench.resolve("target/bare");
        try {
            var build =
                    new ProcessBuilder(
                                    "sh",
                                    bench.resolve("bare/build").toString(),
                                    options.libraries.toString(),
                                    folder.toString())
                            .inheritIO()
                            .start();
            if (build.waitFor() != 0) {
                throw new BenchException("the reference could not be built; the reason is above");
            }
            var loop =
                    new BareLoop(
                            new ProcessBuilder(
                                            folder.resolve("bare").toString(),
                                            options.model.toString(),
                                            options.libraries.toString(),
                                            String.valueOf(options.cells),
                                            String.valueOf(options.sequences),
                                            String.valueOf(options.batch),
                                            String.valueOf(options.threads),
                                            options.unified ? "1" : "0")
                                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                                    .start());
            loop.expect("ready");
            return loop;
        } catch (IOException e) {
            throw new BenchException("the reference cannot be started: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    /** Prefills all prompts, then generates {@code answer} tokens for each. */
    Speed run(List<int[]> prompts, int answer) {
        int streams = prompts.size();
        int prompt = prompts.getFirst().length;
        in.println(
                "run %d %d %d %s"
                        .formatted(
                                streams,
                                prompt,
                                answer,
                                prompts.stream()
                                        .flatMapToInt(Arrays::stream)
                                        .mapToObj(String::valueOf)
                                        .collect(Collectors.joining(" "))));
        in.flush();
        var seconds =
                Arrays.stream(expect("done ").split(" "))
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

    /** The rest of the next line, which must begin like this. */
    private String expect(String start) {
        try {
            var line = Optional.ofNullable(out.readLine()).orElse("nothing more");
            if (!line.startsWith(start)) {
                throw new BenchException(
                        "the reference said '%s' instead of '%s'".formatted(line, start));
            }
            return line.substring(start.length());
        } catch (IOException e) {
            throw new BenchException("the reference broke off: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        in.close();
        try {
            if (!process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
