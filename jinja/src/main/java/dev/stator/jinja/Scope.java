package dev.stator.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The names that one body of statements has of its own, and where each gets its first value. Known
 * before rendering, because in Jinja a name belongs to the body that assigns it anywhere, also
 * above the assignment: that is why {@code set} inside a loop does not reach the outside, and why a
 * name that is assigned further down hides the variable of that name.
 */
final class Scope {
    enum Source {
        /** Assigned by a loop, a call or a with before the body runs. */
        PARAMETER,
        /** The variable of the rendering. */
        VARIABLE,
        /** What the name means in the enclosing scope. */
        OUTER,
        /** Nothing: undefined until assigned. */
        NOTHING
    }

    /** What the names of a branch of an if add to a scope. */
    record Names(Map<String, Source> sources, Set<String> stores) {}

    private final @Nullable Scope parent;
    private Map<String, Source> sources = new LinkedHashMap<>();
    private Set<String> stores = new HashSet<>();
    private Map<String, Integer> slots = Map.of();
    private List<Source> slotSources = List.of();
    private List<String> slotNames = List.of();

    Scope(@Nullable Scope parent) {
        this.parent = parent;
    }

    private boolean knows(String name) {
        return sources.containsKey(name) || parent != null && parent.knows(name);
    }

    void load(String name) {
        if (!knows(name)) {
            sources.put(name, Source.VARIABLE);
        }
    }

    void store(String name) {
        stores.add(name);
        if (!sources.containsKey(name)) {
            boolean outer = parent != null && parent.knows(name);
            sources.put(name, outer ? Source.OUTER : Source.NOTHING);
        }
    }

    void parameter(String name) {
        stores.add(name);
        sources.put(name, Source.PARAMETER);
    }

    /** Runs {@code analysis} as a branch that may not be taken, and says what names it adds. */
    Names branch(Runnable analysis) {
        var outerSources = sources;
        var outerStores = stores;
        sources = new LinkedHashMap<>(sources);
        stores = new HashSet<>(stores);
        analysis.run();
        var branch = new Names(sources, stores);
        sources = outerSources;
        stores = outerStores;
        return branch;
    }

    /**
     * Takes over the names of branches: one that only some of them assign may keep its old value.
     */
    void merge(List<Names> branches) {
        var assigned = new HashSet<String>();
        for (var branch : branches) {
            assigned.addAll(branch.stores());
        }
        assigned.removeAll(stores);
        for (var branch : branches) {
            sources.putAll(branch.sources());
            stores.addAll(branch.stores());
        }
        for (var name : assigned) {
            boolean outer = parent != null && parent.knows(name);
            sources.put(name, outer ? Source.OUTER : Source.VARIABLE);
        }
    }

    /** Ends the analysis: gives each name its place in a frame. */
    void close() {
        slots = new HashMap<>();
        slotNames = new ArrayList<>(sources.keySet());
        slotSources = new ArrayList<>(sources.values());
        for (int i = 0; i < slotNames.size(); i++) {
            slots.put(slotNames.get(i), i);
        }
    }

    int size() {
        return slotNames.size();
    }

    /** The place of {@code name} in a frame of this scope, -1 if it is not a name of this scope. */
    int slot(String name) {
        var slot = slots.get(name);
        return slot == null ? -1 : slot;
    }

    String name(int slot) {
        return slotNames.get(slot);
    }

    Source source(int slot) {
        return slotSources.get(slot);
    }
}
