package dev.stator.cache;

/**
 * Hears which blocks come to a tier and go. Called in the order in which it happens, under the
 * tier's lock: it must be quick and not call back.
 */
public interface Inventory {
    /** Cares for none of it. */
    Inventory NONE =
            new Inventory() {
                @Override
                public void stored(BlockKey key) {}

                @Override
                public void removed(BlockKey key) {}

                @Override
                public void cleared() {}
            };

    void stored(BlockKey key);

    void removed(BlockKey key);

    /** All blocks have gone. */
    void cleared();
}
