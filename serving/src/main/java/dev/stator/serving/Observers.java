package dev.stator.serving;

import dev.stator.routing.Step;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Tier;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** All who observe a node; mostly nobody. */
final class Observers implements NodeObserver {
    private final List<NodeObserver> all = new CopyOnWriteArrayList<>();

    void add(NodeObserver observer) {
        all.add(observer);
    }

    void remove(NodeObserver observer) {
        all.remove(observer);
    }

    @Override
    public void changed(BlockEvents events) {
        all.forEach(observer -> observer.changed(events));
    }

    @Override
    public void stepped(Step step, double millis) {
        all.forEach(observer -> observer.stepped(step, millis));
    }

    @Override
    public void moved(Tier from, long tokens, double millis) {
        all.forEach(observer -> observer.moved(from, tokens, millis));
    }
}
