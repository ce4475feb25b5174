package dev.stator.routing.index;

import java.util.Arrays;

/**
 * Which places there are, and which tenure of each counts. Immutable, so that a lookup sees a place
 * before or after it was emptied, not in between.
 */
final class Roster {
    private static final Tenure NOBODY = new Tenure(-1, -1, -1);
    private static final Place NOWHERE = new Place(Tier.REMOTE, "");

    static final Roster EMPTY = new Roster(new long[0], new Tenure[0], new Place[0]);

    private final long[] alive;
    private final Tenure[] tenures;
    private final Place[] places;

    private Roster(long[] alive, Tenure[] tenures, Place[] places) {
        this.alive = alive;
        this.tenures = tenures;
        this.places = places;
    }

    /** With a tenure that counts from now on. */
    Roster with(Tenure tenure, Place place) {
        int group = tenure.index() / HolderSets.GROUP;
        long[] nextAlive = Arrays.copyOf(alive, Math.max(alive.length, group + 1));
        nextAlive[group] |= bit(tenure);
        Tenure[] nextTenures = tenures.clone();
        if (tenure.index() >= tenures.length) {
            nextTenures = Arrays.copyOf(tenures, tenure.index() + 1);
            Arrays.fill(nextTenures, tenures.length, nextTenures.length, NOBODY);
        }
        nextTenures[tenure.index()] = tenure;
        Place[] nextPlaces = places.clone();
        if (tenure.place() >= places.length) {
            nextPlaces = Arrays.copyOf(places, tenure.place() + 1);
            Arrays.fill(nextPlaces, places.length, nextPlaces.length, NOWHERE);
        }
        nextPlaces[tenure.place()] = place;
        return new Roster(nextAlive, nextTenures, nextPlaces);
    }

    /** Without a tenure; its place keeps its name, for those who have just been told its number. */
    Roster without(Tenure tenure) {
        long[] nextAlive = alive.clone();
        nextAlive[tenure.index() / HolderSets.GROUP] &= ~bit(tenure);
        Tenure[] nextTenures = tenures.clone();
        nextTenures[tenure.index()] = NOBODY;
        return new Roster(nextAlive, nextTenures, places);
    }

    /** A word per group of tenures: a bit for each that counts. */
    long alive(int group) {
        return group < alive.length ? alive[group] : 0;
    }

    Tenure tenure(int index) {
        return index < tenures.length ? tenures[index] : NOBODY;
    }

    Place place(int number) {
        if (number < 0 || number >= places.length || places[number] == NOWHERE) {
            throw new IllegalArgumentException(
                    "no place has number %d; numbers come from place(Place) and from matches"
                            .formatted(number));
        }
        return places[number];
    }

    private static long bit(Tenure tenure) {
        return 1L << tenure.index() % HolderSets.GROUP;
    }
}
