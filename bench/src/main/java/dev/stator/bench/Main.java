package dev.stator.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code bench/run}: one subcommand a benchmark. */
@Command(
        name = "bench/run",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "NAME",
        description =
                "Runs one benchmark and prints its ratio to a reference measured in the same run.",
        footer = {
            "",
            "The last line is RESULT name=... ratio=... bar=... ok|MISSED.",
            "Exit status: 0 the bar was met, 1 it was missed, 2 wrong use, 3 the benchmark failed.",
            "Figures mean something only on a machine that does nothing else."
        })
final class Main {
    private static final int FAILED = 3;

    private Main() {}

    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .addSubcommand(new EngineBench())
                .addSubcommand(new CachedTtftBench())
                .addSubcommand(new Turn2Bench())
                .addSubcommand(new InterTokenBench())
                .addSubcommand(new IsolateBench())
                .addSubcommand(new HostTierBench())
                .addSubcommand(new RotateBench())
                .addSubcommand(new SplicedTtftBench())
                .addSubcommand(new ReuseQualityBench())
                .addSubcommand(new IngestionBench())
                .addSubcommand(new HitRateBench())
                .addSubcommand(new DiskTierBench())
                .addSubcommand(new DiskTtftBench())
                .addSubcommand(new DiskRestartBench())
                .addSubcommand(new RemoteTierBench())
                .addSubcommand(new KvCodecBench())
                .addSubcommand(new PeerBench())
                .addSubcommand(new PeerTtftBench())
                .addSubcommand(new FrontendBench())
                .addSubcommand(new NodeKillBench())
                .addSubcommand(new ChaosBench())
                .addSubcommand(new IndexBench())
                .addSubcommand(new RouteBench())
                .addSubcommand(new PredictionBench())
                .addSubcommand(new SimulationBench())
                .addSubcommand(new ClaimsBench())
                .addSubcommand(new DocumentsBench())
                .addSubcommand(new ChunkingBench())
                .addSubcommand(new AnswerCacheBench())
                .addSubcommand(new HttpBench())
                .addSubcommand(new StartupBench())
                .addSubcommand(new SoakBench())
                .setExecutionExceptionHandler(
                        (failure, command, _) -> {
                            if (failure instanceof BenchException) {
                                command.getErr().println("bench: " + failure.getMessage());
                            } else {
                                failure.printStackTrace(command.getErr());
                            }
                            return FAILED;
                        });
    }
}
