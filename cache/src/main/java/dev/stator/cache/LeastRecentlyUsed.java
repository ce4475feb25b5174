package dev.stator.cache;

/** Least recently used first. */
record LeastRecentlyUsed() implements EvictionPolicy {
    @Override
    public double priority(Use use) {
        return use.clock();
    }

    @Override
    public boolean countsUses() {
        return false;
    }
}
