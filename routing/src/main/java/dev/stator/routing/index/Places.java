package dev.stator.routing.index;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The writer's book of places and tenures; what readers see of it is the {@link Roster}. */
final class Places {
    /**
     * A tenure that no longer counts.
     *
     * @param sweeps how many pieces of the table had been swept when it ended
     */
    private record Ended(Tenure tenure, long sweeps) {}

    private final int pieces;
    private final Map<Place, Feed> feeds = new HashMap<>();
    private final Map<Integer, Feed> byNumber = new HashMap<>();
    private final BitSet numbers = new BitSet();
    private final BitSet indexes = new BitSet();
    private final ArrayDeque<Ended> ended = new ArrayDeque<>();
    private long[] endedBits = new long[0];
    private long serials;
    private long sweeps;
    private volatile Roster roster = Roster.EMPTY;

    /**
     * @param pieces of the table: after so many sweeps nothing of an ended tenure is left
     */
    Places(int pieces) {
        this.pieces = pieces;
    }

    Roster roster() {
        return roster;
    }

    Optional<Feed> find(Place place) {
        return Optional.ofNullable(feeds.get(place));
    }

    Optional<Feed> find(int number) {
        return Optional.ofNullable(byNumber.get(number));
    }

    Collection<Feed> all() {
        return feeds.values();
    }

    /** Whether another tenure can begin. */
    boolean hasRoom() {
        return indexes.cardinality() < HolderSets.MAX_TENURES;
    }

    /** Adds a place that is not there. */
    Feed join(Place place) {
        int number = numbers.nextClearBit(0);
        numbers.set(number);
        Feed feed = new Feed(place, number, newTenure(number));
        feeds.put(place, feed);
        byNumber.put(number, feed);
        roster = roster.with(feed.tenure(), place);
        return feed;
    }

    /** A tenure that does not count before {@link #replace}. */
    Tenure newTenure(int place) {
        int index = indexes.nextClearBit(0);
        if (index >= HolderSets.MAX_TENURES) {
            throw new IllegalStateException(
                    "an index follows at most %d places; drop those that are gone"
                            .formatted(HolderSets.MAX_TENURES));
        }
        indexes.set(index);
        return new Tenure(index, place, serials++);
    }

    /** From now on another tenure of the place counts. */
    void replace(Feed feed, Tenure next) {
        Tenure old = feed.tenure();
        feed.begin(next);
        roster = roster.without(old).with(next, feed.place());
        end(old);
    }

    void drop(Feed feed) {
        feeds.remove(feed.place());
        byNumber.remove(feed.number());
        roster = roster.without(feed.tenure());
        end(feed.tenure());
    }

    private void end(Tenure tenure) {
        int group = tenure.index() / HolderSets.GROUP;
        if (group >= endedBits.length) {
            endedBits = Arrays.copyOf(endedBits, group + 1);
        }
        endedBits[group] ^= bit(tenure);
        ended.add(new Ended(tenure, sweeps));
    }

    boolean counts(Tenure tenure) {
        return roster.tenure(tenure.index()).equals(tenure);
    }

    /** Tenures that ended and may still be in the table. */
    int reclaiming() {
        return ended.size();
    }

    /** Per group, the bits of the tenures that ended. */
    long[] endedBits() {
        return endedBits;
    }

    /** Another piece was swept of all tenures that had ended. */
    void swept() {
        sweeps++;
        while (!ended.isEmpty() && sweeps - ended.peek().sweeps() >= pieces) {
            Tenure tenure = ended.remove().tenure();
            endedBits[tenure.index() / HolderSets.GROUP] ^= bit(tenure);
            indexes.clear(tenure.index());
            releaseNumber(tenure.place());
        }
    }

    /** A dropped place's number is free when nothing in the table may lead to it any more. */
    private void releaseNumber(int number) {
        if (!byNumber.containsKey(number)
                && ended.stream().noneMatch(other -> other.tenure().place() == number)) {
            numbers.clear(number);
        }
    }

    private static long bit(Tenure tenure) {
        return 1L << tenure.index() % HolderSets.GROUP;
    }
}
