package dev.stator.routing.index;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * Who holds which blocks. Fed by the places' numbered batches; asked for the longest prefixes of a
 * prompt. What it says is a prediction: it lags behind the places by their messages, and it may
 * forget.
 *
 * <p><b>Threads.</b> Any. Changes exclude each other; {@link #match} never waits for one and sees
 * each block as it was at some moment during the call.
 *
 * <p><b>Memory.</b> Never more than {@link IndexOptions#maxBytes}. When there is no room for
 * another block the index forgets one of those of which it heard nothing for longest: neither was
 * it stored anywhere nor did a dispatched request read it. Both are counted, see {@link
 * IndexStats}.
 *
 * <p><b>Places.</b> A place has a number, for as long as it is known. Emptying or dropping one
 * takes effect at once, whatever it holds; its entries are cleared away bit by bit with later
 * changes.
 */
public final class BlockIndex {
    /** Keys whose buckets are fetched together; they fit into a core's first cache. */
    private static final int GROUP = 64;

    /**
     * Buckets of the table that are swept or copied at a time, which takes some 50 microseconds.
     */
    private static final int PIECE = 1024;

    /** Buckets that are swept of ended tenures for each key that changes, and for each call. */
    private static final int SWEEP_PER_KEY = 1;

    private static final int SWEEP_PER_CALL = 16;

    private final IndexOptions options;
    private final BlockTable table;
    private final HolderSets sets;
    private final Transitions transitions;
    private final int pieces;
    private final Places places;
    private final Expectations expectations;
    private long sweepCredit;
    private int sweepNext;
    private long forgottenBlocks;
    private long forgottenExpectations;
    private long gaps;
    private long ignored;

    public BlockIndex(IndexOptions options) {
        this.options = options;
        table = new BlockTable(options.tableBytes());
        sets = new HolderSets(options.setBytes());
        transitions = new Transitions(sets);
        pieces = Math.ceilDiv(table.buckets(), PIECE);
        places = new Places(pieces);
        expectations = new Expectations(options.expectationBytes());
    }

    /** The place's number; a place that is not known yet is from now on, and holds nothing. */
    public synchronized int place(Place place) {
        return known(place).number();
    }

    /** The place with this number. */
    public Place place(int number) {
        return places.roster().place(number);
    }

    /**
     * Follows a place's next batch. Batches with old numbers change nothing. After a gap, batches
     * are still followed, as hints.
     *
     * @return false if something was missed: ask the place for all that it holds, and {@link
     *     #resync}
     */
    public synchronized boolean apply(BlockEvents events) {
        Optional<Feed> known = places.find(events.place());
        if (known.isEmpty() && events.sequence() != 1) {
            // Nobody has announced it. It may be a late word of a place that was dropped.
            return false;
        }
        return follow(known.orElseGet(() -> known(events.place())), events);
    }

    private boolean follow(Feed feed, BlockEvents events) {
        if (feed.isOld(events.sequence())) {
            ignored++;
            return feed.inStep();
        }
        boolean before = feed.inStep();
        feed.follow(events);
        if (before && !feed.inStep()) {
            gaps++;
        }
        long[] keys = events.keys();
        switch (events.change()) {
            case STORED -> edit(keys, feed.tenure(), Edit.STORE);
            case REMOVED -> edit(keys, feed.tenure(), Edit.REMOVE);
            case CLEARED -> places.replace(feed, newTenure(feed));
        }
        sweep(keys.length);
        return feed.inStep();
    }

    /**
     * A place's answer to the question what it holds. An answer that is older than what is known
     * changes nothing.
     *
     * @param sequence number of the place's last batch before its answer
     * @param keys all that it holds
     * @return false if a later batch was missed too: ask again
     */
    public synchronized boolean resync(Place place, long sequence, long[] keys) {
        Feed feed = known(place);
        if (feed.inStep() && sequence < feed.last()) {
            ignored++;
            return true;
        }
        Tenure next = newTenure(feed);
        edit(keys, next, Edit.STORE);
        places.replace(feed, next);
        sweep(keys.length);
        List<BlockEvents> later = feed.later(sequence);
        feed.goOn(sequence, true);
        later.forEach(events -> follow(feed, events));
        return feed.inStep();
    }

    /** A worker, node or store is gone, and all that its place held. */
    public synchronized void drop(Place place) {
        places.find(place).ifPresent(places::drop);
        sweep(0);
    }

    /**
     * Blocks that a request was dispatched to compute: held by the place until an event confirms it
     * or the time is over. Expected blocks that a place is cleared or resynchronised of are gone,
     * and where two expectations overlap the first to end ends both.
     *
     * @param place its number; nothing happens if it was dropped
     * @param keys those of the request's blocks; those before {@code from} count as used now
     */
    public synchronized void expect(int place, long[] keys, int from, int to, long untilNanos) {
        if (table.isFull()) {
            for (int i = 0; i < from; i++) {
                table.seek(keys[i]);
                table.touch();
            }
        }
        places.find(place)
                .ifPresent(
                        feed -> {
                            long[] range = Arrays.copyOfRange(keys, from, to);
                            edit(range, feed.tenure(), Edit.EXPECT);
                            expectations.add(
                                    new Expectations.Expected(feed.tenure(), range, untilNanos));
                        });
        for (Optional<Expectations.Expected> over = expectations.excess();
                over.isPresent();
                over = expectations.excess()) {
            forgottenExpectations++;
            end(over.get());
        }
        sweep(to - from);
    }

    /** Ends the expectations whose time is over. */
    public synchronized void expire(long nowNanos) {
        for (Optional<Expectations.Expected> over = expectations.expired(nowNanos);
                over.isPresent();
                over = expectations.expired(nowNanos)) {
            end(over.get());
        }
    }

    private void end(Expectations.Expected expected) {
        if (places.counts(expected.tenure())) {
            edit(expected.keys(), expected.tenure(), Edit.EXPIRE);
        }
    }

    /**
     * Finds, for each place that holds the first block, how many leading blocks it holds, expected
     * ones included. Reads only a few of the blocks: a place that lacks one in the midst may be
     * given more than it has.
     *
     * @param keys a prompt's blocks, first block first
     * @param count how many of them to look at
     */
    public void match(long[] keys, int count, Matches into) {
        into.clear();
        if (count > 0) {
            into.search().run(table, sets, places, keys, count, into);
        }
    }

    /**
     * Writes what the places hold, for another router to start from; expectations are left out.
     * Changes wait for a part of the table at a time, never for the stream. Those that happen
     * meanwhile may be in the snapshot or not; the numbers in it are from before them, and to
     * follow a batch twice changes nothing.
     */
    public void write(OutputStream out) throws IOException {
        SnapshotWriter writer = new SnapshotWriter(out);
        writer.begin(standings());
        for (int piece = 0; piece < pieces; ) {
            piece = collect(piece, writer);
            writer.flush();
        }
        writer.end();
    }

    private synchronized List<SnapshotWriter.Standing> standings() {
        return places.all().stream().map(Feed::standing).toList();
    }

    private synchronized int collect(int from, SnapshotWriter writer) {
        Roster roster = places.roster();
        int piece = from;
        while (piece < pieces && !writer.isFull()) {
            visit(piece++, (key, set) -> writer.add(key, set, sets, roster));
        }
        return piece;
    }

    /**
     * An index that holds what a snapshot holds and goes on from its numbers. Places that were out
     * of step still are.
     *
     * @throws SnapshotException if it is none, or damaged
     */
    public static BlockIndex read(InputStream in, IndexOptions options) throws IOException {
        BlockIndex index = new BlockIndex(options);
        index.load(in);
        return index;
    }

    private synchronized void load(InputStream in) throws IOException {
        List<Feed> feeds = new ArrayList<>();
        SnapshotReader.Sink sink =
                new SnapshotReader.Sink() {
                    @Override
                    public void place(Place place, long sequence, boolean inStep) {
                        if (places.find(place).isPresent()) {
                            throw new IllegalArgumentException(
                                    "%s is there twice".formatted(place));
                        }
                        Feed feed = places.join(place);
                        feed.goOn(sequence, inStep);
                        feeds.add(feed);
                    }

                    @Override
                    public void blocks(int[][] members, long[] keys, int[] numbers) {
                        restore(feeds, members, keys, numbers);
                    }
                };
        new SnapshotReader(in, sink).read();
    }

    private void restore(List<Feed> feeds, int[][] members, long[] keys, int[] numbers) {
        int[] found = new int[members.length];
        int[] lost = new int[members.length];
        int[] blocks = new int[members.length];
        for (int i = 0; i < members.length; i++) {
            // A plain loop: a new router does this a million times, and nothing is compiled yet.
            int[] tenures = new int[members[i].length];
            for (int j = 0; j < tenures.length; j++) {
                tenures[j] = feeds.get(members[i][j]).tenure().index();
            }
            Arrays.sort(tenures);
            found[i] = sets.of(tenures);
            lost[i] = sets.lost();
        }
        for (int i = 0; i < keys.length; i++) {
            if (table.seek(keys[i]) != HolderSets.NONE) {
                throw new IllegalArgumentException("block %016x is there twice".formatted(keys[i]));
            }
            put(found[numbers[i]]);
            blocks[numbers[i]]++;
        }
        for (int i = 0; i < members.length; i++) {
            transitions.add(found[i], lost[i], blocks[i]);
        }
        transitions.end();
    }

    private Feed known(Place place) {
        return places.find(place)
                .orElseGet(
                        () -> {
                            makeRoomForTenure();
                            return places.join(place);
                        });
    }

    private Tenure newTenure(Feed feed) {
        makeRoomForTenure();
        return places.newTenure(feed.number());
    }

    private void makeRoomForTenure() {
        while (!places.hasRoom() && places.reclaiming() > 0) {
            sweepPiece();
        }
    }

    private void edit(long[] keys, Tenure tenure, Edit edit) {
        IntUnaryOperator each = set -> sets.edit(set, tenure.index(), edit);
        transitions.begin(each);
        for (int start = 0; start < keys.length; start += GROUP) {
            int end = Math.min(keys.length, start + GROUP);
            table.warm(keys, start, end);
            for (int i = start; i < end; i++) {
                int before = table.seek(keys[i]);
                int after = transitions.of(before);
                if (after == before) {
                    table.touch();
                } else {
                    put(after);
                }
            }
        }
        transitions.end();
    }

    /** Gives the block that was sought these holders. */
    private void put(int set) {
        int forgotten = table.put(set);
        if (forgotten != HolderSets.NONE) {
            transitions.forget(forgotten);
            forgottenBlocks++;
        }
    }

    private void sweep(int changed) {
        if (places.reclaiming() == 0) {
            sweepCredit = 0;
            return;
        }
        sweepCredit += SWEEP_PER_CALL + (long) changed * SWEEP_PER_KEY;
        while (places.reclaiming() > 0 && sweepCredit >= PIECE) {
            sweepCredit -= PIECE;
            sweepPiece();
        }
    }

    private void sweepPiece() {
        transitions.begin(set -> sets.without(set, places.endedBits()));
        visit(
                sweepNext,
                (key, before) -> {
                    int after = transitions.of(before);
                    if (after != before) {
                        table.seek(key);
                        table.put(after);
                    }
                });
        transitions.end();
        places.swept();
        sweepNext = (sweepNext + 1) % pieces;
    }

    private void visit(int piece, BlockTable.Visitor visitor) {
        int from = piece * PIECE;
        table.visit(from, Math.min(table.buckets(), from + PIECE), visitor);
    }

    public synchronized IndexStats stats() {
        return new IndexStats(
                places.all().size(),
                (int) places.all().stream().filter(feed -> !feed.inStep()).count(),
                table.blocks(),
                transitions.memberships(),
                sets.size(),
                expectations.size(),
                places.reclaiming(),
                table.bytes() + sets.bytes() + expectations.bytes(),
                options.maxBytes(),
                forgottenBlocks,
                transitions.forgotten(),
                forgottenExpectations,
                gaps,
                ignored);
    }
}
