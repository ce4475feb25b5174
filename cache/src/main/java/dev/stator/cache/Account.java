package dev.stator.cache;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A tenant's blocks in a tier. Guarded by the tier's lock. */
final class Account {
    final int number;
    final String name;

    /** Those that may be evicted now, by the kinds that {@link EvictionOrder} knows. */
    final @Nullable Evictables[] heaps;

    /** The heaps that there are, one after the other: most never have a block. */
    final List<Evictables> known = new ArrayList<>();

    /** Changed by {@link Accounts} only, as its order depends on them. */
    int blocks;

    int quota;

    Account(int number, String name, int kinds) {
        this.number = number;
        this.name = name;
        this.heaps = new @Nullable Evictables[kinds];
    }

    /** Blocks beyond its quota; none if not positive. */
    int excess() {
        return blocks - quota;
    }
}
