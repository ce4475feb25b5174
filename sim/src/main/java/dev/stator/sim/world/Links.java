package dev.stator.sim.world;

import dev.stator.sim.time.Link;
import dev.stator.sim.time.TimeModel;
import java.util.EnumMap;
import java.util.Map;

/** The ways of KV into one worker's device and out of it. Each takes one transfer after another. */
final class Links {
    private final TimeModel time;
    private final Map<Link, Pipe> in = pipes();
    private final Map<Link, Pipe> out = pipes();

    Links(TimeModel time) {
        this.time = time;
    }

    private static Map<Link, Pipe> pipes() {
        var pipes = new EnumMap<Link, Pipe>(Link.class);
        for (var link : Link.values()) {
            pipes.put(link, new Pipe());
        }
        return pipes;
    }

    /** When so many tokens are on the device that are asked for now. */
    long read(Link link, int tokens, long now) {
        return pipe(in, link).reserve(now, nanos(link, tokens));
    }

    /** The same from the device of another worker, which is busy as long. */
    long read(Link link, Links from, int tokens, long now) {
        return Pipe.reserve(pipe(from.out, link), pipe(in, link), now, nanos(link, tokens));
    }

    /** When so many tokens have left the device. */
    long write(Link link, int tokens, long now) {
        return pipe(out, link).reserve(now, nanos(link, tokens));
    }

    private long nanos(Link link, int tokens) {
        return (long) (time.moveMillis(tokens, link) * 1e6);
    }

    private static Pipe pipe(Map<Link, Pipe> pipes, Link link) {
        var pipe = pipes.get(link);
        if (pipe == null) {
            throw new IllegalStateException("no link " + link);
        }
        return pipe;
    }
}
