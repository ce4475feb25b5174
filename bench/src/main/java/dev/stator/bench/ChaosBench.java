package dev.stator.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/**
 * A real cluster under load, of which parts are killed, frozen and cut off, one after the other as
 * a seed says. No request may fail, each greedy answer must be the undisturbed one, and in the end
 * all must be whole and nothing held.
 */
@Command(
        name = "chaos",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Two frontends and three nodes under load while processes are killed and frozen and nodes cut",
            "off: failed requests and answers that are not the undisturbed ones; bar 0."
        })
final class ChaosBench extends Bench {
    private static final Bar BAR = Bar.atMost(0);
    private static final int MOST_SHOWN = 10;

    /** The token with which the demonstration model ends an answer. */
    private static final String END_OF_TURN = "1535";

    private static final int MOST_TOKENS = 200;
    private static final int LONG_TOKENS = 30;
    private static final int MOST_DRAWS = 100;

    /** Of log probability, of a token before the next one. */
    private static final double LEAST_LEAD = 0.1;

    @Option(names = "--faults", description = "Default: ${DEFAULT-VALUE}.")
    private int faults = 200;

    @Option(
            names = "--seed",
            description = "Of the faults and of what clients ask (default: drawn, and said).")
    private Optional<Long> seed = Optional.empty();

    @Option(names = "--clients", description = "At once (default: ${DEFAULT-VALUE}).")
    private int clients = 6;

    @Option(names = "--questions", description = "That clients ask (default: ${DEFAULT-VALUE}).")
    private int questions = 16;

    @Option(
            names = "--longest-ms",
            description =
                    "For which something is frozen or cut off; to be longer than the next one (default: ${DEFAULT-VALUE}).")
    private int longest = 5000;

    @Option(
            names = "--node-timeout-ms",
            description = "Of the frontends (default: ${DEFAULT-VALUE}).")
    private int nodeTimeout = 3000;

    @Option(
            names = "--kinds",
            split = ",",
            description = "Of faults: ${COMPLETION-CANDIDATES} (default: all that can be here).")
    private List<ChaosFault> kinds = List.of();

    @Option(
            names = "--server",
            description = "The command to start (default: stator of this checkout).")
    private Optional<Path> server = Optional.empty();

    @Option(names = "--inside", hidden = true)
    private boolean inside;

    @Override
    public Integer call() throws IOException, InterruptedException {
        long drawn = seed.orElseGet(() -> new Random().nextLong() >>> 40);
        if (!inside && PrivateNetwork.isPossible()) {
            return again(drawn);
        }
        var folder = Files.createTempDirectory("stator-chaos-");
        var report =
                report(
                        "chaos",
                        BAR,
                        "demo model, faults %d, seed %d, clients %d, %s"
                                .formatted(
                                        faults,
                                        drawn,
                                        clients,
                                        inside
                                                ? "nodes can be cut off"
                                                : "without a network of its own: no node is cut off"));
        try (var cluster =
                ChaosCluster.start(
                        server.orElseGet(() -> root().resolve("stator")), folder, nodeTimeout)) {
            int status = run(report, cluster, new Random(drawn), drawn);
            if (status == Report.MET) {
                DiskTierBench.remove(folder);
            } else {
                report.line("seed %d; what the members said is in %s", drawn, folder);
            }
            return status;
        } catch (BenchException e) {
            report.line("seed %d; what the members said is in %s", drawn, folder);
            throw e;
        }
    }

