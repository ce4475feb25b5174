package dev.stator.engine.process;

import dev.stator.engine.ContextOptions;
import java.time.Duration;

/** A node with two contexts that waits to be killed. */
final class NodeProcess {
    private NodeProcess() {}

    public static void main(String[] arguments) throws InterruptedException {
        var engine = ProcessEngine.load(ProcessEngineTest.options(Duration.ofSeconds(5)));
        var options = new ContextOptions(256, 2, 64, 1);
        var first = engine.open(options);
        var second = engine.open(options);
        System.out.println(first.process().orElseThrow() + " " + second.process().orElseThrow());
        Thread.sleep(Duration.ofMinutes(5));
    }
}
