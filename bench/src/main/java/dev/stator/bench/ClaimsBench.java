package dev.stator.bench;

import dev.stator.sim.claims.PublishedClaims;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs published claims again in the simulator; docs/claims.md says what came out. */
@Command(
        name = "claims",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Published claims, run again in the simulator: pages in Markdown; no bar.")
final class ClaimsBench extends Bench {
    @Option(
            names = "--claim",
            split = ",",
            description = "splitting, one-and-one, routing (default: all).")
    private List<String> claims =
            Arrays.stream(PublishedClaims.values()).map(ClaimsBench::label).toList();

    @Option(
            names = "--trace",
            description = "Mooncake's toolagent_trace.jsonl, for routing (default: made up).")
    private Optional<Path> trace = Optional.empty();

    @Override
    public Integer call() {
        for (var name : claims) {
            var claim = claim(name);
            long start = System.nanoTime();
            var page =
                    claim.report(
                            trace,
                            step ->
                                    System.err.printf(
                                            Locale.ROOT,
                                            "claims: %s: %s (%.0f s)%n",
                                            name,
                                            step,
                                            (System.nanoTime() - start) / 1e9));
            System.out.println(page);
        }
        return Report.MET;
    }

    private static PublishedClaims claim(String name) {
        return Arrays.stream(PublishedClaims.values())
                .filter(claim -> label(claim).equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new BenchException(
                                        "there is no claim '%s'; there are %s"
                                                .formatted(
                                                        name,
                                                        Arrays.stream(PublishedClaims.values())
                                                                .map(ClaimsBench::label)
                                                                .collect(
                                                                        Collectors.joining(
                                                                                ", ")))));
    }

    private static String label(PublishedClaims claim) {
        return claim.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