    /** The same in a network of its own. */
    private int again(long drawn) throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Dstator.home=" + root());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(
                List.of(
                        "chaos",
                        "--inside",
                        "--faults=" + faults,
                        "--seed=" + drawn,
                        "--clients=" + clients,
                        "--questions=" + questions,
                        "--longest-ms=" + longest,
                        "--node-timeout-ms=" + nodeTimeout));
        server.ifPresent(its -> command.add("--server=" + its));
        kinds.forEach(kind -> command.add("--kinds=" + kind));
        return new ProcessBuilder(PrivateNetwork.within(command)).inheritIO().start().waitFor();
    }

    private int run(Report report, ChaosCluster cluster, Random random, long drawn) {
        var asked = questions(cluster, random);
        var load = new ChaosClients(cluster, asked);
        // So that few faults are of all kinds, too.
        var deck = new ArrayList<ChaosFault>();
        var struck = new EnumMap<ChaosFault, Integer>(ChaosFault.class);
        long start = System.nanoTime();
        load.start(clients, drawn);
        try {
            for (int fault = 1; fault <= faults; fault++) {
                ChaosFault.pause(random, 1000);
                if (deck.isEmpty()) {
                    deck.addAll(possible());
                    Collections.shuffle(deck, random);
                }
                var kind = deck.removeLast();
                var victims = kind.victims(cluster);
                var victim = victims.get(random.nextInt(victims.size()));
                report.line(
                        "%7.1f s  fault %d: %s %s, %d answered, %d asked again, %d wrong",
                        (System.nanoTime() - start) / 1e9,
                        fault,
                        kind,
                        victim.name(),
                        load.answered(),
                        load.again(),
                        load.wrong().size());
                struck.merge(kind, 1, Integer::sum);
                kind.strike(cluster, victim, random, longest);
                cluster.awaitWhole();
            }
        } finally {
            load.end();
        }
        return judge(report, cluster, asked, load, struck);
    }

    private List<ChaosFault> possible() {
        return Arrays.stream(ChaosFault.values())
                .filter(kind -> kinds.isEmpty() || kinds.contains(kind))
                .filter(kind -> inside || !kind.ofNetwork())
                .toList();
    }

    private int judge(
            Report report,
            ChaosCluster cluster,
            List<ChaosClients.Question> asked,
            ChaosClients load,
            Map<ChaosFault, Integer> struck) {
        var afterwards = new ChaosClients(cluster, asked);
        afterwards.askAll();
        var wrong = new ArrayList<>(load.wrong());
        wrong.addAll(afterwards.wrong());
        wrong.stream().limit(MOST_SHOWN).forEach(what -> report.line("wrong: %s", what));
        var held = cluster.held();
        held.ifPresent(what -> report.line("%s", what));
        report.line("faults: %s", struck);
        report.line(
                "%d answered, %d asked again at the other frontend or later, %d wrong; %s",
                load.answered() + afterwards.answered(),
                load.again() + afterwards.again(),
                wrong.size(),
                held.isEmpty() ? "nothing is held" : "something is held");
        for (var url : cluster.urls()) {
            cluster.status(url)
                    .ifPresent(
                            its ->
                                    report.line(
                                            "%s since it started: %s",
                                            its.path("frontend").asString(), its.path("counters")));
        }
        report.bounded("chaos.held", held.isEmpty() ? 0 : 1, BAR);
        report.ratio("chaos.wrong", wrong.size());
        return report.end();
    }

    /** Of the demonstration model's conversations, with their undisturbed answers. */
    private List<ChaosClients.Question> questions(ChaosCluster cluster, Random random) {
        var all = SoakConversation.all(root().resolve("demo").resolve("eval.jsonl"));
        return IntStream.range(0, questions)
                .mapToObj(i -> question(cluster, all, random, i % 2 == 0))
                .toList();
    }

    /**
     * One whose answer does not depend on how sums are rounded: it ends before two tokens are all
     * but equally likely. An answer that moves is computed in other steps.
     *
     * @param isLong whether the model is kept from ending it
     */
    private static ChaosClients.Question question(
            ChaosCluster cluster, List<JsonNode> all, Random random, boolean isLong) {
        int least = isLong ? LONG_TOKENS : 1;
        for (int draw = 0; draw < MOST_DRAWS; draw++) {
            var body = SoakConversation.of(all.get(random.nextInt(all.size()))).ask();
            body.put("max_tokens", MOST_TOKENS);
            if (isLong) {
                body.putObject("logit_bias").put(END_OF_TURN, -100);
            }
            int certain =
                    SoakConversation.certain(undisturbed(cluster, body.toString()), LEAST_LEAD);
            if (certain >= least) {
                body.put("max_tokens", certain);
                return new ChaosClients.Question(
                        body.toString(), undisturbed(cluster, body.toString()));
            }
        }
        throw new BenchException("no question has a certain answer of %d tokens".formatted(least));
    }

    private static String undisturbed(ChaosCluster cluster, String body) {
        try {
            var response =
                    cluster.http()
                            .send(
                                    HttpRequest.newBuilder(
                                                    cluster.urls()
                                                            .getFirst()
                                                            .resolve("/v1/chat/completions"))
                                            .header("content-type", "application/json")
                                            .POST(
                                                    HttpRequest.BodyPublishers.ofString(
                                                            SoakConversation.withLogprobs(body)))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new BenchException("undisturbed, a request failed: " + response.body());
            }
            return response.body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }
}
