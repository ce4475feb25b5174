package dev.stator.cache;

import java.util.function.IntConsumer;

/**
 * Numbers by key: an open-addressing table with linear probing. It holds the numbers only, four
 * bytes in three places for two of them; the keys lie with whoever gave these numbers out.
 */
final class KeyTable {
    /** No number. */
    static final int NONE = -1;

    /** Numbers that a table can hold. */
    static final int MOST = 1 << 30;

    private static final int LEAST = 16;

    /** 2^64 over the golden ratio: spreads keys that differ in a few bits only. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    /** The keys of the numbers that are in the table. */
    interface Keys {
        long high(int number);

        long low(int number);
    }

    private final Keys keys;
    private final int most;

    /** Numbers that fit before the table grows. */
    private int room;

    /** A number and 1; 0 where there is none. */
    private int[] places;

    private int size;

    /**
     * @param most numbers at a time, at most {@link #MOST}
     */
    KeyTable(Keys keys, int most) {
        this.keys = keys;
        this.most = most;
        room = Math.min(most, LEAST);
        places = placesFor(room);
    }

    int size() {
        return size;
    }

    /** The number of a key, or {@link #NONE}. */
    int find(BlockKey key) {
        return places[place(key.high(), key.low())] - 1;
    }

    boolean contains(BlockKey key) {
        return find(key) != NONE;
    }

    /** Adds a number whose key is not there yet. */
    void add(int number) {
        if (size == room) {
            grow();
        }
        places[place(keys.high(number), keys.low(number))] = number + 1;
        size++;
    }

    /** Removes a number that is there; those that had to make way for it move up. */
    void remove(int number) {
        int hole = place(keys.high(number), keys.low(number));
        for (int next = after(hole); places[next] != 0; next = after(next)) {
            int home = home(keys.high(places[next] - 1));
            if (way(home, next) >= way(hole, next)) {
                places[hole] = places[next];
                hole = next;
            }
        }
        places[hole] = 0;
        size--;
    }

    void clear() {
        room = Math.min(most, LEAST);
        places = placesFor(room);
        size = 0;
    }

    void forEach(IntConsumer action) {
        for (int place : places) {
            if (place != 0) {
                action.accept(place - 1);
            }
        }
    }

    /** Where the key's number is, or the free place where it belongs. */
    private int place(long high, long low) {
        int place = home(high);
        for (int found = places[place]; found != 0; found = places[place]) {
            if (keys.high(found - 1) == high && keys.low(found - 1) == low) {
                break;
            }
            place = after(place);
        }
        return place;
    }

    private int home(long high) {
        return (int) ((high * SPREAD >>> Integer.SIZE) * places.length >>> Integer.SIZE);
    }

    private int after(int place) {
        return place + 1 == places.length ? 0 : place + 1;
    }

    /** Steps from one place to another that is reached from it. */
    private int way(int from, int to) {
        return to >= from ? to - from : to - from + places.length;
    }

    private void grow() {
        int[] old = places;
        room = (int) Math.min(most, 2L * room);
        places = placesFor(room);
        for (int found : old) {
            if (found != 0) {
                places[place(keys.high(found - 1), keys.low(found - 1))] = found;
            }
        }
    }

    /** One is always free, so that a search ends. */
    private static int[] placesFor(int numbers) {
        return new int[numbers + numbers / 2 + 1];
    }
}
