package dev.stator.engine.process;

import dev.stator.engine.Pause;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;

/**
 * Pauses as the node wants them. Whether one may be wanted the node says with each answer; while it
 * says no, it is asked now and then only, as asking takes as long as some operations.
 */
final class AskingPause implements Pause {
    private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final Link link;
    private boolean possible;
    private long askedNanos = System.nanoTime() - ASK_NANOS;

    AskingPause(Link link) {
        this.link = link;
    }

    @Override
    public boolean possible() {
        if (!possible && System.nanoTime() - askedNanos >= ASK_NANOS) {
            ask(Kind.MAY_PAUSE);
        }
        return possible;
    }

    @Override
    public void point() {
        ask(Kind.PAUSE);
    }

    private void ask(Kind kind) {
        try {
            link.send(Frame.of(kind));
            var answer = link.receive();
            if (answer.takeKind() != Kind.GO_ON) {
                throw new IOException("the node speaks out of turn");
            }
            possible = answer.takeBoolean();
            askedNanos = System.nanoTime();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
