package dev.stator.cli;

import dev.stator.engine.process.WorkerProcess;
import java.util.List;
import java.util.concurrent.Callable;
import org.jline.utils.Signals;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The engine of one worker of a node that runs with {@code --isolate}; started by that node. */
@Command(name = WorkerProcessCommand.NAME, hidden = true)
final class WorkerProcessCommand implements Callable<Integer> {
    static final String NAME = "worker-process";

    @Parameters(arity = "2", hidden = true)
    @SuppressWarnings("NullAway.Init")
    private List<String> arguments;

    /** Signals mean the node, which drains and then ends this process. */
    @Override
    public Integer call() {
        for (var signal : List.of("INT", "TERM", "HUP")) {
            Signals.register(signal, () -> {});
        }
        WorkerProcess.run(arguments);
        return 0;
    }
}
